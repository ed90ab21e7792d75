#pragma once

#include <memory>
#include <vector>

#include "common/net/tls_context.h"
#include "flare_bench/connection.h"
#include "flare_bench/settings.h"

namespace flare::bench {

/// So many connections to the nodes, in turn, of which some hundreds at a time are being made. Throws Failure with the
/// node's name when one cannot be made, or not all within `limit`. `tls`: null for plain ones.
[[nodiscard]] std::vector<std::unique_ptr<Connection>> connect_all(const std::vector<status::Target>& nodes,
                                                                   std::size_t count, Seconds limit,
                                                                   const TlsContext* tls = nullptr);

}  // namespace flare::bench
