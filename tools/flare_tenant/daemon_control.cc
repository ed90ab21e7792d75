#include "flare_tenant/daemon_control.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "flare_tenant/program.h"

namespace flare::tenant {
namespace {

std::optional<std::string> run_or_say(const std::vector<std::string>& words, std::chrono::seconds limit) {
  const int status = run_program(words, limit);
  if (status == 0) return std::nullopt;
  const auto line = fmt::format("{}", fmt::join(words, " "));
  if (status == -1) return fmt::format("'{}' did not end within {} s (--timeout) or was killed", line, limit.count());
  return fmt::format("'{}' ended with exit status {}", line, status);
}

}  // namespace

bool systemd_runs() {
  std::error_code error;
  return std::filesystem::is_directory("/run/systemd/system", error);  // as sd_booted(3)
}

std::optional<std::string> start_daemon(const Tenant& tenant, const DaemonEntry& daemon, const Control& control) {
  if (running_daemon(daemon.folder.real_path)) return std::nullopt;
  if (control.systemd) {
    return run_or_say({"systemctl", "start", unit_of(daemon.file.kind, tenant.name)}, control.limit);
  }
  const auto program = program_path(std::string{program_of(daemon.file.kind)});
  return run_or_say({program, "-f", daemon.file.file.string(), "--daemonize"}, control.limit);
}

std::optional<std::string> stop_daemon(const Tenant& tenant, const DaemonEntry& daemon, const Control& control) {
  if (control.systemd) {
    // Also when it does not run: then systemd does not start it again. One started by hand is ended below.
    auto failure = run_or_say({"systemctl", "stop", unit_of(daemon.file.kind, tenant.name)}, control.limit);
    if (failure && !running_daemon(daemon.folder.real_path)) return failure;
  }
  if (!running_daemon(daemon.folder.real_path)) return std::nullopt;
  const auto process = RunningProcess::find(daemon);
  if (!process) return process.error();
  if (!process->ask_to_end()) return fmt::format("SIGTERM to process {}: {}", process->pid(), std::strerror(errno));
  if (process->wait_for_end(control.limit)) return std::nullopt;
  return fmt::format("process {} has not ended within {} s (--timeout)", process->pid(), control.limit.count());
}

}  // namespace flare::tenant
