#pragma once

#include <boost/asio/signal_set.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log_spdlog.h"
#include "common/daemon/auth_file.h"
#include "common/daemon/data_dir_lock.h"
#include "common/daemon/identity.h"
#include "common/daemon/start_failure.h"
#include "common/net/authenticator.h"
#include "common/net/daemon_addresses.h"
#include "common/net/door_keeper.h"
#include "common/net/entrance.h"
#include "common/net/listener.h"
#include "common/net/task.h"
#include "common/net/tls_keeper.h"
#include "flarei/cluster_recovery.h"
#include "flarei/index.h"
#include "flarei/index_service.h"
#include "flarei/map_file.h"
#include "flarei/monitors.h"
#include "flarei/options.h"
#include "flarei/session_table.h"
#include "flarei/succession.h"

namespace flare {

/// What is locked and checked on this machine before anything listens (docs/spec/daemons.md 2.1). Holds the locks.
struct LocalState {
  DataDirLock data_dir_lock;
  std::optional<DataDirLock> index_dir_lock;  // where index-db names another folder
  MapFile map_file;
  NodeMap map;
  DaemonIdentity identity;
  bool map_lost = false;  // flare.xml is gone, and it was there (docs/operations.md)
};

/// flarei in service: all on one thread, which `run` takes.
class IndexDaemon {
 public:
  IndexDaemon(const FlareiOptions& options, LocalState& local, DaemonLog& log);

  /// Class admin is theirs from now on. Before anything listens.
  void ask_for_users(UserTable users);
  /// Reads the files of TLS, if there are any. Before `listen`.
  std::optional<StartFailure> prepare_tls();
  std::optional<StartFailure> listen();
  /// From here on requests are answered and nodes are watched, as soon as `run` runs.
  void serve();
  /// Until SIGTERM or SIGINT.
  void run();

 private:
  using Signals = asio::basic_signal_set<IoExecutor>;

  IoTask<> watch_signals();
  void watch_nodes();
  IoTask<> recover_cluster_id();
  bool take_recovered(const Recovered& recovered);
  bool belong_to(const std::string& cluster);
  Result<void, std::string> become(const std::string& cluster);
  void reread();
  void apply();
  void apply_doors();
  bool reread_users();
  void learn_addresses();
  std::optional<StartFailure> listen_at(std::size_t door);
  std::optional<StartFailure> listen_at_socket();
  void stop();

  FlareiOptions options_;
  DaemonLog& log_;
  SystemClock clock_;
  TlsKeeper tls_;
  DoorKeeper keeper_;
  ThreadNumbers numbers_;
  MapFile& map_file_;
  OwnIdentity identity_;
  asio::io_context context_{1};
  std::optional<Authenticator> authenticator_;
  Index index_;
  NodeMonitors monitors_;
  Succession succession_;
  SessionTable sessions_;
  IndexService service_;
  DaemonAddresses addresses_;
  std::optional<MapVersion> learnt_;  // the map whose addresses are known
  Entrance entrance_;
  struct DoorListener {
    std::size_t door;  // in keeper_'s doors
    std::unique_ptr<Listener> listener;
  };
  std::vector<DoorListener> listeners_;
  Signals signals_;
  Timer ask_again_;
  bool stopping_ = false;
};

}  // namespace flare
