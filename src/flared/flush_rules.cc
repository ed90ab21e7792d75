#include "flared/flush_rules.h"

#include <fmt/format.h>

#include "common/protocol/reply_writer.h"

namespace flare {

std::string_view flush_refusal(const std::optional<Node>& own,
                               std::optional<std::chrono::steady_clock::duration> since_down) {
  if (!own || own->role == Role::proxy) return {};
  if (own->role == Role::slave) return reply::flush_at_slave;
  if (since_down && *since_down < flush_guard) return reply::flush_too_early;
  return {};
}

bool flushes_masters(ProxyFlushAll option, const std::optional<Node>& own, bool proxied) {
  return option == ProxyFlushAll::cluster && !proxied && own && own->role != Role::master;
}

Result<std::vector<Node>, std::string> masters_to_flush(const RoutingView& view) {
  std::vector<Node> masters;
  const auto& partitions = view.partitions.active();
  if (partitions.empty()) return std::string{"there is no partition"};
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (!partitions[i].master) return fmt::format("partition {} has no master", i);
    masters.push_back(view.partitions.nodes()[*partitions[i].master]);
  }
  return masters;
}

// 0 and no time are the same, so an original gets the short form.
std::string forwarded_flush(const NodeKey& own, std::int64_t exptime) {
  const auto request = fmt::format("<{}>flush_all", own.text);
  return exptime == 0 ? request + "\r\n" : fmt::format("{} {}\r\n", request, exptime);
}

}  // namespace flare
