#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "flare_status/target.h"
#include "flared/snapshot/snapshot_reader.h"

namespace flare::backup {

struct TakePlan {
  status::Target node;
  std::filesystem::path file;
  std::uint64_t bandwidth_kb_s = 0;  // 0: no limit
  std::chrono::milliseconds patience{10'000};
};

/// Takes a snapshot of a running node into a file, and checks the file. The error is a sentence.
Result<snapshot::Facts, std::string> take(const TakePlan& plan);

}  // namespace flare::backup
