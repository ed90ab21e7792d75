#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/base/log.h"
#include "flared/snapshot/local_snapshots.h"
#include "flared/snapshot/snapshot_lines.h"
#include "flared/storage/storage.h"

namespace flare::snapshot {

/// Takes a local snapshot whenever the log has grown by the size of the last one (docs/design.md 3.6, `interval` and
/// `group`), when the store was replaced, and at the start if there is none: with the log behind it, that is what a
/// start after a stop of the machine rebuilds the store from. On a thread of its own; must end before the storage.
class Keeper {
 public:
  /// What the first line of a snapshot says of this node, now.
  using Describe = std::function<Head()>;
  Keeper(Storage& storage, std::filesystem::path data_dir, Describe describe, Log& log);
  ~Keeper() { stop(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Takes one now if there is none of the store's history. The error is a sentence.
  Result<void, std::string> ensure();
  void start();
  void stop();  // breaks a running one off
  std::uint64_t taken() const { return taken_; }

 private:
  struct Last {
    LogId log_id{0};
    std::uint64_t bytes = 0;
    std::uint64_t appended = 0;  // of the log, when it was taken
  };
  void run();
  bool due() const;
  Result<void, std::string> take();
  void adopt_present();

  Storage& storage_;
  const std::filesystem::path data_dir_;
  const Describe describe_;
  Log& log_;
  std::optional<Last> last_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace flare::snapshot
