#pragma once

#include <string>

#include "common/base/result.h"
#include "common/daemon/start_failure.h"

namespace flare {

/// `<pid>\n` in a file, removed at a clean end if it is still ours (daemons.md 2.3). What stood there before does not
/// matter: DataDirLock decides who may run. To be made after the fork of --daemonize.
class PidFile {
 public:
  static Result<PidFile, StartFailure> create(const std::string& program, const std::string& path);
  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

 private:
  explicit PidFile(std::string path) : path_(std::move(path)) {}
  std::string path_;  // empty: moved from
};

}  // namespace flare
