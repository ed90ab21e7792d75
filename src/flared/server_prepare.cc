// Everything local first, so that a wrong start changes nothing elsewhere (daemons.md 2.1).
#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <utility>

#include "common/daemon/auth_file.h"
#include "common/daemon/door_options.h"
#include "common/daemon/file_limit.h"
#include "common/daemon/privileges.h"
#include "flared/server.h"
#include "flared/storage/kyoto_storage.h"
#include "flared/storage_settings.h"

namespace flare {

namespace {

std::string options_of(const Door& door) {
  if (door.name == main_door_name) return "options bind-address, server-port";
  return fmt::format("options door.{0}.bind, door.{0}.port", door.name);
}

}  // namespace

StartFailure Server::of_index(const IndexLink::Failure& failure) {
  const bool foreign = failure.kind == IndexLink::Failure::Kind::foreign;
  return {foreign ? ExitCode::configuration : ExitCode::index_unreachable,
          fmt::format("{}: {}", program, failure.text)};
}

std::vector<IndexLink::Server> Server::index_servers() const {
  std::vector<IndexLink::Server> servers;
  for (const auto& index : options_.indexes) servers.push_back({index.host, index.port});
  return servers;
}

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
  if (auto failure = read_users()) return failure;
  if (auto failure = prepare_tls()) return failure;
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
  if (authenticator_) keeper_->tell_also([this] { return authenticator_->stats(); });
  keeper_->show_certificate_end([this] { return tls_.certificate_end(); });
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

// By the account that will read the file again.
std::optional<StartFailure> Server::read_users() {
  if (options_.auth_file.empty()) return std::nullopt;
  auto file = AuthFile::read(options_.auth_file);
  if (!file) return StartFailure{ExitCode::configuration, fmt::format("{}: {}", program, file.error())};
  if (file->warning) log_.warning("{}", *file->warning);
  authenticator_.emplace(control_.get_executor(), std::move(file->users), log_, clock_);
  return std::nullopt;
}

// With the rights that this daemon will have when SIGHUP reads the files again.
std::optional<StartFailure> Server::prepare_tls() {
  if (options_.tls_certificate.empty()) return std::nullopt;
  if (const auto loaded = tls_.load(tls_files(options_), options_.cluster_tls); !loaded) {
    return StartFailure{ExitCode::configuration, fmt::format("{}: {}", program, loaded.error())};
  }
  if (options_.cluster_tls) connect_by_tls(control_, tls_);
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
  index_.emplace(control_.get_executor(), index_servers(), options_.bind_address, log_, &*identity_);

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

}  // namespace flare
