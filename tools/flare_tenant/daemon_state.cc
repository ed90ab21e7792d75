#include "flare_tenant/daemon_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "common/daemon/option_text.h"

namespace flare::tenant {
namespace {

std::string lock_path(const std::string& data_dir) { return data_dir + "/lock"; }

// The beginning of a small file; empty if it cannot be read.
std::string read_start(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  std::array<char, 128> bytes{};
  const auto count = file ? ::read(file.number(), bytes.data(), bytes.size()) : -1;
  return count > 0 ? std::string(bytes.data(), static_cast<std::size_t>(count)) : std::string{};
}

std::string first_line(std::string text) {
  const auto end = text.find('\n');
  if (end != std::string::npos) text.resize(end);
  return text;
}

bool alive(pid_t pid) { return ::kill(pid, 0) == 0 || errno == EPERM; }

// Asks for a moment: a daemon that starts in just that moment could be refused, so it is asked only when the process
// that the lock names is alive.
bool lock_is_held(const std::string& data_dir) {
  const Descriptor lock{::open(lock_path(data_dir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  return lock && ::flock(lock.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// By number: glibc has these two only under a header that g++ does not take with the older one.
int open_process(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

std::string pid_file_path(const DaemonEntry& daemon) {
  return daemon.folder.real_path + "/" + std::string{program_of(daemon.file.kind)} + ".pid";
}

}  // namespace

std::optional<Holder> parse_holder(std::string_view text) {
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto pid = parse_integer<pid_t>(text.substr(blank + 1));
  if (!pid || *pid < 2) return std::nullopt;
  return Holder{std::string{text.substr(0, blank)}, *pid};
}

std::optional<Holder> running_daemon(const std::string& data_dir) {
  auto holder = parse_holder(first_line(read_start(lock_path(data_dir))));
  if (!holder || !alive(holder->pid) || !lock_is_held(data_dir)) return std::nullopt;
  return holder;
}

Result<RunningProcess, std::string> RunningProcess::find(const DaemonEntry& daemon) {
  const auto program = std::string{program_of(daemon.file.kind)};
  const auto& folder = daemon.folder.real_path;
  const auto named = parse_holder(first_line(read_start(lock_path(folder))));
  if (!named) return fmt::format("the lock {} names no process", lock_path(folder));
  Descriptor process{open_process(named->pid)};  // from here on the number cannot become another process's unnoticed
  if (!process) return fmt::format("process {} cannot be opened: {}", named->pid, std::strerror(errno));
  const auto holder = running_daemon(folder);
  if (!holder || holder->pid != named->pid) return fmt::format("no daemon holds the lock {}", lock_path(folder));
  const auto pid_text = first_line(read_start(pid_file_path(daemon)));
  if (parse_integer<pid_t>(pid_text) != holder->pid) {
    return fmt::format("the pid file {} says '{}', but process {} holds the lock of the data-dir: end that by hand",
                       pid_file_path(daemon), pid_text, holder->pid);
  }
  const auto name = first_line(read_start(fmt::format("/proc/{}/comm", holder->pid)));
  if (holder->program != program || name != program) {
    return fmt::format("process {} of the lock {} is '{}', not {}", holder->pid, lock_path(folder), name, program);
  }
  return RunningProcess{holder->pid, std::move(process)};
}

bool RunningProcess::ask_to_end() const {
  return ::syscall(SYS_pidfd_send_signal, process_.number(), SIGTERM, nullptr, 0) == 0 || errno == ESRCH;
}

bool RunningProcess::wait_for_end(std::chrono::milliseconds limit) const {
  const auto end = std::chrono::steady_clock::now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd entry{process_.number(), POLLIN, 0};
    const int ready = ::poll(&entry, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

std::optional<HeldFolder> HeldFolder::take(const std::string& data_dir) {
  Descriptor lock{::open(lock_path(data_dir).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!lock && errno == ENOENT) return HeldFolder{Descriptor{}};  // never used
  if (!lock || ::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  return HeldFolder{std::move(lock)};
}

}  // namespace flare::tenant
