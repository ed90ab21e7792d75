#pragma once

#include <cstddef>
#include <string_view>

#include "common/protocol/output_buffer.h"

/// The list of nodes that a forwarded write has passed: `<name:port,name:port>` (docs/spec/cluster.md 5.2). Here it is
/// handled as it stands in Request::prefix, without its brackets. Empty names do not count. Pure.
namespace flare {

std::size_t prefix_name_count(std::string_view prefix);
/// The node that sent the request: the name at the end; empty if there is none.
std::string_view last_prefix_name(std::string_view prefix);
/// How often `name` is in it: with the own name in it already, forwarding once more would be a loop (cluster.md 5.3).
std::size_t prefix_count_of(std::string_view prefix, std::string_view name);
/// `<prefix,own_name>`, what is written before the command word; nothing without any name.
void append_prefix(OutputBuffer& out, std::string_view prefix, std::string_view own_name);

}  // namespace flare
