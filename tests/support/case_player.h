#pragma once

#include <string>
#include <string_view>

#include "support/json_cases.h"
#include "support/text_client.h"

namespace flare::test {

/// Sends a golden case on a new connection and finds the end of its answer sooner than by a silence: when what is
/// expected has come, `version` is asked; its answer comes behind all others, since answers come in order.
/// `expected` only tells when to ask: what is given back is what came.
[[nodiscard]] Answer play(const Address& address, const JsonCase& golden, const Expectation& expected);

/// True if a request of the case concerns the node it is sent to and not the cluster: flush_all, dump, dump_key, stats,
/// show, kill, and the binary flush and stat.
[[nodiscard]] bool has_node_local_request(std::string_view sent);

/// Of an answer to `stats nodes`, text or binary: without what it says of that node.
[[nodiscard]] std::string without_node(std::string_view answer, const Address& node);

}  // namespace flare::test
