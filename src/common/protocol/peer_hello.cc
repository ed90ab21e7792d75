#include "common/protocol/peer_hello.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "common/protocol/words.h"

namespace flare {
namespace {

constexpr std::string_view none = "-";
constexpr std::size_t word_bytes_max = 300;  // a server name has at most 255
constexpr std::size_t tenant_bytes_max = 63;

std::string_view word_or_none(std::string_view word) { return word.empty() ? none : word; }

// Of a peer, for logs and answers: nothing but visible bytes.
bool good_word(std::string_view word, std::size_t bytes_max) {
  const auto visible = [](char byte) { return byte > ' ' && byte < 0x7f; };
  return !word.empty() && word.size() <= bytes_max && std::all_of(word.begin(), word.end(), visible);
}

}  // namespace

std::string hello_words(const PeerHello& hello) {
  return fmt::format("{} {} {} {}", word_or_none(hello.identity.cluster), word_or_none(hello.identity.tenant),
                     hello.key.text, hello.start_id);
}

std::optional<PeerHello> parse_hello_words(std::string_view text) {
  Words words{text};
  const auto cluster = words.next();
  const auto tenant = words.next();
  const auto key = words.next();
  const auto start_id = words.next();
  if (cluster != none && !is_cluster_id(cluster)) return std::nullopt;
  if (!good_word(tenant, tenant_bytes_max) || !good_word(key, word_bytes_max)) return std::nullopt;
  if (!good_word(start_id, word_bytes_max)) return std::nullopt;
  PeerHello hello;
  if (cluster != none) hello.identity.cluster = cluster;
  if (tenant != none) hello.identity.tenant = tenant;
  hello.key = NodeKey{std::string{key}};
  hello.start_id = start_id;
  return hello;
}

std::string node_line_words(const ClusterIdentity& identity) {
  std::string words;
  if (!identity.cluster.empty()) words += " cluster=" + identity.cluster;
  if (!identity.tenant.empty()) words += " tenant=" + identity.tenant;
  return words;
}

namespace {

constexpr int node_words = 8;  // NODE and its seven fields
constexpr std::string_view interval_name = "interval=";
constexpr std::chrono::hours interval_max{24};

/// What stands behind the seventh field of the first line.
Words words_of_map(std::string_view node_lines) {
  auto line = node_lines.substr(0, node_lines.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  Words words{line};
  for (int i = 0; i < node_words; ++i) words.next();
  return words;
}

}  // namespace

std::string probe_interval_word(std::chrono::milliseconds interval) {
  return " " + std::string{interval_name} + std::to_string(interval.count());
}

std::optional<std::chrono::milliseconds> probe_interval_of_map(std::string_view node_lines) {
  auto words = words_of_map(node_lines);
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (!word.starts_with(interval_name)) continue;
    std::int64_t count = 0;
    const auto text = word.substr(interval_name.size());
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || end != text.data() + text.size() || count < 1) return std::nullopt;
    const std::chrono::milliseconds interval{count};
    return interval <= interval_max ? std::optional{interval} : std::nullopt;
  }
  return std::nullopt;
}

ClusterIdentity identity_of_map(std::string_view node_lines) {
  constexpr std::string_view cluster = "cluster=";
  constexpr std::string_view tenant = "tenant=";
  auto words = words_of_map(node_lines);
  ClusterIdentity identity;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.starts_with(cluster)) identity.cluster = word.substr(cluster.size());
    if (word.starts_with(tenant)) identity.tenant = word.substr(tenant.size());
  }
  return identity;
}

}  // namespace flare
