#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/deadline.h"

namespace flare::test {

/// How a process ended.
struct Ending {
  int code = -1;   ///< exit status, -1 if a signal ended it
  int signal = 0;  ///< the signal, 0 if it exited
};

struct Command {
  std::vector<std::string> words{};  ///< program (looked up in PATH unless it has a slash) and arguments
  std::filesystem::path output{};    ///< file for stdout; empty: /dev/null
  std::filesystem::path errors{};    ///< file for stderr, appended to; empty: /dev/null
  std::filesystem::path folder{};    ///< working directory; empty: the test's
  std::string network{};             ///< path of a network namespace to run in; empty: the test's
};

/// A child of the test. Known by its pid only; killed and waited for when the object goes.
class Process {
 public:
  explicit Process(const Command& command);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  void send(int signal) const;
  void freeze();  ///< SIGSTOP, and waits until all its threads stand still
  void thaw();    ///< SIGCONT
  /// SIGKILL, and waits for the end.
  Ending kill();
  /// SIGTERM, and waits for the end.
  std::optional<Ending> stop(Milliseconds limit = usual_limit);
  std::optional<Ending> wait(Milliseconds limit = usual_limit);

 private:
  void reap(bool block);

  pid_t pid_ = -1;
  bool frozen_ = false;
  std::optional<Ending> ending_;
};

struct Outcome {
  Ending ending{};
  bool in_time = false;
  std::string output{};
  std::string errors{};
};

/// Runs a command to its end (killed at the deadline) and gives what it printed.
[[nodiscard]] Outcome run(std::vector<std::string> words, Milliseconds limit = Milliseconds{30'000},
                          const std::string& network = {});

/// Makes this process the parent of daemons whose own parent has gone, so that it can wait for them.
void adopt_orphans();

/// For a daemon that has forked itself away: its end, by pid, after adopt_orphans(). Signals only pids above 1.
class Daemon {
 public:
  explicit Daemon(pid_t pid) : pid_{pid} {}
  ~Daemon();
  Daemon(Daemon&& other) noexcept : pid_{std::exchange(other.pid_, -1)} {}
  Daemon& operator=(Daemon&& other) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::optional<Ending> stop(int signal, Milliseconds limit = usual_limit);

 private:
  pid_t pid_;
};

/// The number in a pid file, once there is one; -1 if there is none at the deadline.
[[nodiscard]] pid_t read_pid_file(const std::filesystem::path& path, Milliseconds limit = usual_limit);

}  // namespace flare::test
