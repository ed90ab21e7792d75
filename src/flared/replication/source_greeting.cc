#include "flared/replication/source_greeting.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/limits.h"

namespace flare {

IoTask<Result<void, std::string>> greet_source(PeerClient& client, std::string host, int port, std::string bind_address,
                                               PeerClient::Duration answer_deadline) {
  const auto connected =
      co_await client.connect(std::move(host), port, std::move(bind_address), limits::connect_deadline);
  if (!connected) co_return "cannot connect: " + connected.error().message();
  const auto sent = co_await client.write("version\r\n", limits::peer_write_deadline);
  if (!sent) co_return "version: " + sent.error().message();
  const auto line = co_await client.read_line(answer_deadline);
  if (!line) co_return "version: " + line.error().message();
  if (line->starts_with("VERSION flare-1.")) co_return std::string{original_master_text};
  if (!line->starts_with("VERSION ")) co_return fmt::format("version: answered '{}'", line->substr(0, 80));
  co_return Result<void, std::string>{};
}

}  // namespace flare
