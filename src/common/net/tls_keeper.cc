#include "common/net/tls_keeper.h"

#include <utility>

namespace flare {
namespace {

// Kept by the io_context itself: whoever connects has its executor, and need not be told.
class OutgoingTls : public asio::execution_context::service {
 public:
  using key_type = OutgoingTls;
  static asio::execution_context::id id;

  explicit OutgoingTls(asio::execution_context& context, const TlsKeeper* its_keeper = nullptr)
      : service(context), keeper(its_keeper) {}

  const TlsKeeper* const keeper;

 private:
  void shutdown() override {}
};

asio::execution_context::id OutgoingTls::id;

}  // namespace

Result<void, std::string> TlsKeeper::load(const TlsFiles& files, bool cluster) {
  using enum TlsContext::Use;
  Contexts fresh;
  const auto load_one = [&](auto& to, TlsContext::Use use) -> Result<void, std::string> {
    auto loaded = TlsContext::load(files, use);
    if (!loaded) return loaded.error();
    to = std::move(*loaded);
    return {};
  };
  if (auto done = load_one(fresh.server, server); !done) return done;
  if (cluster) {
    if (auto done = load_one(fresh.mutual, mutual_server); !done) return done;
    if (auto done = load_one(fresh.client, client); !done) return done;
  }
  for (const auto& warning : fresh.server->warnings()) log_.warning("{}", warning);
  const std::lock_guard lock{mutex_};
  contexts_ = std::move(fresh);
  return {};
}

std::shared_ptr<const TlsContext> TlsKeeper::at(DoorTls kind) const {
  const std::lock_guard lock{mutex_};
  switch (kind) {
    case DoorTls::none:
      return nullptr;
    case DoorTls::server:
      return contexts_.server;
    case DoorTls::mutual:
      return contexts_.mutual;
  }
  return nullptr;
}

std::shared_ptr<const TlsContext> TlsKeeper::to_daemons() const {
  const std::lock_guard lock{mutex_};
  return contexts_.client;
}

std::string TlsKeeper::certificate_end() const {
  const std::lock_guard lock{mutex_};
  return contexts_.server ? contexts_.server->certificate_end() : std::string{};
}

void connect_by_tls(asio::io_context& context, const TlsKeeper& keeper) {
  asio::make_service<OutgoingTls>(context, &keeper);
}

std::shared_ptr<const TlsContext> tls_to_daemons(const IoExecutor& executor) {
  auto& context = executor.context();
  if (!asio::has_service<OutgoingTls>(context)) return nullptr;
  return asio::use_service<OutgoingTls>(context).keeper->to_daemons();
}

}  // namespace flare
