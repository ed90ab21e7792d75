#include "flare_bench/value_book.h"

#include <charconv>
#include <random>
#include <stdexcept>

#include "flare_bench/shape.h"

namespace flare::bench {
namespace {

constexpr std::size_t pieces = 4096;  // places in the pool where a body may begin
constexpr std::size_t half_head = value_head_bytes / 2;

void append_hex(std::uint32_t number, std::string& out) {
  static constexpr std::string_view digits = "0123456789abcdef";
  for (int shift = 28; shift >= 0; shift -= 4) out += digits[(number >> shift) & 0xF];
}

std::optional<std::uint32_t> read_hex(std::string_view text) {
  std::uint32_t number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, 16);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

// The pool is the same in each run: `--no-fill` reads what an earlier one has written.
ValueBook::ValueBook(std::size_t value_bytes) : value_bytes_{value_bytes} {
  if (value_bytes < value_head_bytes) {
    throw std::invalid_argument("--value-size: at least " + std::to_string(value_head_bytes));
  }
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::mt19937 random{20240229};
  pool_.resize(pieces + value_bytes - value_head_bytes);
  for (auto& byte : pool_) byte = letters[random() % letters.size()];
}

std::string_view ValueBook::body(KeyNumber key, Generation generation) const {
  const auto mixed =
      (static_cast<std::uint64_t>(key) << 32 | static_cast<std::uint64_t>(generation)) * 0x9E3779B97F4A7C15U;
  return std::string_view{pool_}.substr((mixed >> 40) % pieces, value_bytes_ - value_head_bytes);
}

void ValueBook::append(KeyNumber key, Generation generation, std::string& out) const {
  append_hex(static_cast<std::uint32_t>(key), out);
  append_hex(static_cast<std::uint32_t>(generation), out);
  out += body(key, generation);
}

std::optional<Generation> ValueBook::generation_of(KeyNumber key, std::string_view value) const {
  if (value.size() != value_bytes_) return std::nullopt;
  if (read_hex(value.substr(0, half_head)) != static_cast<std::uint32_t>(key)) return std::nullopt;
  const auto number = read_hex(value.substr(half_head, half_head));
  if (!number) return std::nullopt;
  const Generation generation{*number};
  if (value.substr(value_head_bytes) != body(key, generation)) return std::nullopt;
  return generation;
}

}  // namespace flare::bench
