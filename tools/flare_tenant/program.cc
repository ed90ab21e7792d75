#include "flare_tenant/program.h"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "common/daemon/descriptor.h"

namespace flare::tenant {
namespace {

constexpr int not_run = 127;

bool ended_in_time(pid_t child, std::chrono::seconds limit) {
  const Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
  if (!process) return true;  // then the wait that follows has no deadline but the program's own
  pollfd entry{process.number(), POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(std::chrono::milliseconds{limit}.count())) != 0;
}

}  // namespace

int run_program(const std::vector<std::string>& words, std::chrono::seconds limit) {
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  if (::posix_spawnp(&child, arguments.front(), nullptr, nullptr, arguments.data(), environ) != 0) return not_run;
  if (!ended_in_time(child, limit)) ::kill(child, SIGKILL);  // not waited for yet: the number is still our child's
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return not_run;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string program_path(const std::string& name) {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = own.parent_path() / name;
  return !error && std::filesystem::exists(beside, error) ? beside.string() : name;
}

}  // namespace flare::tenant
