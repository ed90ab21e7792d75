#include "flared/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/reply_writer.h"

namespace flare {

namespace {

constexpr std::chrono::seconds refusal_patience{30};  // above threshold x interval of usual indexes (cluster.md 10)
constexpr std::chrono::milliseconds flush_patience{10'000};  // of one master that is asked to flush
constexpr std::size_t pool_threads = 2;
constexpr std::size_t pool_waiting_max = 256;

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
                                     options_.gat_order, options_.client_versions, authenticator_.has_value()});
  if (authenticator_) worker_setup_->authenticator = &*authenticator_;
  tenants_.emplace(*keeper_->doors(), clock_.unix_s());
  if (!tenants_->all().empty()) worker_setup_->tenants = &*tenants_;
  worker_setup_->identity = &*identity_;
  if (options_.cluster_tls) worker_setup_->tls = &tls_;
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
  if (workers_.empty()) return asio::post(control_, std::move(done));
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
  entrance_.emplace(control_.get_executor(), *keeper_,
                    [this](int descriptor, std::string peer, const Passage& passage) {
                      accept(descriptor, std::move(peer), passage);
                    });
  for (auto& [door, listener] : listeners_) {
    listener->start(
        [this, at = door](int descriptor, std::string peer) { entrance_->enter(at, descriptor, std::move(peer)); });
  }
}

void Server::accept(int descriptor, std::string peer, const Passage& passage) {
  const bool nodes_only = !passage.allowed.has_any_of(AccessClass::data | AccessClass::admin);
  const auto place = worker_setup_->places.take(peer, nodes_only);
  if (place == Place::none) {
    // A socket that is closed without a word leaves the client guessing (protocol.md 8.9).
    // Where TLS is spoken it could not be read.
    const bool plain = keeper_->tls_of(passage) == DoorTls::none;
    partings_.part(descriptor, plain ? reply::too_many_connections : std::string_view{});
    return;
  }
  workers_[next_worker_]->adopt(descriptor, std::move(peer), passage, place, tls_.at(keeper_->tls_of(passage)));
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
  if (entrance_) entrance_->stop();
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

}  // namespace flare
