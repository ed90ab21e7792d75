#include "common/protocol/peer_hello.h"

#include <fmt/format.h>

#include <algorithm>

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

ClusterIdentity identity_of_map(std::string_view node_lines) {
  constexpr std::string_view cluster = "cluster=";
  constexpr std::string_view tenant = "tenant=";
  constexpr int known_words = 8;  // NODE and its seven fields
  auto line = node_lines.substr(0, node_lines.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  Words words{line};
  for (int i = 0; i < known_words; ++i) words.next();
  ClusterIdentity identity;
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.starts_with(cluster)) identity.cluster = word.substr(cluster.size());
    if (word.starts_with(tenant)) identity.tenant = word.substr(tenant.size());
  }
  return identity;
}

}  // namespace flare
