#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <optional>
#include <utility>

#include "common/daemon/auth_file.h"
#include "common/daemon/daemonize.h"
#include "common/daemon/pid_file.h"
#include "common/daemon/privileges.h"
#include "flarei/cluster_recovery.h"
#include "flarei/index_daemon.h"
#include "flarei/version.h"

/// Only wires, in the order of docs/spec/daemons.md 2.1's better: check and lock everything local, then listen, then
/// serve.
namespace flare {
namespace {

constexpr const char* program = "flarei";

// Whose this data-dir is, before the map is used (docs/design.md 5). Without a cluster id at the end: the nodes of the
// map will be asked for it.
Result<DaemonIdentity, StartFailure> settle_identity(const FlareiOptions& options, const MapFile::Loaded& loaded,
                                                     Log& log) {
  const IdentityFile file{program, options.data_dir};
  const DaemonIdentity own{
      DaemonKind::index, {"", options.tenant}, NodeKey{options.server_name, options.server_port}.text};
  auto identity = file.check(own);
  if (!identity) return identity.error();
  auto source = cluster_id_source(identity->cluster.cluster, loaded.cluster, loaded.map.nodes.empty());
  if (source.kind == ClusterIdSource::Kind::conflict) {
    return StartFailure{
        ExitCode::configuration,
        fmt::format("flarei: data-dir '{}' belongs to {}, but the flare.xml of '{}' is of cluster {}; "
                    "put the right one there, or give this daemon a directory of its own",
                    options.data_dir, to_text(identity->cluster), options.index_directory, loaded.cluster)};
  }
  if (source.kind == ClusterIdSource::Kind::drawn) source.cluster = random_cluster_id();
  identity->cluster.cluster = source.cluster;
  if (const auto kept = file.keep(*identity, log); !kept) return kept.error();
  return std::move(*identity);
}

// An index that has begun once has a file, if only of an empty map.
Result<bool, StartFailure> is_map_lost(const FlareiOptions& options, const MapFile::Loaded& loaded) {
  const auto kept = IdentityFile{program, options.data_dir}.load();
  if (!kept) return kept.error();
  return !loaded.found && *kept && !(*kept)->cluster.cluster.empty();
}

Result<LocalState, StartFailure> lock_and_load(const FlareiOptions& options, Log& log) {
  auto data_dir_lock = DataDirLock::take(program, options.data_dir);
  if (!data_dir_lock) return data_dir_lock.error();
  std::optional<DataDirLock> index_dir_lock;
  if (options.index_directory != options.data_dir) {
    auto taken = DataDirLock::take(program, options.index_directory);
    if (!taken) return taken.error();
    index_dir_lock.emplace(std::move(*taken));
  }
  MapFile file{options.index_directory};
  auto loaded = file.load();
  if (!loaded) return StartFailure{ExitCode::io, "flarei: " + loaded.error().text};
  for (const auto& remark : loaded->remarks) log.warning("{}", remark);
  const auto lost = is_map_lost(options, *loaded);
  if (!lost) return lost.error();
  auto identity = settle_identity(options, *loaded, log);
  if (!identity) return identity.error();
  file.set_cluster(identity->cluster.cluster);
  // From now on a missing file is a lost one.
  if (!loaded->found && !*lost) {
    if (const auto saved = file.save(loaded->map); !saved) return StartFailure{ExitCode::io, saved.error().text};
  }
  return LocalState{std::move(*data_dir_lock), std::move(index_dir_lock), std::move(file),
                    std::move(loaded->map),    std::move(*identity),      *lost};
}

void say_hello(const FlareiOptions& options, Log& log) {
  log.notice("flarei version {} starts as {}:{}", version_number, options.server_name, options.server_port);
  for (const auto& [name, value] : shown_options(options)) log.notice("{} = {}", name, value);
  for (const auto& warning : option_warnings(options)) log.warning("{}", warning);
}

// By the account that will read the file again. nullopt: no users are asked for.
Result<std::optional<UserTable>, StartFailure> read_users(const FlareiOptions& options, Log& log) {
  if (options.auth_file.empty()) return std::optional<UserTable>{};
  auto file = AuthFile::read(options.auth_file);
  if (!file) return StartFailure{ExitCode::configuration, fmt::format("{}: {}", program, file.error())};
  if (file->warning) log.warning("{}", *file->warning);
  return std::optional<UserTable>{std::move(file->users)};
}

// With the rights that this daemon will have when SIGHUP reads the files again.
std::optional<StartFailure> prepare_tls(const FlareiOptions& options, IndexDaemon& daemon) {
  auto account = BorrowedAccount::take(program, options.user, options.group);
  if (!account) return account.error();
  auto failure = daemon.prepare_tls();
  account->give_back();
  return failure;
}

std::optional<StartFailure> serve(const FlareiOptions& options, Daemonizer& parent) {
  const auto log = open_log({log_ident(program, options.tenant), options.log_facility, options.log_to_stderr});
  say_hello(options, *log);
  auto account = BorrowedAccount::take(program, options.user, options.group);
  if (!account) return account.error();
  auto local = lock_and_load(options, *log);
  if (!local) return local.error();
  auto users = read_users(options, *log);
  if (!users) return users.error();
  account->give_back();
  const auto pid_file = PidFile::create(program, options.pid_path);  // perhaps in a folder of root's
  if (!pid_file) return pid_file.error();

  IndexDaemon daemon{options, *local, *log};
  if (*users) daemon.ask_for_users(std::move(**users));
  if (auto failure = prepare_tls(options, daemon)) return failure;
  if (auto failure = daemon.listen()) return failure;
  if (auto failure = drop_privileges(program, options.user, options.group)) return failure;
  daemon.serve();
  parent.report_ready(options.log_to_stderr);
  daemon.run();
  log->notice("ended");
  return std::nullopt;
}

int run(int argc, const char* const* argv) {
  // daemons.md 2.5: no effect. TERM, INT and HUP are the daemon's.
  for (const int number : {SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM}) std::signal(number, SIG_IGN);
  const auto options = parse_flarei_options(argc, argv);
  if (!options) return report(options.error());
  if (options->check_config) {
    for (const auto& warning : option_warnings(*options)) std::fprintf(stderr, "flarei: %s\n", warning.c_str());
    return report({ExitCode::ok, "flarei: the configuration is good"});
  }
  auto parent = Daemonizer::start(program, options->daemonize);
  if (!parent) return report(parent.error());
  if (const auto failure = serve(*options, *parent)) return parent->report_failure(*failure);
  return 0;
}

}  // namespace
}  // namespace flare

int main(int argc, char** argv) { return flare::run(argc, argv); }
