#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flare_status/status.h"

namespace flare::status {

/// What is known of one cluster. `error` is set if its index could not be asked.
struct ClusterStatus {
  std::string index{};
  std::vector<NodeRow> rows{};
  std::string error{};
};

/// docs/spec/tools.md 7, byte for byte; a silent node has `-` and is left out of the sum.
[[nodiscard]] std::string format_table(const std::vector<NodeRow>& rows);
[[nodiscard]] nlohmann::ordered_json to_json(const ClusterStatus& status);

}  // namespace flare::status
