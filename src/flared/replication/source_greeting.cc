#include "flared/replication/source_greeting.h"

#include <utility>

#include "common/base/limits.h"

namespace flare {

IoTask<Result<void, std::string>> greet_source(PeerClient& client, std::string host, int port, std::string bind_address,
                                               Introduce introduce, PeerClient::Duration answer_deadline) {
  NodeKey expected{host, port};
  const auto connected =
      co_await client.connect(std::move(host), port, std::move(bind_address), limits::connect_deadline);
  if (!connected) co_return "cannot connect: " + connected.error().message();
  auto own = introduce ? introduce() : std::nullopt;
  const auto greeted = co_await greet_peer(client, std::move(own), std::move(expected), answer_deadline);
  if (!greeted) co_return greeted.error().text;
  if (greeted->kind == PeerKind::original) co_return std::string{original_master_text};
  co_return Result<void, std::string>{};
}

}  // namespace flare
