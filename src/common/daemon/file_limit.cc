#include "common/daemon/file_limit.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "common/base/limits.h"

namespace flare {

std::optional<std::string> raise_file_limit(int max_connection) {
  // The daemons of the cluster have places beside the clients', and so have those that are told that there is none.
  constexpr auto others = static_cast<rlim_t>(limits::node_connections_max + limits::partings_max);
  const auto clients = static_cast<rlim_t>(max_connection);
  const auto wanted = std::max(clients, others) + clients + 16;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return "the limit of open files cannot be read";
  if (limit.rlim_cur >= wanted) return std::nullopt;
  const rlimit raised{wanted, std::max(wanted, limit.rlim_max)};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return std::nullopt;
  const rlimit allowed{std::min(wanted, limit.rlim_max), limit.rlim_max};  // without root: up to the hard limit
  if (::setrlimit(RLIMIT_NOFILE, &allowed) == 0) limit.rlim_cur = allowed.rlim_cur;
  if (limit.rlim_cur >= wanted) return std::nullopt;
  return fmt::format(
      "open files are limited to {}, but max-connection {} may need {}: raise the limit (ulimit -n, "
      "LimitNOFILE) or lower max-connection",
      limit.rlim_cur, max_connection, wanted);
}

}  // namespace flare
