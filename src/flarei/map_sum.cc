#include "flarei/map_sum.h"

#include <fmt/format.h>
#include <zlib.h>

namespace flare {
namespace {

constexpr std::string_view end_of_archive = "</boost_serialization>";
constexpr std::string_view opening = "<!-- flare ";
constexpr std::string_view closing = " -->";
constexpr std::string_view sum_word = " sum=";

std::string sum_of(std::string_view bytes) {
  const auto* begin = reinterpret_cast<const Bytef*>(bytes.data());
  return fmt::format("{:08x}", ::crc32(0, begin, static_cast<uInt>(bytes.size())));
}

}  // namespace

std::string with_sum(std::string xml) {
  const auto end = xml.rfind(closing);
  if (end != std::string::npos) xml.insert(end, std::string{sum_word} + sum_of({xml.data(), end}));
  return xml;
}

MapSum look_at_sum(std::string_view xml) {
  const auto end = xml.rfind(end_of_archive);
  const auto line = end == std::string_view::npos ? end : xml.find(opening, end);
  const auto word = line == std::string_view::npos ? line : xml.find(sum_word, line);
  if (word == std::string_view::npos) return MapSum::none;
  auto told = xml.substr(word + sum_word.size());
  told = told.substr(0, told.find(closing));
  return told == sum_of(xml.substr(0, word)) ? MapSum::right : MapSum::wrong;
}

}  // namespace flare
