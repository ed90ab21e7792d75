#include "common/daemon/daemonize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace flare {
namespace {

using SteadyClock = std::chrono::steady_clock;

// False when the deadline has passed.
bool wait_readable(int descriptor, SteadyClock::time_point deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd waiting{descriptor, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 && SteadyClock::now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// A report is the exit code in one byte, then the text, then the end of the stream.
std::optional<std::string> read_report(int child, SteadyClock::time_point deadline) {
  std::string report;
  std::array<char, 4096> bytes{};
  while (wait_readable(child, deadline)) {
    const auto count = ::read(child, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return report;
    report.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return std::nullopt;
}

// The child went without a word: its own status tells why.
StartFailure failure_of_status(const std::string& program, pid_t child) {
  constexpr std::chrono::seconds end_deadline{5};
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  if (handle && !wait_readable(handle.number(), SteadyClock::now() + end_deadline)) {
    return {ExitCode::system, fmt::format("{}: process {} neither serves nor ends; see its log", program, child)};
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    return {ExitCode::system, fmt::format("{}: killed by signal {} before it served", program, WTERMSIG(status))};
  }
  const int code = WEXITSTATUS(status) == 0 ? static_cast<int>(ExitCode::system) : WEXITSTATUS(status);
  return {static_cast<ExitCode>(code),
          fmt::format("{}: ended with status {} before it served; see its log", program, WEXITSTATUS(status))};
}

StartFailure wait_for_child(const std::string& program, pid_t child, int channel, std::chrono::milliseconds deadline) {
  const auto report = read_report(channel, SteadyClock::now() + deadline);
  if (!report) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(deadline).count();
    return {ExitCode::system, fmt::format("{}: process {} does not serve after {} s; it goes on starting, see its log",
                                          program, child, seconds)};
  }
  if (report->empty()) return failure_of_status(program, child);
  return {static_cast<ExitCode>(static_cast<unsigned char>(report->front())), report->substr(1)};
}

void send_report(int parent, const StartFailure& failure) {
  std::string report(1, static_cast<char>(failure.exit_code));
  report += failure.text;
  for (std::string_view rest = report; !rest.empty();) {
    const auto count = ::send(parent, rest.data(), rest.size(), MSG_NOSIGNAL);  // the parent may have been killed
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

void redirect_to_null(std::initializer_list<int> descriptors) {
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return;
  for (const int descriptor : descriptors) ::dup2(null.number(), descriptor);
}

}  // namespace

Result<Daemonizer, StartFailure> Daemonizer::start(const std::string& program, bool daemonize,
                                                   std::chrono::milliseconds deadline) {
  if (!daemonize) return Daemonizer();
  const auto failure = [&](const char* call) {
    return StartFailure{ExitCode::system,
                        fmt::format("{}: cannot daemonize: {}: {}", program, call, std::strerror(errno))};
  };
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return failure("socketpair");
  Descriptor to_child(ends[0]);
  Descriptor to_parent(ends[1]);
  std::fflush(nullptr);  // what is buffered must not come out twice
  const pid_t child = ::fork();
  if (child < 0) return failure("fork");
  if (child > 0) {
    to_parent.reset();
    const int code = report(wait_for_child(program, child, to_child.number(), deadline));
    std::fflush(nullptr);
    ::_exit(code);  // the child owns what destructors would take back
  }
  if (::setsid() < 0) return failure("setsid");
  redirect_to_null({STDIN_FILENO});
  return Daemonizer(std::move(to_parent));
}

void Daemonizer::report_ready(bool keep_stderr) {
  if (!parent_) return;
  redirect_to_null({STDOUT_FILENO});
  if (!keep_stderr) redirect_to_null({STDERR_FILENO});
  send_report(parent_.number(), {ExitCode::ok, ""});
  parent_.reset();
}

int Daemonizer::report_failure(const StartFailure& failure) {
  if (!parent_) return report(failure);
  send_report(parent_.number(), failure);
  parent_.reset();
  return static_cast<int>(failure.exit_code);
}

}  // namespace flare
