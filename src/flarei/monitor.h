#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/ids.h"
#include "common/cluster/node.h"
#include "common/net/client.h"
#include "common/net/greeting.h"
#include "common/net/task.h"
#include "flarei/probe_counter.h"

namespace flare {

/// The monitor options (docs/spec/cluster.md 4.1); SIGHUP changes them in place.
struct MonitorSettings {
  int threshold = 3;
  std::chrono::milliseconds interval{5000};
  std::chrono::milliseconds read_timeout{1000};
  std::string bind_address;  // where connections start from; empty: any
};

struct MapDelivery {
  MapVersion version{0};
  std::shared_ptr<const std::string> request;
};

/// What a monitor asks and tells. All calls are on the I/O thread.
class MonitorOwner {
 public:
  virtual ~MonitorOwner() = default;
  virtual const MonitorSettings& settings() const = 0;
  virtual bool is_down(const NodeKey& key) const = 0;
  virtual void node_failed(const NodeKey& key, std::string_view reason) = 0;   // the threshold is reached
  virtual void node_foreign(const NodeKey& key, std::string_view reason) = 0;  // it belongs to somebody else
  virtual void node_answers(const NodeKey& key) = 0;                           // a node that was down
  /// nullopt: not now, it will be woken. `ours`: the node has said hello.
  virtual std::optional<MapDelivery> next_delivery(const NodeKey& key, bool ours) = 0;
  virtual void delivered(const NodeKey& key, MapVersion version) = 0;
  virtual void delivery_failed(const NodeKey& key, MapVersion version, std::string_view reason) = 0;
  /// How flarei introduces itself; nullopt: not at all.
  virtual std::optional<OwnGreeting> introduction() const { return std::nullopt; }
};

/// Watches one node and brings it the map: one coroutine probes by the clock, one delivers, each on a connection of its
/// own, so that neither waits for the other (cluster.md 9.4, 9.19). A probe that is late does not move the next one:
/// that goes out on a fresh connection. Lives on the I/O thread.
class NodeMonitor : public std::enable_shared_from_this<NodeMonitor> {
 public:
  /// `stored`: the node registered in the life of a flarei before this one, whose connection to it is gone.
  enum class Acquaintance { fresh, stored };
  NodeMonitor(IoExecutor executor, const Node& node, MonitorOwner& owner, Acquaintance acquaintance, int thread_number);

  void start();
  /// Closes its connections, which ends its coroutines; the owner is not called any more.
  void stop();

  /// There may be something to deliver.
  void wake_delivery();
  /// Whatever it has: it shall get the newest map once more.
  void deliver_again();
  /// The node shall not get this map.
  void skip_delivery(MapVersion version) { delivered_ = version; }

  /// Whether the process that was probed until now is gone for certain (cluster.md 9.15). A node never reached is not.
  /// `start_id`: of the process that wants its place; empty: not told. If that one answers at the node's address, the
  /// old one does not; if another answers, the running one keeps its role (docs/design.md 5).
  IoTask<bool> proven_gone(std::string start_id = {});
  /// The node has registered anew: what was known of its old process is void.
  void forget_old_process();

  const NodeKey& key() const { return key_; }
  int thread_number() const { return thread_number_; }
  ThreadType thread_type() const { return thread_type_; }
  PeerKind peer_kind() const { return peer_kind_; }
  bool is_foreign() const { return foreign_; }
  /// Its last probe failed.
  bool is_silent() const { return silent_; }
  /// Since when the node lacks the newest map that it may have; nullopt: it has it.
  std::optional<std::chrono::steady_clock::time_point> behind_since() const { return behind_since_; }
  std::chrono::steady_clock::time_point started_at() const { return started_at_; }

 private:
  using Client = std::shared_ptr<PeerClient>;
  using Failure = std::optional<std::string>;  // why; nullopt: it went well

  IoTask<> probe_loop();
  IoTask<> probe();
  void probe_now();
  IoTask<Failure> ask(Client client);
  IoTask<Failure> greet(Client client, PeerClient::Duration deadline);
  IoTask<Failure> introduce(Client client, PeerClient::Duration deadline);
  IoTask<bool> replaced_by(std::string start_id);
  Client take_probe_client();
  void note(const Failure& failure);
  void keep(Client client);
  void lost_connection();
  void count_failure(const std::string& reason);
  void probe_finished();

  IoTask<> delivery_loop();
  IoTask<> wait_for_delivery();
  std::optional<MapDelivery> due_delivery();
  IoTask<Failure> deliver(MapDelivery delivery);
  IoExecutor executor_;
  NodeKey key_;
  std::string server_name_;
  int port_;
  MonitorOwner& owner_;
  int thread_number_;
  ThreadType thread_type_;
  bool stopped_ = false;
  std::chrono::steady_clock::time_point started_at_;
  PeerKind peer_kind_ = PeerKind::unknown;
  std::optional<PeerHello> hello_;  // of the process that was greeted last
  bool foreign_ = false;            // by its last greeting

  std::chrono::steady_clock::time_point next_probe_;
  Timer probe_timer_;
  Client lasting_;              // between probes; null while one uses it, or when there is none
  std::set<Client> in_flight_;  // to be closed by `stop`
  std::vector<std::shared_ptr<Timer>> waiting_for_probe_;
  ProbeCounter counter_;
  bool reached_ = false;  // at least one good probe since the node registered
  bool last_probe_good_ = false;
  bool silent_ = false;
  bool connection_lost_ = false;  // the peer closed it, lately
  int good_since_loss_ = 0;

  Timer delivery_timer_;
  bool delivery_woken_ = false;
  Client delivery_client_;
  std::optional<MapVersion> delivered_;
  std::optional<MapVersion> failed_;  // counted as one failed probe already
  std::optional<std::chrono::steady_clock::time_point> behind_since_;
};

}  // namespace flare
