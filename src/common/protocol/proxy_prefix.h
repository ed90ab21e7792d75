#pragma once

#include <cstddef>
#include <string_view>

#include "common/protocol/output_buffer.h"

/// The list of nodes that a forwarded write has passed: `<name:port,name:port>` (docs/spec/cluster.md 5.2). Here it is
/// handled as it stands in Request::prefix, without its brackets. Empty names do not count. Pure.
namespace flare {

/// In the place of the first name: not a node passes a client's write on, flare-backup writes a record as it was, with
/// its version, however high (docs/design.md 1, 3.5). It goes on to the master with the write.
inline constexpr std::string_view restoring_name = "restore";
bool is_restoring(std::string_view prefix);
/// In the same place: a node of another cluster, whose name follows, passes on what was done there (cluster.md 7).
inline constexpr std::string_view copying_name = "copy";
bool is_copying(std::string_view prefix);
/// That name; empty if it is no such prefix.
std::string_view copied_by(std::string_view prefix);

std::size_t prefix_name_count(std::string_view prefix);
/// The node that sent the request: the name at the end; empty if there is none.
std::string_view last_prefix_name(std::string_view prefix);
/// How often `name` is in it: with the own name in it already, forwarding once more would be a loop (cluster.md 5.3).
std::size_t prefix_count_of(std::string_view prefix, std::string_view name);
/// `<prefix,own_name>`, what is written before the command word; nothing without any name.
void append_prefix(OutputBuffer& out, std::string_view prefix, std::string_view own_name);

}  // namespace flare
