#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "flare_status/target.h"

namespace flare::backup {

struct RestorePlan {
  std::filesystem::path file;
  status::Target node;             // any node of the cluster: keys go where they belong
  bool into_other_tenant = false;  // the explicit word
  bool into_data = false;          // the cluster need not be empty
  std::chrono::milliseconds patience{10'000};
};

struct Restored {
  std::uint64_t stored = 0;
  std::uint64_t expired = 0;  // not sent: their time is over
  std::uint64_t newer = 0;    // not stored: the key was written since (restore_flushed)
  std::uint64_t refused = 0;
  std::string first_refusal;
};

/// Checks the file, whose it is and that the cluster is empty; then writes all records as a client does. The error is a
/// sentence.
Result<Restored, std::string> restore(const RestorePlan& plan);
/// The same for a text in the operator tools' form, which names no owner.
Result<Restored, std::string> import_text(const RestorePlan& plan);
/// The same for a store that a flush has kept aside (flushed.h): each record whose key is not there now is added.
Result<Restored, std::string> restore_flushed(const RestorePlan& plan);

}  // namespace flare::backup
