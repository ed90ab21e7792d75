#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/cluster/node.h"
#include "flared/options.h"
#include "flared/routing.h"

/// Who may flush what, and where (docs/design.md 3.7). Pure.
namespace flare {

/// The operator tools flush a node 3 s after they asked for its `down`, without looking whether that was granted.
constexpr std::chrono::seconds flush_guard{30};

/// Why this node refuses `flush_all`, CRLF included; empty: it does not. `own`: its entry in the map. `since_down`: how
/// long ago a map last showed it down or coming back; nullopt: never.
std::string_view flush_refusal(const std::optional<Node>& own,
                               std::optional<std::chrono::steady_clock::duration> since_down);

/// Whether a client's flush_all concerns the masters of all partitions instead of this node's store. What another node
/// passes on (`proxied`) never goes further.
bool flushes_masters(ProxyFlushAll option, const std::optional<Node>& own, bool proxied);

/// The master of each partition; or why not all can be flushed.
Result<std::vector<Node>, std::string> masters_to_flush(const RoutingView& view);

/// The line for another node.
std::string forwarded_flush(const NodeKey& own, std::int64_t exptime);

}  // namespace flare
