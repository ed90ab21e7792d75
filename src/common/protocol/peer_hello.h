#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/cluster_identity.h"
#include "common/cluster/node.h"

/// How two of our daemons say who they are, at the begin of a connection (docs/design.md 5). Pure.
namespace flare {

/// `hello <cluster-id|-> <tenant|-> <S:P> <start-id>`, answered by `HELLO` and the same words of the other side, or by
/// `SERVER_ERROR foreign cluster: ...`.
struct PeerHello {
  ClusterIdentity identity;
  NodeKey key;
  std::string start_id;  // random, one life of a process

  bool operator==(const PeerHello&) const = default;
};

/// The four words, without command word and line end.
std::string hello_words(const PeerHello& hello);
/// nullopt: not these words.
std::optional<PeerHello> parse_hello_words(std::string_view words);

/// Words behind the seventh of a NODE line, which originals skip (cluster.md 1.1): ` cluster=<id>`, ` tenant=<name>`.
std::string node_line_words(const ClusterIdentity& identity);
/// What the NODE lines of a map say of its cluster, by their first line; empty for an original's.
ClusterIdentity identity_of_map(std::string_view node_lines);

/// Likewise, ` interval=<ms>`: how often the index probes a node, so that one that it has forgotten can tell.
std::string probe_interval_word(std::chrono::milliseconds interval);
std::optional<std::chrono::milliseconds> probe_interval_of_map(std::string_view node_lines);

inline constexpr std::string_view foreign_answer = "SERVER_ERROR foreign cluster";

}  // namespace flare
