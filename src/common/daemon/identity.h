#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/cluster_identity.h"
#include "common/base/log.h"
#include "common/base/result.h"
#include "common/daemon/start_failure.h"

/// Whose a data-dir is: its file `identity` (docs/design.md 5). A directory without one is free, and is adopted once.
namespace flare {

enum class DaemonKind { index, node };
std::string_view to_text(DaemonKind kind);  // the program: flarei, flared

struct DaemonIdentity {
  DaemonKind kind = DaemonKind::node;
  ClusterIdentity cluster;
  std::string name;  // <server name>:<port>

  bool operator==(const DaemonIdentity&) const = default;
};

/// The text of the file: `flare-identity 1`, then kind, name, cluster and tenant, a line each. Pure.
std::string identity_text(const DaemonIdentity& identity);
/// The error is a sentence; an unknown format is refused by its name. Pure.
Result<DaemonIdentity, std::string> parse_identity(std::string_view text);

/// nullopt: the data-dir of `kept` is for `starting`. Else one sentence that names both sides. Pure.
/// A flarei is known by its port: its host's name is not in the map, and a map may move to another machine.
std::optional<std::string> identity_mismatch(const DaemonIdentity& kept, const DaemonIdentity& starting);

/// What is known of a daemon that owns its data-dir: `starting`, with the cluster id and tenant that were kept. Pure.
DaemonIdentity joined_identity(const DaemonIdentity& kept, const DaemonIdentity& starting);

class IdentityFile {
 public:
  IdentityFile(std::string program, const std::string& data_dir);

  /// Reads the file and compares; nothing is written. Without a file: `starting`, unless the directory shows by its
  /// files that it is of the other kind of daemon. A mismatch is ExitCode::configuration.
  Result<DaemonIdentity, StartFailure> check(const DaemonIdentity& starting) const;
  /// Durably, in place of what was kept. Says once in the log that a directory is adopted.
  Result<void, StartFailure> keep(const DaemonIdentity& identity, Log& log) const;
  /// nullopt: there is none.
  Result<std::optional<DaemonIdentity>, StartFailure> load() const;

  const std::string& path() const { return path_; }

 private:
  StartFailure failure(ExitCode code, std::string_view reason) const;

  std::string program_;
  std::string data_dir_;
  std::string path_;
};

/// 128 random bits in hex: a new cluster.
std::string random_cluster_id();
/// 64 random bits in hex: one life of a process.
std::string random_start_id();

}  // namespace flare
