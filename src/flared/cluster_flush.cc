#include "flared/cluster_flush.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "common/base/limits.h"
#include "common/base/printable.h"
#include "common/net/client.h"
#include "common/protocol/reply_writer.h"
#include "flared/flush_rules.h"

namespace flare {

ClusterFlush::ClusterFlush(Setup setup, std::int64_t exptime, Reply reply)
    : setup_(std::move(setup)), request_(forwarded_flush(setup_.own, exptime)), reply_(std::move(reply)) {}

void ClusterFlush::run(std::vector<Node> masters) {
  missing_ = masters.size();
  for (auto& master : masters) {
    asio::co_spawn(setup_.executor, ask(master),
                   [self = shared_from_this(), master](const std::exception_ptr& thrown, std::string failure) {
                     self->told(master, thrown ? "this node stops" : std::move(failure));
                   });
  }
}

// Empty: it answered OK. Whoever asks keeps this object alive until then.
IoTask<std::string> ClusterFlush::ask(Node master) const {
  const auto until = std::chrono::steady_clock::now() + setup_.deadline;
  const auto left = [until] { return until - std::chrono::steady_clock::now(); };
  PeerClient client{setup_.executor};
  const auto connected =
      co_await client.connect(master.server_name, master.port, setup_.bind_address, limits::connect_deadline);
  if (!connected) co_return "cannot connect: " + connected.error().message();
  if (auto own = setup_.introduce ? setup_.introduce() : std::nullopt) {
    const auto greeted = co_await greet_peer(client, std::move(own), master.key(), limits::connect_deadline);
    if (!greeted) co_return greeted.error().text;
  }
  const auto sent = co_await client.write(request_, left());
  if (!sent) co_return sent.error().message();
  const auto answer = co_await client.read_line(left());
  if (!answer) co_return "no answer: " + answer.error().message();
  if (*answer == "OK") co_return std::string{};
  co_return fmt::format("it answers '{}'", printable(*answer));
}

void ClusterFlush::told(const Node& master, std::string failure) {
  if (!failure.empty() && failure_.empty()) failure_ = fmt::format("{}: {}", master.key().text, failure);
  if (--missing_ > 0) return;
  reply_(failure_.empty() ? std::string{reply::ok}
                          : fmt::format("SERVER_ERROR flush_all was not done everywhere: {}\r\n", failure_));
}

}  // namespace flare
