#include "flarei/monitors.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "flarei/map_change.h"

namespace flare {

namespace {

// cluster.md 4.2 and 9.4: the original waits for the prior nodes without limit.
constexpr std::chrono::milliseconds prior_delivery_deadline{500};

}  // namespace

NodeMonitors::NodeMonitors(IoExecutor executor, Index& index, MonitorSettings settings, ThreadNumbers& numbers,
                           Log& log)
    : executor_(executor), index_(index), settings_(std::move(settings)), numbers_(numbers), log_(log) {}

NodeMonitors::~NodeMonitors() { stop(); }

void NodeMonitors::stop() {
  if (hold_timer_) hold_timer_->cancel();
  hold_timer_.reset();
  for (const auto& [key, monitor] : std::exchange(monitors_, {})) monitor->stop();
}

std::shared_ptr<NodeMonitor> NodeMonitors::find(const NodeKey& key) const {
  const auto found = monitors_.find(key);
  return found == monitors_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const NodeMonitor>> NodeMonitors::all() const {
  std::vector<std::shared_ptr<const NodeMonitor>> found;
  for (const auto& [key, monitor] : monitors_) found.push_back(monitor);
  return found;
}

void NodeMonitors::publish(const NodeMap& before, const std::optional<NodeKey>& leaving) {
  follow_map(NodeMonitor::Acquaintance::fresh);
  if (leaving) {
    if (const auto monitor = find(*leaving)) monitor->skip_delivery(index_.map().version);
  }
  auto groups = prior_groups(before, index_.map());
  if (!groups.empty()) {
    order_.hold_for(std::move(groups));
    hold_others();
  }
  release_unreachable();
  wake_all();
}

// Each node of the map has its monitor, and no other.
void NodeMonitors::follow_map(NodeMonitor::Acquaintance acquaintance) {
  const auto& nodes = index_.map().nodes;
  for (auto at = monitors_.begin(); at != monitors_.end();) {
    if (nodes.contains(at->first)) {
      ++at;
    } else {
      at->second->stop();
      at = monitors_.erase(at);
    }
  }
  for (const auto& [key, node] : nodes) {
    if (monitors_.contains(key)) continue;
    const auto monitor = std::make_shared<NodeMonitor>(executor_, node, *this, acquaintance, numbers_.next());
    monitors_.emplace(key, monitor);
    monitor->start();
  }
}

// Nobody waits for a prior node that is down or gone by now.
void NodeMonitors::release_unreachable() {
  for (const auto& key : order_.awaited()) {
    if (!index_.map().nodes.contains(key) || index_.is_down(key)) order_.done(key);
  }
}

void NodeMonitors::hold_others() {
  if (hold_timer_) hold_timer_->cancel();
  hold_timer_ = std::make_shared<Timer>(executor_, prior_delivery_deadline);
  hold_timer_->async_wait([this, timer = std::weak_ptr{hold_timer_}](const error_code& error) {
    const auto current = timer.lock();
    if (error || !current) return;
    hold_timer_.reset();
    order_.give_up();
    wake_all();
  });
}

void NodeMonitors::wake_all() {
  for (const auto& [key, monitor] : monitors_) monitor->wake_delivery();
}

void NodeMonitors::node_failed(const NodeKey& key, std::string_view reason) {
  take_down(key, fmt::format("{} failed probes, the last: {}", settings_.threshold, reason));
}

void NodeMonitors::take_down(const NodeKey& key, std::string cause) {
  if (succession_) return succession_->node_gone(key, std::move(cause));
  // A map that cannot be stored leaves the node as it was: its probes are counted again.
  static_cast<void>(index_.mark_down(key, cause));
}

NodeHealth NodeMonitors::health_of(const NodeKey& key) const {
  const auto monitor = find(key);
  return {monitor && monitor->peer_kind() == PeerKind::original, monitor && monitor->is_silent()};
}

void NodeMonitors::node_foreign(const NodeKey& key, std::string_view reason) { take_down(key, std::string{reason}); }

std::optional<OwnGreeting> NodeMonitors::introduction() const {
  if (!identity_) return std::nullopt;
  return identity_->greeting();
}

void NodeMonitors::deliver_again() {
  for (const auto& [key, monitor] : monitors_) monitor->deliver_again();
}

void NodeMonitors::node_answers(const NodeKey& key) { static_cast<void>(index_.mark_up(key, true, "a good probe")); }

std::optional<MapDelivery> NodeMonitors::next_delivery(const NodeKey& key, bool ours) {
  if (!order_.may_receive(key)) return std::nullopt;
  return MapDelivery{index_.map().version,
                     index_.sync_request(ours ? Index::SyncFor::ours : Index::SyncFor::originals)};
}

void NodeMonitors::delivered(const NodeKey& key, MapVersion version) {
  if (!order_.holds() || version != index_.map().version) return;
  order_.done(key);
  if (!order_.holds()) {
    if (hold_timer_) hold_timer_->cancel();
    hold_timer_.reset();
  }
  wake_all();
}

void NodeMonitors::delivery_failed(const NodeKey& key, MapVersion version, std::string_view reason) {
  log_.warning("node {} did not take map version {}: {}; it gets the newest with its next good probe", key.text,
               raw(version), reason);
}

}  // namespace flare
