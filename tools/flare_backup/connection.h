#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/base/cluster_identity.h"
#include "common/base/result.h"
#include "flare_status/target.h"
#include "flared/storage/file_tools.h"

namespace flare::backup {

/// A blocking connection to a node; every wait ends after `patience`. Errors are sentences that name the peer.
class Connection {
 public:
  static Result<Connection, std::string> open(const status::Target& target, std::chrono::milliseconds patience);

  Result<void, std::string> send(std::string_view bytes);
  /// At least one byte more in `unread`.
  Result<void, std::string> read_more(std::string& unread);
  /// The next line of what comes, without its end.
  Result<std::string, std::string> read_line();
  /// Sends a line and reads to END; an answer that is an error line is an error.
  Result<std::string, std::string> ask(std::string_view line);
  /// Asks what the node is and says hello as its own kind, so that it takes what only the cluster's daemons may ask
  /// (docs/design.md 5). False: an original, which knows no hello.
  Result<bool, std::string> introduce();
  /// What the node says of its cluster; empty words where it tells nothing.
  ClusterIdentity identity();
  /// What has come and was not taken by read_line.
  std::string& unread() { return unread_; }
  const std::string& peer() const { return peer_; }

 private:
  std::string failure(std::string_view what, int error) const;
  Result<void, std::string> wait(short events) const;

  FileDescriptor socket_;
  std::string peer_;
  std::string unread_;
  std::chrono::milliseconds patience_{0};
};

}  // namespace flare::backup
