#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/daemon/descriptor.h"
#include "flare_tenant/inventory.h"

namespace flare::tenant {

/// The process that holds the lock of a data-dir.
struct Holder {
  std::string program{};
  pid_t pid = -1;
};

/// `flared 123` of a lock file; nothing for another form or a pid below 2. Pure.
[[nodiscard]] std::optional<Holder> parse_holder(std::string_view text);

/// The daemon that runs on this data-dir now: the lock is held, and the process it names is alive.
[[nodiscard]] std::optional<Holder> running_daemon(const std::string& data_dir);

/// A process that cannot be mistaken for another one that gets its number later.
class RunningProcess {
 public:
  /// Only if pid file, lock and the process's own name say the same: else why not.
  static Result<RunningProcess, std::string> find(const DaemonEntry& daemon);

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// SIGTERM. False with errno.
  [[nodiscard]] bool ask_to_end() const;
  /// True if it has ended by then.
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds limit) const;

 private:
  RunningProcess(pid_t pid, Descriptor process) : pid_{pid}, process_{std::move(process)} {}
  pid_t pid_;
  Descriptor process_;
};

/// Keeps daemons out of a data-dir while it is removed; nothing if one is in it. Makes no lock file where there is
/// none.
class HeldFolder {
 public:
  static std::optional<HeldFolder> take(const std::string& data_dir);

 private:
  explicit HeldFolder(Descriptor lock) : lock_{std::move(lock)} {}
  Descriptor lock_;
};

}  // namespace flare::tenant
