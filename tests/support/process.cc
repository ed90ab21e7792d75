#include "support/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr int exec_failed = 127;

Ending ending_of(int status) {
  if (WIFEXITED(status)) return {.code = WEXITSTATUS(status), .signal = 0};
  return {.code = -1, .signal = WTERMSIG(status)};
}

void redirect(const std::filesystem::path& path, int target) {
  const auto* name = path.empty() ? "/dev/null" : path.c_str();
  const int descriptor = ::open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (descriptor < 0 || ::dup2(descriptor, target) < 0) ::_exit(exec_failed);
  ::close(descriptor);
}

void enter_network(const std::string& network) {
  if (network.empty()) return;
  const int descriptor = ::open(network.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || ::setns(descriptor, CLONE_NEWNET) != 0) ::_exit(exec_failed);
}

// After fork: only what a child of a threaded process may do.
[[noreturn]] void become(const Command& command, const std::vector<char*>& words) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing outlives a test that was itself killed
  const int input = ::open("/dev/null", O_RDONLY);
  ::dup2(input, STDIN_FILENO);
  redirect(command.output, STDOUT_FILENO);
  redirect(command.errors, STDERR_FILENO);
  enter_network(command.network);
  if (!command.folder.empty() && ::chdir(command.folder.c_str()) != 0) ::_exit(exec_failed);
  ::execvp(words.front(), words.data());
  ::_exit(exec_failed);
}

pid_t start(const Command& command) {
  std::vector<char*> words;
  for (const auto& word : command.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error(std::string{"fork: "} + std::strerror(errno));
  if (pid == 0) become(command, words);
  return pid;
}

std::optional<Ending> reap_pid(pid_t pid, bool block) {
  int status = 0;
  pid_t found = -1;
  do {
    found = ::waitpid(pid, &status, block ? 0 : WNOHANG);
  } while (found < 0 && errno == EINTR);
  if (found == pid) return ending_of(status);
  return std::nullopt;
}

}  // namespace

Process::Process(const Command& command) : pid_{start(command)} {}

Process::~Process() {
  if (pid_ > 1) kill();
}

Process::Process(Process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      frozen_{other.frozen_},
      ending_{std::exchange(other.ending_, std::nullopt)} {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    if (pid_ > 1) kill();
    pid_ = std::exchange(other.pid_, -1);
    frozen_ = other.frozen_;
    ending_ = std::exchange(other.ending_, std::nullopt);
  }
  return *this;
}

void Process::reap(bool block) {
  if (!ending_ && pid_ > 1) ending_ = reap_pid(pid_, block);
}

bool Process::running() {
  reap(false);
  return pid_ > 1 && !ending_;
}

void Process::send(int signal) const {
  if (pid_ > 1 && !ending_) ::kill(pid_, signal);  // not waited for yet: the number is still ours
}

// A signal that is sent has not stopped anything yet: what a thread does meanwhile, it would do "frozen".
void Process::freeze() {
  if (frozen_) return;
  send(SIGSTOP);
  const auto stands = [this] {
    siginfo_t told{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &told, WSTOPPED | WNOHANG) == 0 && told.si_pid == pid_;
  };
  if (pid_ <= 1 || ending_ || !eventually([&] { return stands() || !running(); })) {
    throw std::runtime_error("a process that should stand still does not");
  }
  frozen_ = true;
}

void Process::thaw() {
  send(SIGCONT);
  frozen_ = false;
}

Ending Process::kill() {
  send(SIGKILL);
  reap(true);
  return ending_.value_or(Ending{});
}

std::optional<Ending> Process::stop(Milliseconds limit) {
  send(SIGTERM);
  return wait(limit);
}

std::optional<Ending> Process::wait(Milliseconds limit) {
  if (!eventually([this] { return !running(); }, limit)) return std::nullopt;
  return ending_;
}

Outcome run(std::vector<std::string> words, Milliseconds limit, const std::string& network) {
  const TempDir folder;
  Process process{{.words = std::move(words), .output = folder / "out", .errors = folder / "err", .network = network}};
  Outcome outcome;
  const auto ending = process.wait(limit);
  outcome.in_time = ending.has_value();
  outcome.ending = ending ? *ending : process.kill();
  outcome.output = read_file(folder / "out");
  outcome.errors = read_file(folder / "err");
  return outcome;
}

void adopt_orphans() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    throw std::runtime_error(std::string{"PR_SET_CHILD_SUBREAPER: "} + std::strerror(errno));
  }
}

Daemon::~Daemon() {
  if (pid_ > 1) static_cast<void>(stop(SIGKILL));
}

std::optional<Ending> Daemon::stop(int signal, Milliseconds limit) {
  if (pid_ <= 1) return std::nullopt;
  ::kill(pid_, signal);
  std::optional<Ending> ending;
  if (!eventually([&] { return (ending = reap_pid(pid_, false)).has_value(); }, limit)) return std::nullopt;
  pid_ = -1;
  return ending;
}

pid_t read_pid_file(const std::filesystem::path& path, Milliseconds limit) {
  pid_t pid = -1;
  const auto has_number = [&] {
    pid = static_cast<pid_t>(std::strtol(read_file(path).c_str(), nullptr, 10));
    return pid > 1;
  };
  return eventually(has_number, limit) ? pid : -1;
}

}  // namespace flare::test
