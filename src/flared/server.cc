#include "flared/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <utility>

#include "common/base/limits.h"
#include "common/daemon/door_options.h"
#include "common/daemon/file_limit.h"
#include "common/daemon/privileges.h"
#include "common/protocol/reply_writer.h"
#include "flared/storage/kyoto_storage.h"
#include "flared/storage_settings.h"

namespace flare {

namespace {

constexpr const char* program = "flared";
constexpr std::chrono::milliseconds index_patience{4500};  // as the original: 9 attempts, 0.5 s apart
constexpr std::chrono::seconds refusal_patience{30};  // above threshold x interval of usual indexes (cluster.md 10)
constexpr std::chrono::milliseconds flush_patience{10'000};  // of one master that is asked to flush
constexpr std::size_t pool_threads = 2;
constexpr std::size_t pool_waiting_max = 256;

std::vector<IndexLink::Server> index_servers(const FlaredOptions& options) {
  std::vector<IndexLink::Server> servers;
  for (const auto& index : options.indexes) servers.push_back({index.host, index.port});
  return servers;
}

StartFailure of_index(const IndexLink::Failure& failure) {
  const bool foreign = failure.kind == IndexLink::Failure::Kind::foreign;
  return {foreign ? ExitCode::configuration : ExitCode::index_unreachable,
          fmt::format("{}: {}", program, failure.text)};
}

InSyncOptions in_sync_options(const FlaredOptions& options) {
  InSyncOptions in_sync;
  in_sync.sync = options.replication_type == ReplicationType::sync;
  in_sync.replicas_min = options.min_sync_replicas;
  in_sync.sync_silent_max = options.sync_timeout;
  in_sync.lag_max = options.max_lag;
  in_sync.dismiss_silent_max = options.dismiss_silent_slaves;
  return in_sync;
}

std::string options_of(const Door& door) {
  if (door.name == main_door_name) return "options bind-address, server-port";
  return fmt::format("options door.{0}.bind, door.{0}.port", door.name);
}

}  // namespace

Server::Server(FlaredOptions options, Daemonizer daemonizer, DaemonLog& log)
    : options_(std::move(options)),
      daemonizer_(std::move(daemonizer)),
      log_(log),
      stop_signals_(control_.get_executor()),
      hangup_signal_(control_.get_executor()) {}

Server::~Server() {
  for (auto& worker : workers_) worker->stop({});
  for (auto& worker : workers_) worker->join();
  if (safety_) safety_->stop();
}

int Server::run() {
  if (const auto failure = prepare()) return daemonizer_.report_failure(*failure);
  make_parts();
  start_workers();
  asio::co_spawn(control_, wait_for_stop(), asio::detached);
  asio::co_spawn(control_, wait_for_hangup(), asio::detached);
  asio::co_spawn(control_, join(), asio::detached);
  control_.run();
  return exit_code_;
}

// Everything local first, so that a wrong start changes nothing elsewhere (daemons.md 2.1).
std::optional<StartFailure> Server::prepare() {
  std::signal(SIGPIPE, SIG_IGN);
  stop_signals_.add(SIGTERM);
  stop_signals_.add(SIGINT);
  hangup_signal_.add(SIGHUP);
  log_.notice("flared 2.0.0 starts: {}:{}, data-dir {}", options_.server_name, options_.server_port, options_.data_dir);
  for (const auto& warning : option_warnings(options_)) log_.warning("{}", warning);
  if (const auto warning = raise_file_limit(options_.max_connection)) log_.warning("{}", *warning);

  auto account = BorrowedAccount::take(program, options_.user, options_.group);
  if (!account) return account.error();
  auto lock = DataDirLock::take(program, options_.data_dir);
  if (!lock) return lock.error();
  lock_.emplace(std::move(*lock));
  if (const auto failure = settle_identity()) return failure;
  if (const auto failure = open_storage()) return failure;
  account->give_back();
  auto pid_file = PidFile::create(program, options_.pid_path);
  if (!pid_file) return pid_file.error();
  pid_file_.emplace(std::move(*pid_file));
  if (const auto failure = listen()) return failure;
  return drop_privileges(program, options_.user, options_.group);
}

std::optional<StartFailure> Server::listen() {
  keeper_.emplace(doors_of(options_), log_, clock_);
  if (const auto warning = open_doors_warning(*keeper_->doors())) log_.warning("{}", *warning);
  for (std::size_t door = 0; door < keeper_->doors()->size(); ++door) {
    if (auto failure = listen_at(door)) return failure;
  }
  return listen_at_socket();
}

std::optional<StartFailure> Server::listen_at(std::size_t number) {
  const auto& door = (*keeper_->doors())[number];
  auto addresses = door.bind;
  if (addresses.empty()) addresses.emplace_back();  // all
  for (const auto& address : addresses) {
    auto tcp = std::make_unique<Listener>(control_.get_executor());
    const auto families = addresses.size() > 1 ? Listener::Families::one : Listener::Families::both;
    if (const auto bound = tcp->listen_tcp(address, door.port, options_.back_log, families); !bound) {
      return StartFailure{ExitCode::cannot_create,
                          fmt::format("{}: cannot listen on {}:{} ({}): {}", program, address.empty() ? "*" : address,
                                      door.port, options_of(door), bound.error().message())};
    }
    listeners_.push_back({number, std::move(tcp)});
  }
  return std::nullopt;
}

// It belongs to the main door: its lists decide whether `unix` comes in.
std::optional<StartFailure> Server::listen_at_socket() {
  if (options_.server_socket.empty()) return std::nullopt;
  auto local = std::make_unique<Listener>(control_.get_executor());
  if (const auto bound = local->listen_unix(options_.server_socket, options_.back_log); !bound) {
    return StartFailure{ExitCode::cannot_create, fmt::format("{}: cannot listen on {} (option server-socket): {}",
                                                             program, options_.server_socket, bound.error().message())};
  }
  listeners_.push_back({0, std::move(local)});
  return std::nullopt;
}

// docs/design.md 5: whose data-dir, then whose index; only then is the store opened, and something told to anybody.
std::optional<StartFailure> Server::settle_identity() {
  const IdentityFile file{program, options_.data_dir};
  const NodeKey own{options_.server_name, options_.server_port};
  auto identity = file.check({DaemonKind::node, {"", options_.tenant}, own.text});
  if (!identity) return identity.error();
  OwnIdentity::Setup setup;
  setup.hello = {identity->cluster, own, random_start_id()};
  setup.required = options_.require_identity;
  setup.keep = [this, identity = *identity](const ClusterIdentity& cluster) -> Result<void, std::string> {
    auto known = identity;
    known.cluster = cluster;
    const auto kept = IdentityFile{program, options_.data_dir}.keep(known, log_);
    if (!kept) return kept.error().text;
    return {};
  };
  identity_.emplace(std::move(setup), log_);
  index_.emplace(control_.get_executor(), index_servers(options_), options_.bind_address, log_, &*identity_);

  using Told = Result<ClusterIdentity, IndexLink::Failure>;
  std::optional<Told> told;
  asio::co_spawn(control_, index_->ask_identity(index_patience),
                 [&told](std::exception_ptr, Told answer) { told.emplace(std::move(answer)); });
  control_.run();
  control_.restart();
  if (!*told && !starts_by_copy(told->error())) return of_index(told->error());
  if (*told && !(*told)->cluster.empty()) identity->cluster.cluster = (*told)->cluster;
  const auto kept = file.keep(*identity, log_);
  if (!kept) return kept.error();
  if (const auto adopted = identity_->adopt(identity->cluster.cluster); !adopted) {
    return StartFailure{ExitCode::configuration, fmt::format("{}: {}", program, adopted.error())};
  }
  return std::nullopt;
}

std::filesystem::path Server::map_copy_path() const { return std::filesystem::path{options_.data_dir} / "flare.map"; }

// start-without-index: it goes on as it was. An index that comes back knows this node, and probes it.
bool Server::starts_by_copy(const IndexLink::Failure& failure) {
  if (!options_.start_without_index || failure.kind != IndexLink::Failure::Kind::unreachable) return false;
  copied_ = read_map_copy(map_copy_path());
  const NodeKey own{options_.server_name, options_.server_port};
  if (copied_ && !copied_->map.nodes.contains(own)) copied_.reset();
  if (!copied_) {
    log_.error("{} holds no map with this node: it cannot start without an index", map_copy_path().string());
    return false;
  }
  log_.warning("{}; starting by the copy of map {}", failure.text, raw(copied_->map.version));
  return true;
}

std::optional<StartFailure> Server::open_storage() {
  const NodeKey own{options_.server_name, options_.server_port};
  safety_.emplace(storage_settings(options_), snapshot::Head{.owner = identity_->cluster(), .node = own.text}, log_,
                  clock_);
  if (const auto prepared = safety_->prepare(); !prepared) {
    return StartFailure{ExitCode::io, fmt::format("{}: {}", program, prepared.error())};
  }
  auto opened = KyotoStorage::open(storage_settings(options_), log_, clock_);
  if (!opened) return StartFailure{ExitCode::io, fmt::format("{}: {}", program, opened.error().text)};
  const auto& start = (*opened)->start();
  const auto* before = start.clean ? "closed cleanly" : start.new_history ? "new history" : "not closed cleanly";
  log_.notice("store opened ({}): {} records, {} entries of the log applied", before, (*opened)->figures().items,
              start.entries_applied);
  storage_ = std::move(*opened);
  if (const auto watched = safety_->watch(*storage_); !watched) {
    return StartFailure{ExitCode::io, fmt::format("{}: {}", program, watched.error())};
  }
  return std::nullopt;
}

void Server::make_parts() {
  const auto executor = control_.get_executor();
  pool_.emplace(pool_threads, pool_waiting_max);
  desk_.emplace(executor, *storage_, *pool_, clock_, log_,
                ExpirySweep::Rhythm{options_.expiry_sweep_interval, options_.expiry_sweep_delay});
  moved_keys_.emplace(executor, *storage_, *pool_, log_);
  NodeAgent::Setup setup;
  setup.server_name = options_.server_name;
  setup.port = options_.server_port;
  setup.bind_address = options_.bind_address;
  setup.data_bytes_max = options_.max_value_bytes;
  setup.identity = &*identity_;
  setup.prior_netmask = static_cast<int>(options_.proxy_prior_netmask);
  setup.settle = [this](std::function<void()> done) { settle(std::move(done)); };
  setup.gate = &gate_;
  setup.promise_path = options_.data_dir + "/promise";
  setup.taken_over_path = options_.data_dir + "/taken-over";
  setup.doubtful = safety_->doubtful();
  setup.store_replaced = [this] { safety_->store_replaced(); };
  setup.backup_head = [this] { return safety_->backup_head(); };
  setup.log_written = [this] { clusters_->log_written(); };
  clusters_.emplace(ClusterReplicator::Setup{executor, *storage_, *pool_, log_, clock_,
                                             NodeKey{options_.server_name, options_.server_port}, options_.bind_address,
                                             options_.data_dir, copied_touches_});
  agent_.emplace(executor, std::move(setup), *storage_, *pool_, *index_, log_,
                 [this](std::shared_ptr<const RoutingView> view) {
                   const auto& partitions = view->partitions;
                   const auto own = view->self ? partitions.nodes()[*view->self].partition : no_partition;
                   safety_->moved_to(own, static_cast<int>(partitions.active().size()));
                   if (!is_master(*view)) worker_setup_->marks.clear();
                   if (raw(view->map.version) > 0) {  // told by an index, and not only that it joined
                     map_copy_->keep({view->map, partitioning_.meta, partitioning_.key_hash, {}});
                   }
                   published_ = std::move(view);
                   give_routes();
                   moved_keys_->take_view(published_);
                   learn_addresses();
                 });
  worker_setup_.emplace(*storage_, *desk_, clock_, log_, agent_->own_key(), options_.bind_address,
                        ReaderLimits{options_.max_line_bytes, options_.max_key_bytes, options_.max_value_bytes,
                                     options_.gat_order, options_.client_versions});
  worker_setup_->identity = &*identity_;
  worker_setup_->replicated_writes = &agent_->replicated_writes();
  worker_setup_->gate = &gate_;
  worker_setup_->copied_touches = &copied_touches_;
  worker_setup_->identity_required = options_.require_identity;
  worker_setup_->workers = options_.threads;
  addresses_.emplace(executor, worker_setup_->places);
  map_copy_.emplace(executor, *pool_, map_copy_path(), log_);
  map_offer_.emplace(
      executor,
      MapOffer::Setup{options_.server_name, options_.server_port, [this] { return agent_->probe_interval(); }}, *index_,
      [this] { return agent_->view(); }, worker_setup_->probed, log_);
  learn_addresses();
}

void Server::give_routes() {
  if (!published_) return;
  clusters_->apply(options_, published_->map);
  clusters_->lead(agent_->is_leading() && serves_clients(*published_));
  const auto routes = clusters_->routes(published_);
  for (auto& worker : workers_) worker->publish(routes);
}

// When every worker has taken what was posted to it before.
void Server::settle(std::function<void()> done) {
  const auto missing = std::make_shared<std::size_t>(workers_.size());
  for (auto& worker : workers_) {
    worker->settled([this, missing, done] {
      asio::post(control_, [missing, done] {
        if (--*missing == 0) done();
      });
    });
  }
}

void Server::start_workers() {
  for (int i = 0; i < options_.threads; ++i) workers_.push_back(std::make_unique<Worker>(*worker_setup_));
  desk_->attach(workers_, *agent_);
  desk_->sweep().begin_looking();
  desk_->keep_account_of(*keeper_);
  desk_->pass_flushes_on({control_.get_executor(), agent_->own_key(), options_.bind_address,
                          [this] { return std::optional{identity_->greeting()}; }, flush_patience});
  desk_->tell_safety_of(*safety_);
  desk_->tell_of_clusters(*clusters_);
  time_watcher_.emplace(control_.get_executor(), log_, [this] {
    std::vector<std::uint64_t> marks;
    for (const auto& worker : workers_) marks.push_back(worker->access_mark().value());
    return marks;
  });
  desk_->tell_of_slow_accesses(*time_watcher_);
  apply(options_);
  for (auto& worker : workers_) worker->start();
  for (auto& [door, listener] : listeners_) {
    listener->start([this, at = door](int descriptor, std::string peer) { accept(at, descriptor, std::move(peer)); });
  }
}

void Server::accept(std::size_t door, int descriptor, std::string peer) {
  const auto passage = keeper_->admit(door, descriptor, peer);
  if (!passage) return;
  const bool nodes_only = !passage->granted.has_any_of(AccessClass::data | AccessClass::admin);
  const auto place = worker_setup_->places.take(peer, nodes_only);
  if (place == Place::none) {
    // A socket that is closed without a word leaves the client guessing (protocol.md 8.9).
    partings_.part(descriptor, reply::too_many_connections);
    return;
  }
  workers_[next_worker_]->adopt(descriptor, std::move(peer), *passage, place);
  next_worker_ = (next_worker_ + 1) % workers_.size();
}

// Whose connections may come in when clients have taken all of max-connection.
void Server::learn_addresses() {
  std::set<std::string, std::less<>> names;
  for (const auto& index : options_.indexes) names.insert(index.host);
  if (agent_ && agent_->view()) {
    for (const auto& [key, node] : agent_->view()->map.nodes) names.insert(node.server_name);
  }
  if (addresses_) addresses_->learn(std::move(names));
}

IoTask<> Server::join() {
  if (copied_) {
    auto known = std::move(*copied_);
    copied_.reset();
    begin_serving(known);
    agent_->resumed(std::move(known));
    co_return;
  }
  index_->on_original_refusal([this] { desk_->is_kept_out(true); });
  auto joined = co_await index_->join(agent_->own_key(), options_.server_name, options_.server_port, index_patience,
                                      refusal_patience);
  desk_->is_kept_out(false);
  if (stopping_) co_return;
  if (!joined) {
    fail(of_index(joined.error()));
    co_return;
  }
  log_.notice("joined the cluster: {} nodes in the map", joined->map.nodes.size());
  begin_serving(*joined);
  agent_->joined(std::move(*joined));
}

void Server::begin_serving(const IndexLink::Joined& known) {
  desk_->learn_partitioning(known.meta, known.key_hash);
  partitioning_.meta = known.meta;
  partitioning_.key_hash = known.key_hash;
  serving_ = true;
  map_offer_->start();
  daemonizer_.report_ready(options_.log_to_stderr);
}

void Server::fail(const StartFailure& failure) {
  log_.error("{}", failure.text);
  exit_code_ = daemonizer_.report_failure(failure);
  asio::co_spawn(control_, stop(), asio::detached);
}

IoTask<> Server::wait_for_stop() {
  const auto [error, number] = co_await stop_signals_.async_wait(use_task);
  if (error) co_return;
  log_.notice("received signal {}: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
  co_await stop();
}

// Requests in work are answered, the slaves get what was acknowledged, then the index hears of it (daemons.md 2.6).
IoTask<> Server::stop() {
  if (std::exchange(stopping_, true)) co_return;
  if (map_offer_) map_offer_->stop();
  for (auto& [door, listener] : listeners_) listener->stop();
  for (auto& worker : workers_) worker->stop(limits::stop_deadline);
  auto join_workers = [this] {
    for (auto& worker : workers_) worker->join();
  };
  co_await pool_->run(std::move(join_workers));
  co_await desk_->sweep().stopped();
  co_await moved_keys_->stopped();
  if (serving_) co_await agent_->leave();
  co_await clusters_->stopped();
  time_watcher_->stop();
  auto close = [this] {
    safety_->stop();
    return storage_->close();
  };
  const auto closed = co_await pool_->run(std::move(close));
  if (!closed) log_.error("the store could not be closed cleanly: the next start will apply the update log");
  log_.notice("stopped");
  stop_signals_.cancel();
  hangup_signal_.cancel();
  pool_->stop();
  pid_file_.reset();
  control_.stop();
}

IoTask<> Server::wait_for_hangup() {
  for (;;) {
    const auto [error, number] = co_await hangup_signal_.async_wait(use_task);
    if (error) co_return;
    reread();
  }
}

void Server::reread() {
  auto read = reread_flared_options(options_);
  if (!read) {
    log_.error("SIGHUP: nothing is changed: {}", read.error().text);
    return;
  }
  options_ = std::move(read->options);
  log_.reopen({log_ident(program, options_.tenant), options_.log_facility, options_.log_to_stderr});
  apply(options_);
  apply_doors();
  index_->set_servers(index_servers(options_));
  learn_addresses();
  log_.notice("SIGHUP: options read again; changed: {}", fmt::join(read->changed, ", "));
  if (!read->need_restart.empty()) log_.warning("these need a restart: {}", fmt::join(read->need_restart, ", "));
}

void Server::apply(const FlaredOptions& options) {
  worker_setup_->places.change_clients_max(static_cast<std::size_t>(options.max_connection));
  worker_setup_->memory.change_max(options.max_connection_memory);
  worker_setup_->idle_timeout_s.store(options.net_read_timeout.count(), std::memory_order_relaxed);
  worker_setup_->write_timeout_s.store(options.net_write_timeout.count(), std::memory_order_relaxed);
  worker_setup_->operations_share.store(static_cast<double>(options.max_ops_per_second) / options.threads,
                                        std::memory_order_relaxed);
  const std::chrono::milliseconds failover_wait{options.failover_wait};
  worker_setup_->failover_wait_ms.store(failover_wait.count(), std::memory_order_relaxed);
  worker_setup_->queue.most.store(options.max_total_thread_queue, std::memory_order_relaxed);
  worker_setup_->read_errors.store(options.proxy_read_errors, std::memory_order_relaxed);
  storage_->limit({.items = options.max_items, .bytes = options.max_bytes});
  agent_->set_in_sync(in_sync_options(options));
  agent_->set_pace(options.reconstruction_bwlimit_kb, options.reconstruction_interval);
  time_watcher_->apply(options);
  desk_->show(options);
  give_routes();
}

// Those that are open now are looked at again; who comes later meets the new lists.
void Server::apply_doors() {
  auto doors = doors_of(options_);
  if (doors == *keeper_->doors()) return;
  if (const auto warning = open_doors_warning(doors)) log_.warning("{}", *warning);
  keeper_->change(std::move(doors));
  for (auto& worker : workers_) worker->renew_passages(keeper_->doors());
  agent_->close_streams([doors = keeper_->doors()](const std::string& peer) { return !lets_nodes_in(*doors, peer); });
}

}  // namespace flare
