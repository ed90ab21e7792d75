#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "common/base/log.h"
#include "common/base/result.h"
#include "common/net/task.h"
#include "common/net/tls_context.h"
#include "common/protocol/door.h"

namespace flare {

/// The TLS that a daemon speaks at present. New files are taken as a whole or not at all. Safe from any thread; lives
/// longer than who asks it.
class TlsKeeper {
 public:
  explicit TlsKeeper(Log& log) : log_(log) {}

  /// Reads the files, for the doors and, `cluster`, for the daemons among each other. Logs what may be wrong with them.
  Result<void, std::string> load(const TlsFiles& files, bool cluster);

  /// How a door speaks; null: plainly.
  std::shared_ptr<const TlsContext> at(DoorTls kind) const;
  /// How this daemon speaks to others; null: plainly.
  std::shared_ptr<const TlsContext> to_daemons() const;
  std::string certificate_end() const;

 private:
  struct Contexts {
    std::shared_ptr<const TlsContext> server;
    std::shared_ptr<const TlsContext> mutual;
    std::shared_ptr<const TlsContext> client;
  };

  Log& log_;
  mutable std::mutex mutex_;
  Contexts contexts_;
};

/// From here on all connections that PeerClients make on this io_context, to index and nodes, speak the TLS of `keeper`
/// whenever it has one. Said once for each io_context, before it runs.
void connect_by_tls(asio::io_context& context, const TlsKeeper& keeper);
/// Null: plainly.
std::shared_ptr<const TlsContext> tls_to_daemons(const IoExecutor& executor);

}  // namespace flare
