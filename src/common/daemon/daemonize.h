#pragma once

#include <chrono>
#include <string>

#include "common/base/result.h"
#include "common/daemon/descriptor.h"
#include "common/daemon/start_failure.h"

namespace flare {

/// Storage may be rebuilt at a start: long, but bounded.
constexpr std::chrono::minutes start_deadline{30};

/// --daemonize: the parent lives until the child serves or gives up, and ends with the child's code and message
/// (daemons.md 7.9). To be made before any thread exists. Without --daemonize the reports go to this process alone.
class Daemonizer {
 public:
  /// Forks if asked to. Returns in the child only; the parent ends inside.
  static Result<Daemonizer, StartFailure> start(const std::string& program, bool daemonize,
                                                std::chrono::milliseconds deadline = start_deadline);

  /// The child serves: lets the parent end with 0, then gives up stdout and stderr (`keep_stderr`: --stderr was given).
  void report_ready(bool keep_stderr = false);
  /// The start failed: the parent prints and ends with it, or we print it. The number to end with.
  int report_failure(const StartFailure& failure);

 private:
  Daemonizer() = default;
  explicit Daemonizer(Descriptor parent) : parent_(std::move(parent)) {}
  Descriptor parent_;  // none without --daemonize, and after a report
};

}  // namespace flare
