#pragma once

#include <memory>
#include <vector>

#include "flare_bench/connection.h"
#include "flare_bench/settings.h"

namespace flare::bench {

/// So many connections to the nodes, in turn, of which some hundreds at a time are being made. Throws Failure with the
/// node's name when one cannot be made, or not all within `limit`.
[[nodiscard]] std::vector<std::unique_ptr<Connection>> connect_all(const std::vector<status::Target>& nodes,
                                                                   std::size_t count, Seconds limit);

}  // namespace flare::bench
