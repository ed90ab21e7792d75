#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/protocol/output_buffer.h"
#include "common/protocol/request.h"

/// Requests as they are written to another node (docs/spec/cluster.md 5.1, 5.2). Pure.
namespace flare {

/// Whether a client's request may have to be executed at another node: the writes of cluster.md 5.2.
bool is_forwarded_write(Command command);

/// A write with the own name added to its prefix, an absolute expire and never noreply: an answer always comes, so that
/// answers on a shared connection cannot shift. gat in memcached's order goes out with `request.key` set to one of its
/// keys; with versions it is `gats`, which originals do not know.
void append_forwarded_write(OutputBuffer& out, const Request& request, std::string_view own_name, std::int64_t now_s);

/// `get k...` or `gets k...`: no prefix on reads (cluster.md 5.1). Originals take several keys too.
void append_forwarded_read(OutputBuffer& out, bool with_version, std::span<const std::string_view> keys);

}  // namespace flare
