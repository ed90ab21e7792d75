#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "flare_bench/result.h"

namespace flare::bench {

/// A few lines for people.
[[nodiscard]] std::string format_report(const Settings& settings, const Result& result);
/// All figures, durations in the unit that the name ends with.
[[nodiscard]] nlohmann::ordered_json to_json(const Settings& settings, const Result& result);

/// Faults that make the run fail: old values only when they are not expected.
[[nodiscard]] std::uint64_t faults_that_count(const Settings& settings, const Tally& tally);

}  // namespace flare::bench
