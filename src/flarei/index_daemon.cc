#include "flarei/index_daemon.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <utility>

#include "common/base/limits.h"
#include "common/daemon/door_options.h"
#include "common/daemon/file_limit.h"
#include "flarei/index_session.h"

namespace flare {

namespace {

constexpr std::chrono::seconds ask_nodes_interval{1};

MonitorSettings monitor_settings(const FlareiOptions& options) {
  return {options.monitor_threshold, options.monitor_interval, options.monitor_read_timeout, options.bind_address};
}

Succession::Setup succession_setup(const NodeMonitors& monitors, const FlareiOptions& options) {
  return {[&monitors](const NodeKey& key) { return monitors.health_of(key); },
          [&monitors] { return monitors.introduction(); }, options.bind_address};
}

OwnIdentity::Setup identity_setup(const FlareiOptions& options, const DaemonIdentity& identity, Log& log) {
  OwnIdentity::Setup setup;
  setup.hello = {identity.cluster, NodeKey{options.server_name, options.server_port}, random_start_id()};
  setup.required = options.require_identity;
  setup.keep = [data_dir = options.data_dir, identity,
                &log](const ClusterIdentity& cluster) -> Result<void, std::string> {
    auto kept = identity;
    kept.cluster = cluster;
    const auto saved = IdentityFile{"flarei", data_dir}.keep(kept, log);
    if (!saved) return saved.error().text;
    return {};
  };
  return setup;
}

std::string options_of(const Door& door) {
  if (door.name == main_door_name) return "server-port and bind-address";
  return fmt::format("door.{0}.port and door.{0}.bind", door.name);
}

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace

IndexDaemon::IndexDaemon(const FlareiOptions& options, LocalState& local, DaemonLog& log)
    : options_(options),
      log_(log),
      tls_(log),
      keeper_(doors_of(options, AccessClass::admin), log, clock_),
      map_file_(local.map_file),
      identity_(identity_setup(options, local.identity, log), log),
      index_(local.map, options.partition_size - 1, local.map_file, log),
      monitors_(context_.get_executor(), index_, monitor_settings(options), numbers_, log),
      succession_(context_.get_executor(), index_, succession_setup(monitors_, options), log),
      sessions_(context_.get_executor(), numbers_),
      service_(index_, monitors_, sessions_, options, clock_, &identity_),
      addresses_(context_.get_executor(), sessions_.places()),
      entrance_(context_.get_executor(), keeper_,
                [this](int descriptor, std::string peer, const Passage& passage) {
                  learn_addresses();
                  accept_session(context_.get_executor(), descriptor, std::move(peer), service_, sessions_, log_,
                                 passage, tls_.at(keeper_.tls_of(passage)));
                }),
      signals_(context_.get_executor()),
      ask_again_(context_.get_executor()) {
  index_.publish_to(monitors_);
  if (local.map_lost) {
    index_.await_adoption();
    log_.error(
        "{} is lost: nothing is changed and no node is told anything until a map is adopted; put a copy of it there "
        "and start again, or look at stats offers and take one with node adopt <version>, or begin anew with node "
        "adopt empty force",
        local.map_file.path());
  }
  index_.belong_to(identity_.cluster());
  monitors_.introduce_as(identity_);
  monitors_.take_down_by(succession_);
  service_.take_down_by(succession_);
  service_.become_by([this](const std::string& cluster) { return become(cluster); });
  service_.keep_account_of(keeper_);
  apply();
}

void IndexDaemon::ask_for_users(UserTable users) {
  authenticator_.emplace(context_.get_executor(), std::move(users), log_, clock_);
  sessions_.ask_for_users(*authenticator_);
  keeper_.tell_also([this] { return authenticator_->stats(); });
}

std::optional<StartFailure> IndexDaemon::prepare_tls() {
  if (options_.tls_certificate.empty()) return std::nullopt;
  if (const auto loaded = tls_.load(tls_files(options_), options_.cluster_tls); !loaded) {
    return StartFailure{ExitCode::configuration, fmt::format("flarei: {}", loaded.error())};
  }
  if (options_.cluster_tls) connect_by_tls(context_, tls_);
  return std::nullopt;
}

std::optional<StartFailure> IndexDaemon::listen() {
  keeper_.show_certificate_end([this] { return tls_.certificate_end(); });
  if (const auto warning = open_doors_warning(*keeper_.doors())) log_.warning("{}", *warning);
  for (std::size_t door = 0; door < keeper_.doors()->size(); ++door) {
    if (auto failure = listen_at(door)) return failure;
  }
  return listen_at_socket();
}

std::optional<StartFailure> IndexDaemon::listen_at(std::size_t number) {
  const auto& door = (*keeper_.doors())[number];
  auto addresses = door.bind;
  if (addresses.empty()) addresses.emplace_back();  // all
  for (const auto& address : addresses) {
    auto tcp = std::make_unique<Listener>(context_.get_executor());
    const auto families = addresses.size() > 1 ? Listener::Families::one : Listener::Families::both;
    if (const auto done = tcp->listen_tcp(address, door.port, limits::listen_backlog, families); !done) {
      return StartFailure{
          ExitCode::cannot_create,
          fmt::format("flarei: cannot listen on port {} of {}: {}; is another daemon there? see {}", door.port,
                      address.empty() ? "all addresses" : address, done.error().message(), options_of(door))};
    }
    listeners_.push_back({number, std::move(tcp)});
  }
  return std::nullopt;
}

// It belongs to the main door: its lists decide whether `unix` comes in.
std::optional<StartFailure> IndexDaemon::listen_at_socket() {
  if (options_.server_socket.empty()) return std::nullopt;
  auto local = std::make_unique<Listener>(context_.get_executor());
  if (const auto done = local->listen_unix(options_.server_socket, limits::listen_backlog); !done) {
    return StartFailure{ExitCode::cannot_create, fmt::format("flarei: cannot listen on server-socket {}: {}",
                                                             options_.server_socket, done.error().message())};
  }
  listeners_.push_back({0, std::move(local)});
  return std::nullopt;
}

void IndexDaemon::serve() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) signals_.add(number);
  auto ended = [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(context_, watch_signals(), ended);
  for (auto& [door, listener] : listeners_) {
    listener->start(
        [this, at = door](int descriptor, std::string peer) { entrance_.enter(at, descriptor, std::move(peer)); });
  }
  sessions_.start();
  watch_nodes();
  log_.notice("serving on port {} with map version {}, {} nodes", options_.server_port, raw(index_.map().version),
              index_.map().nodes.size());
}

// Whose connections come in when clients have taken all of max-connection. Asked before each: one comparison.
void IndexDaemon::learn_addresses() {
  if (learnt_ == index_.map().version) return;
  learnt_ = index_.map().version;
  DaemonAddresses::Names names;
  for (const auto& [key, node] : index_.map().nodes) names.insert(node.server_name);
  addresses_.learn(std::move(names));
}

void IndexDaemon::watch_nodes() {
  if (!identity_.cluster().cluster.empty()) return monitors_.start();
  index_.set_read_only(true);
  asio::co_spawn(context_, recover_cluster_id(), [](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
  });
}

// docs/design.md 4: a map without a cluster id is an original's, or was put there by an operator's rescue; then its
// nodes know the id. They are asked before they are watched, and again until it is known.
IoTask<> IndexDaemon::recover_cluster_id() {
  for (bool first = true; !stopping_; first = false) {
    auto map = index_.map();
    auto own = identity_.greeting();
    own.identity_required = false;
    const auto words = co_await ask_nodes(context_.get_executor(), std::move(map), std::move(own),
                                          options_.bind_address, limits::connect_deadline);
    if (stopping_) co_return;
    const auto recovered = conclude(words);
    const bool known = take_recovered(recovered);
    if (recovered.kind == Recovered::Kind::disagree) co_return;
    if (first) index_.set_read_only(false);
    if (first) monitors_.start();
    if (known) co_return;
    if (first) log_.warning("the cluster id is not known, and some nodes do not answer: they are asked again");
    ask_again_.expires_after(ask_nodes_interval);
    co_await ask_again_.async_wait(use_task);
  }
}

bool IndexDaemon::take_recovered(const Recovered& recovered) {
  switch (recovered.kind) {
    case Recovered::Kind::cluster:
      log_.notice("the nodes of the map are of cluster {}", recovered.cluster);
      return belong_to(recovered.cluster);
    case Recovered::Kind::new_one:
      return belong_to(random_cluster_id());
    case Recovered::Kind::unknown:
      return false;
    case Recovered::Kind::disagree:
      monitors_.stop();
      index_.set_read_only(true);
      log_.error(
          "the nodes of the map disagree about its cluster: {}; the map is shown but not changed, and no node is "
          "watched: correct the map, or option tenant, and start again",
          recovered.text);
      return false;
  }
  return false;
}

bool IndexDaemon::belong_to(const std::string& cluster) {
  if (const auto adopted = identity_.adopt(cluster); !adopted) {
    log_.error("{}", adopted.error());
    return false;
  }
  map_file_.set_cluster(cluster);
  index_.belong_to(identity_.cluster());
  monitors_.deliver_again();
  return true;
}

Result<void, std::string> IndexDaemon::become(const std::string& cluster) {
  if (auto taken = identity_.become(cluster); !taken) return taken;
  map_file_.set_cluster(cluster);
  index_.belong_to(identity_.cluster());
  return {};
}

void IndexDaemon::run() {
  context_.run();  // until `stop`
  context_.restart();
  context_.run_for(limits::stop_deadline);  // answers in work are sent; what does not end by then is cut
}

IoTask<> IndexDaemon::watch_signals() {
  for (;;) {
    const auto [error, number] = co_await signals_.async_wait(use_task);
    if (error) co_return;
    if (number == SIGHUP) {
      reread();
      continue;
    }
    log_.notice("ending by signal {}", number == SIGTERM ? "SIGTERM" : "SIGINT");
    stop();
    co_return;
  }
}

// All or nothing: a file with one error changes nothing (daemons.md 2.5).
void IndexDaemon::reread() {
  auto fresh = reread_flarei_options(options_);
  if (!fresh) {
    log_.error("SIGHUP: nothing is changed: {}", fresh.error().text);
    log_.reopen({log_ident("flarei", options_.tenant), options_.log_facility, options_.log_to_stderr});
    return;
  }
  if (!fresh->options.tls_certificate.empty()) {
    // Also where the names are the same: a new certificate has the old one's name.
    if (const auto loaded = tls_.load(tls_files(fresh->options), options_.cluster_tls); !loaded) {
      log_.error("SIGHUP: nothing is changed: {}", loaded.error());
      return;
    }
  }
  options_ = std::move(fresh->options);
  apply();
  log_.reopen({log_ident("flarei", options_.tenant), options_.log_facility, options_.log_to_stderr});
  apply_doors();
  log_.notice("SIGHUP: options read again, changed: {}", fresh->changed.empty() ? "none" : joined(fresh->changed));
  if (!fresh->need_restart.empty()) {
    log_.warning("SIGHUP: these options have another value in the file and need a restart: {}",
                 joined(fresh->need_restart));
  }
}

void IndexDaemon::apply() {
  if (const auto remark = raise_file_limit(options_.max_connection)) log_.warning("{}", *remark);
  monitors_.change_settings(monitor_settings(options_));
  if (index_.probe_each(options_.monitor_interval)) monitors_.deliver_again();
  service_.change_options(options_);
  sessions_.change_limits({static_cast<std::size_t>(options_.max_connection), options_.net_read_timeout});
}

// Those that are open now are looked at again; who comes later meets the new lists.
void IndexDaemon::apply_doors() {
  auto doors = doors_of(options_, AccessClass::admin);
  const bool other_users = reread_users();
  if (doors == *keeper_.doors() && !other_users) return;
  if (const auto warning = open_doors_warning(doors)) log_.warning("{}", *warning);
  keeper_.change(std::move(doors));
  sessions_.renew_passages(*keeper_.doors(), authenticator_ ? authenticator_->users().get() : nullptr);
}

bool IndexDaemon::reread_users() {
  if (!authenticator_) return false;
  auto users = AuthFile::reread(options_.auth_file, log_);
  if (users) authenticator_->change(std::move(*users));
  return users.has_value();
}

void IndexDaemon::stop() {
  stopping_ = true;
  ask_again_.cancel();
  for (auto& [door, listener] : listeners_) listener->stop();
  entrance_.stop();
  monitors_.stop();
  succession_.stop();
  sessions_.stop();
  signals_.cancel();
  context_.stop();  // `run` gives what is left its time
}

}  // namespace flare
