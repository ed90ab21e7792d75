#pragma once

#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log_spdlog.h"
#include "common/daemon/daemonize.h"
#include "common/daemon/data_dir_lock.h"
#include "common/daemon/identity.h"
#include "common/daemon/pid_file.h"
#include "common/net/authenticator.h"
#include "common/net/blocking_pool.h"
#include "common/net/daemon_addresses.h"
#include "common/net/door_keeper.h"
#include "common/net/entrance.h"
#include "common/net/listener.h"
#include "common/net/parting.h"
#include "common/net/tls_keeper.h"
#include "flared/cluster_replicator.h"
#include "flared/control_desk.h"
#include "flared/index_link.h"
#include "flared/map_copy.h"
#include "flared/map_offer.h"
#include "flared/moved_keys.h"
#include "flared/node_agent.h"
#include "flared/node_safety.h"
#include "flared/options.h"
#include "flared/storage/storage.h"
#include "flared/time_watcher.h"
#include "flared/worker.h"

namespace flare {

/// A whole flared from its options to its end (docs/spec/daemons.md 2, without its defects): checks and locks what is
/// local, listens, registers last. Lives on the main thread, which is the control thread.
class Server {
 public:
  Server(FlaredOptions options, Daemonizer daemonizer, DaemonLog& log);
  ~Server();

  /// Until TERM or INT; the exit code.
  int run();

 private:
  static constexpr const char* program = "flared";
  static constexpr std::chrono::milliseconds index_patience{4500};  // as the original: 9 attempts, 0.5 s apart

  // server_prepare.cc
  static StartFailure of_index(const IndexLink::Failure& failure);
  std::vector<IndexLink::Server> index_servers() const;
  std::optional<StartFailure> prepare();
  std::optional<StartFailure> listen();
  std::optional<StartFailure> listen_at(std::size_t door);
  std::optional<StartFailure> listen_at_socket();
  std::optional<StartFailure> read_users();
  std::optional<StartFailure> prepare_tls();
  std::optional<StartFailure> settle_identity();
  std::filesystem::path map_copy_path() const;
  bool starts_by_copy(const IndexLink::Failure& failure);
  std::optional<StartFailure> open_storage();
  // server_options.cc
  IoTask<> wait_for_hangup();
  void reread();
  void apply(const FlaredOptions& options);
  void apply_doors();
  bool reread_users();

  void make_parts();
  void start_workers();
  void give_routes();
  void learn_addresses();
  void settle(std::function<void()> done);
  void accept(int descriptor, std::string peer, const Passage& passage);
  IoTask<> join();
  void begin_serving(const IndexLink::Joined& known);
  void fail(const StartFailure& failure);
  IoTask<> wait_for_stop();
  IoTask<> stop();

  FlaredOptions options_;
  Daemonizer daemonizer_;
  DaemonLog& log_;
  SystemClock clock_;
  int exit_code_ = 0;
  bool serving_ = false;
  bool stopping_ = false;
  std::size_t next_worker_ = 0;

  std::optional<DataDirLock> lock_;
  std::optional<OwnIdentity> identity_;
  std::optional<PidFile> pid_file_;
  TlsKeeper tls_{log_};
  std::optional<DoorKeeper> keeper_;
  std::optional<NodeSafety> safety_;
  std::unique_ptr<Storage> storage_;
  std::vector<std::unique_ptr<Worker>> workers_;  // before control_: its pending replies point to them
  asio::io_context control_{1};
  Partings partings_{control_.get_executor()};
  std::optional<BlockingPool> pool_;
  std::optional<Authenticator> authenticator_;
  CommitGate gate_;
  std::optional<ControlDesk> desk_;
  CopiedTouches copied_touches_;
  std::optional<DoorTenants> tenants_;
  std::optional<WorkerSetup> worker_setup_;
  std::optional<DaemonAddresses> addresses_;
  std::optional<IndexLink> index_;
  std::optional<ClusterReplicator> clusters_;  // to other clusters
  std::optional<TimeWatcher> time_watcher_;
  std::optional<MovedKeys> moved_keys_;
  std::optional<NodeAgent> agent_;
  std::shared_ptr<const RoutingView> published_;  // the last one; null: none yet
  std::optional<MapOffer> map_offer_;
  std::optional<MapCopyKeeper> map_copy_;
  std::optional<IndexLink::Joined> copied_;  // what this node starts by, since no index answers
  IndexLink::Joined partitioning_;           // how keys are divided; its map is not used
  struct DoorListener {
    std::size_t door;  // in keeper_'s doors
    std::unique_ptr<Listener> listener;
  };
  std::optional<Entrance> entrance_;
  std::vector<DoorListener> listeners_;
  asio::basic_signal_set<IoExecutor> stop_signals_;
  asio::basic_signal_set<IoExecutor> hangup_signal_;
};

}  // namespace flare
