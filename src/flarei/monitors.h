#pragma once

#include <map>
#include <memory>
#include <vector>

#include "common/base/log.h"
#include "common/net/own_identity.h"
#include "flarei/delivery_order.h"
#include "flarei/index.h"
#include "flarei/monitor.h"
#include "flarei/succession.h"
#include "flarei/thread_numbers.h"

namespace flare {

/// One monitor for each node of the map, and in which order they bring it a new one. Lives on the I/O thread.
class NodeMonitors final : public MapPublisher, public MonitorOwner {
 public:
  NodeMonitors(IoExecutor executor, Index& index, MonitorSettings settings, ThreadNumbers& numbers, Log& log);
  ~NodeMonitors() override;

  void start() { follow_map(NodeMonitor::Acquaintance::stored); }
  void stop();
  /// From here on nodes are told who we are.
  void introduce_as(OwnIdentity& identity) { identity_ = &identity; }
  /// From here on this takes down what the probes say is gone.
  void take_down_by(Succession& succession) { succession_ = &succession; }
  /// What the probes tell of a node.
  NodeHealth health_of(const NodeKey& key) const;
  /// Every node gets the newest map once more.
  void deliver_again();
  void change_settings(MonitorSettings settings) { settings_ = std::move(settings); }

  Log& log() { return log_; }
  /// Null: no such node.
  std::shared_ptr<NodeMonitor> find(const NodeKey& key) const;
  std::vector<std::shared_ptr<const NodeMonitor>> all() const;

  void publish(const NodeMap& before, const std::optional<NodeKey>& leaving) override;

  const MonitorSettings& settings() const override { return settings_; }
  bool is_down(const NodeKey& key) const override { return index_.is_down(key); }
  void node_failed(const NodeKey& key, std::string_view reason) override;
  void node_foreign(const NodeKey& key, std::string_view reason) override;
  void node_answers(const NodeKey& key) override;
  std::optional<MapDelivery> next_delivery(const NodeKey& key, bool ours) override;
  std::optional<OwnGreeting> introduction() const override;
  void delivered(const NodeKey& key, MapVersion version) override;
  void delivery_failed(const NodeKey& key, MapVersion version, std::string_view reason) override;

 private:
  void take_down(const NodeKey& key, std::string cause);
  void follow_map(NodeMonitor::Acquaintance acquaintance);
  void release_unreachable();
  void hold_others();
  void wake_all();

  IoExecutor executor_;
  Index& index_;
  MonitorSettings settings_;
  ThreadNumbers& numbers_;
  Log& log_;
  OwnIdentity* identity_ = nullptr;
  Succession* succession_ = nullptr;  // null: nodes go by the map alone
  std::map<NodeKey, std::shared_ptr<NodeMonitor>> monitors_;
  DeliveryOrder order_;
  // Ends the hold; shared with its handler, which may be queued already when this goes.
  std::shared_ptr<Timer> hold_timer_;
};

}  // namespace flare
