#include "flare_bench/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "flare_bench/failure.h"

namespace flare::bench {

void make_room_for(std::uint64_t connections) {
  constexpr std::uint64_t others = 64;  // standard streams, epoll, libraries
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) throw system_failure("limit of open files");
  const rlim_t wanted = connections + others;
  if (limit.rlim_cur >= wanted) return;
  const rlimit raised{wanted, std::max(wanted, limit.rlim_max)};  // the hard limit too, where we may
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
  throw Failure{std::to_string(connections) + " connections: at most " + std::to_string(limit.rlim_max) +
                " files may be open; raise the hard limit (ulimit -Hn)"};
}

}  // namespace flare::bench
