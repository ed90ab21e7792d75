#pragma once

#include <string>

#include "common/base/result.h"
#include "common/daemon/descriptor.h"
#include "common/daemon/start_failure.h"

namespace flare {

/// Holds flock on `<data-dir>/lock` as long as it lives: one daemon, of either kind, in a directory
/// (cluster.md 8.3, 8.4). The file says `<program> <pid>`. To be taken after the fork of --daemonize; never removed,
/// for the lock is the file's.
class DataDirLock {
 public:
  static Result<DataDirLock, StartFailure> take(const std::string& program, const std::string& data_dir);

 private:
  explicit DataDirLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace flare
