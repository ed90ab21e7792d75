#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/base/log.h"

namespace flare {

struct LogTarget {
  std::string ident;              // log_ident()
  std::string facility = "user";  // a name of the option log-facility
  bool to_stderr = false;
};

/// The daemon's log, through spdlog to syslog or stderr. One for a process (syslog itself knows only one); to be opened
/// after the fork of --daemonize. Safe from any thread.
class DaemonLog : public Log {
 public:
  /// For SIGHUP: opens anew, perhaps with another facility.
  virtual void reopen(const LogTarget& target) = 0;
};

std::unique_ptr<DaemonLog> open_log(const LogTarget& target);

/// `flared`, or `flared@user-a` where a tenant is named.
std::string log_ident(std::string_view program, std::string_view tenant);

constexpr std::size_t log_line_bytes_max = 2048;

/// `[NTC] text` with the original's level names (daemons.md 2.7); bounded, control bytes escaped. Pure.
std::string log_line(Log::Level level, std::string_view text);

}  // namespace flare
