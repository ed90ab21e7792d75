#include "flare_bench/processor_time.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

namespace flare::bench {
namespace {

// proc(5): the name in parentheses may hold anything; utime and stime are the 12th and 13th words behind it.
long ticks_of(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) throw std::runtime_error("--server-pid: no process " + std::to_string(pid));
  std::istringstream words{text.substr(name_end + 1)};
  std::string skipped;
  for (int number = 0; number < 11; ++number) words >> skipped;
  long user = 0;
  long system = 0;
  words >> user >> system;
  return user + system;
}

}  // namespace

std::chrono::duration<double> processor_time(const std::vector<pid_t>& pids) {
  long ticks = 0;
  for (const auto pid : pids) ticks += ticks_of(pid);
  return std::chrono::duration<double>{static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK))};
}

}  // namespace flare::bench
