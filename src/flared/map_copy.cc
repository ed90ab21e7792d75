#include "flared/map_copy.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <fstream>
#include <iterator>
#include <utility>

#include "common/base/limits.h"
#include "common/cluster/node_map_text.h"
#include "common/protocol/words.h"
#include "flared/storage/file_tools.h"

namespace flare {

namespace {

constexpr std::string_view title = "flare-map";
constexpr int format_number = 1;
constexpr std::uintmax_t file_bytes_max = 64 * 1024 * 1024;

std::uint64_t checksum(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

bool take_head(std::string_view line, IndexLink::Joined& known) {
  Words words{line};
  if (words.next() != title || words.next_number<int>() != format_number) return false;
  const auto version = words.next_number<std::uint64_t>();
  const auto size = words.next_number<int>();
  const auto hint = words.next_number<int>();
  const auto slots = words.next_number<int>();
  const auto hash = key_hash_from_text(words.next());
  if (!version || !size || !hint || !slots || !hash || *size < 2 || *hint < 1 || *slots < 1) return false;
  known.map.version = MapVersion{*version};
  known.meta = {*size, *hint, *slots};
  known.key_hash = *hash;
  return words.done();
}

bool take_node(std::string_view line, NodeMap& map) {
  auto node = parse_node_line(line);
  if (!node || map.nodes.size() >= limits::map_nodes_max || !take_reign_words(line, *node, map)) return false;
  auto key = node->key();
  return map.nodes.emplace(std::move(key), std::move(*node)).second;
}

}  // namespace

std::string format_map_copy(const IndexLink::Joined& known) {
  auto text =
      fmt::format("{} {} {} {} {} {} {}\r\n", title, format_number, raw(known.map.version), known.meta.partition_size,
                  known.meta.modular_hint, known.meta.modular_virtual, to_text(known.key_hash));
  text += node_lines_with_reigns(known.map);
  fmt::format_to(std::back_inserter(text), "{:016x}\n", checksum(text));
  return text;
}

std::optional<IndexLink::Joined> parse_map_copy(std::string_view text) {
  constexpr std::size_t sum_bytes = 17;  // 16 hex digits and the line end
  if (text.size() <= sum_bytes) return std::nullopt;
  auto body = text.substr(0, text.size() - sum_bytes);
  if (text.substr(body.size()) != fmt::format("{:016x}\n", checksum(body))) return std::nullopt;
  IndexLink::Joined known;
  if (!take_head(take_line(body), known)) return std::nullopt;
  for (auto line = take_line(body); line != "END"; line = take_line(body)) {
    if (!take_node(line, known.map)) return std::nullopt;
  }
  return body.empty() ? std::optional{std::move(known)} : std::nullopt;
}

std::optional<IndexLink::Joined> read_map_copy(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size > file_bytes_max) return std::nullopt;
  std::ifstream in{path, std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  return parse_map_copy(text);
}

MapCopyKeeper::MapCopyKeeper(IoExecutor executor, BlockingPool& pool, std::filesystem::path path, Log& log)
    : executor_(executor), pool_(pool), path_(std::move(path)), log_(log) {}

void MapCopyKeeper::keep(const IndexLink::Joined& known) {
  next_ = format_map_copy(known);
  if (!std::exchange(writing_, true)) asio::co_spawn(executor_, write(), asio::detached);
}

IoTask<> MapCopyKeeper::write() {
  while (next_) {
    auto store = [path = path_, text = std::move(*next_)] { return replace_file(path, text); };
    next_.reset();
    const auto error = co_await pool_.run(std::move(store));
    if (error != 0) log_.warning("{}: the copy of the map cannot be written: {}", path_.string(), error_text(error));
  }
  writing_ = false;
}

}  // namespace flare
