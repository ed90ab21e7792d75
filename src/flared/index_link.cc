#include "flared/index_link.h"

#include <fmt/format.h>

#include <charconv>

#include "common/base/limits.h"
#include "common/cluster/node_map_text.h"
#include "common/net/client.h"
#include "common/net/greeting.h"

namespace flare {

namespace {

using Failure = IndexLink::Failure;
constexpr std::chrono::seconds answer_deadline{5};
constexpr std::chrono::milliseconds retry_pause{500};  // as the original

Failure unreachable(const IndexLink::Server& server, const error_code& error) {
  return {Failure::Kind::unreachable,
          fmt::format("index server {}:{} cannot be reached: {}", server.name, server.port, error.message())};
}

Failure protocol(const IndexLink::Server& server, std::string_view request, std::string_view line) {
  return {Failure::Kind::protocol, fmt::format("index server {}:{} answered '{}' to '{}': is this a flarei?",
                                               server.name, server.port, line.substr(0, 200), request)};
}

bool take_int(std::string_view text, int least, int& value) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least) return false;
  value = number;
  return true;
}

// `META <name> <value>`; unknown names are skipped, a bad value of a known one is an error (cluster.md 1.3).
bool take_meta(std::string_view line, IndexLink::Joined& joined) {
  constexpr std::string_view word = "META ";
  if (line.substr(0, word.size()) != word) return false;
  line.remove_prefix(word.size());
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return false;
  const auto name = line.substr(0, space);
  const auto value = line.substr(space + 1);
  if (name == "partition-size") return take_int(value, 2, joined.meta.partition_size);
  if (name == "partition-modular-hint") return take_int(value, 1, joined.meta.modular_hint);
  if (name == "partition-modular-virtual") return take_int(value, 1, joined.meta.modular_virtual);
  if (name == "partition-type") return value == "modular";
  if (name == "cluster-id") {
    joined.identity.cluster = value;
    return is_cluster_id(value);
  }
  if (name == "tenant") joined.identity.tenant = value;
  if (name == "key-hash-algorithm") {
    const auto algorithm = key_hash_from_text(value);
    if (algorithm) joined.key_hash = *algorithm;
    return algorithm.has_value();
  }
  return true;
}

}  // namespace

IndexLink::IndexLink(IoExecutor executor, std::vector<Server> servers, std::string bind_address, Log& log,
                     OwnIdentity* identity)
    : executor_(executor),
      servers_(std::move(servers)),
      bind_address_(std::move(bind_address)),
      log_(log),
      identity_(identity) {}

// nullopt: the index may be this node's. Else one sentence that names both sides (docs/design.md 5).
std::optional<Failure> IndexLink::contradiction(const Server& server, const ClusterIdentity& told) const {
  if (!identity_) return std::nullopt;
  const auto own = identity_->greeting().hello;
  if (identity_->required() && told == ClusterIdentity{}) {
    return Failure{Failure::Kind::foreign,
                   fmt::format("index server {}:{} tells no cluster id, but this is {} of {} with require-identity",
                               server.name, server.port, own.key.text, to_text(own.identity))};
  }
  if (kinship(own.identity, told) != Kinship::foreign) return std::nullopt;
  return Failure{
      Failure::Kind::foreign,
      fmt::format("index server {}:{} is of {}, but this is {} of {}; correct the index server, the tenant or "
                  "the data-dir of this node (an empty store can be freed by --rebind)",
                  server.name, server.port, to_text(told), own.key.text, to_text(own.identity))};
}

IoTask<Result<IndexLink::Joined, Failure>> IndexLink::ask_meta(PeerClient& client, Server server) {
  auto joined = co_await read_meta(client, server);
  if (!joined) co_return joined;
  if (auto foreign = contradiction(server, joined->identity)) co_return std::move(*foreign);
  co_return joined;
}

IoTask<Result<IndexLink::Joined, Failure>> IndexLink::read_meta(PeerClient& client, Server server) {
  constexpr std::string_view meta = "meta\r\n";
  if (const auto sent = co_await client.write(meta, answer_deadline); !sent)
    co_return unreachable(server, sent.error());
  Joined joined;
  for (;;) {
    const auto line = co_await client.read_line(answer_deadline);
    if (!line) co_return unreachable(server, line.error());
    if (*line == "END") break;
    if (!take_meta(*line, joined)) co_return protocol(server, "meta", *line);
  }
  co_return joined;
}

// It may have lost its whole data-dir, the cluster id included: an operator can tell that from a foreigner.
IoTask<bool> IndexLink::is_of_own_tenant(Server server) {
  if (!identity_ || identity_->cluster().tenant.empty()) co_return false;
  PeerClient client{executor_};
  const auto connected = co_await client.connect(server.name, server.port, bind_address_, limits::connect_deadline);
  if (!connected) co_return false;
  const auto told = co_await read_meta(client, server);
  co_return told && told->identity.tenant == identity_->cluster().tenant;
}

IoTask<Result<ClusterIdentity, Failure>> IndexLink::ask_identity_of(Server server) {
  PeerClient client{executor_};
  if (const auto connected = co_await client.connect(server.name, server.port, bind_address_, limits::connect_deadline);
      !connected) {
    co_return unreachable(server, connected.error());
  }
  const auto joined = co_await ask_meta(client, server);
  if (!joined) co_return joined.error();
  co_return joined->identity;
}

IoTask<Result<ClusterIdentity, Failure>> IndexLink::ask_identity(std::chrono::milliseconds connect_for) {
  using Steady = std::chrono::steady_clock;
  const auto start = Steady::now();
  Timer pause{executor_};
  for (std::size_t attempt = 0;; ++attempt) {
    const Server server = servers_[attempt % servers_.size()];
    auto told = co_await ask_identity_of(server);
    if (told) co_return told;
    const auto failure = told.error();
    if (failure.kind != Failure::Kind::unreachable || Steady::now() - start >= connect_for) co_return failure;
    pause.expires_after(retry_pause);
    co_await pause.async_wait(use_task);
  }
}

IoTask<std::optional<Failure>> IndexLink::introduce(PeerClient& client, Server server) {
  if (!identity_) co_return std::nullopt;
  auto own = std::optional{identity_->greeting()};
  NodeKey anybody;
  const auto greeted = co_await greet_peer(client, std::move(own), std::move(anybody), answer_deadline);
  original_ = greeted && greeted->kind == PeerKind::original;
  if (greeted) co_return std::nullopt;
  if (greeted.error().error) co_return unreachable(server, greeted.error().error);
  co_return Failure{
      greeted.error().foreign ? Failure::Kind::foreign : Failure::Kind::protocol,
      fmt::format("index server {}:{} is not this node's: {}", server.name, server.port, greeted.error().text)};
}

IoTask<Result<IndexLink::Joined, Failure>> IndexLink::join_once(Server server, std::string server_name, int port) {
  PeerClient client{executor_};
  if (const auto connected = co_await client.connect(server.name, server.port, bind_address_, limits::connect_deadline);
      !connected) {
    co_return unreachable(server, connected.error());
  }
  if (auto failure = co_await introduce(client, server)) co_return std::move(*failure);
  auto joined = co_await ask_meta(client, server);
  if (!joined) co_return joined.error();
  if (identity_) {
    if (const auto adopted = identity_->adopt(joined->identity.cluster); !adopted) {
      co_return Failure{Failure::Kind::foreign, adopted.error()};
    }
  }

  const auto request = fmt::format("node add {} {}", server_name, port);
  const auto bytes = request + "\r\n";
  if (const auto sent = co_await client.write(bytes, answer_deadline); !sent)
    co_return unreachable(server, sent.error());
  for (;;) {
    const auto line = co_await client.read_line(answer_deadline);
    if (!line) co_return unreachable(server, line.error());
    if (*line == "END") break;
    if (line->starts_with("SERVER_ERROR")) {
      co_return Failure{Failure::Kind::refused,
                        fmt::format("index server {}:{} refuses this node: {}", server.name, server.port, *line)};
    }
    auto node = parse_node_line(*line);
    if (!node || joined->map.nodes.size() >= limits::map_nodes_max) co_return protocol(server, request, *line);
    auto key = node->key();
    joined->map.nodes.insert_or_assign(std::move(key), std::move(*node));
  }
  co_return joined;
}

IoTask<Result<IndexLink::Joined, Failure>> IndexLink::join(NodeKey own, std::string server_name, int port,
                                                           std::chrono::milliseconds connect_for,
                                                           std::chrono::milliseconds refused_for) {
  using Steady = std::chrono::steady_clock;
  const auto start = Steady::now();
  Timer pause{executor_};
  std::string said;
  for (std::size_t attempt = 0;; ++attempt) {
    const Server server = servers_[attempt % servers_.size()];
    auto joined = co_await join_once(server, server_name, port);
    if (joined) co_return joined;
    const auto failure = joined.error();
    const auto patience = failure.kind == Failure::Kind::refused ? refused_for : connect_for;
    const bool hopeless = failure.kind == Failure::Kind::protocol || failure.kind == Failure::Kind::foreign;
    if (failure.kind == Failure::Kind::refused && original_ && on_original_refusal_) on_original_refusal_();
    if (hopeless || Steady::now() - start >= patience) co_return failure;
    if (failure.text != said) log_.warning("{}: {}; trying again", own.text, failure.text);
    said = failure.text;
    pause.expires_after(retry_pause);
    co_await pause.async_wait(use_task);
  }
}

IoTask<Result<bool, Failure>> IndexLink::offer(std::string request, std::string lines) {
  Failure failure;
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    auto offered = co_await offer_to(servers_[i], request, lines);
    if (offered) co_return offered;
    failure = offered.error();
  }
  co_return failure;
}

IoTask<Result<bool, Failure>> IndexLink::offer_to(Server server, std::string_view request, std::string_view lines) {
  PeerClient client{executor_};
  if (const auto connected = co_await client.connect(server.name, server.port, bind_address_, limits::connect_deadline);
      !connected) {
    co_return unreachable(server, connected.error());
  }
  if (auto failure = co_await introduce(client, server)) {
    const bool of_tenant = failure->kind == Failure::Kind::foreign && co_await is_of_own_tenant(server);
    if (!of_tenant) co_return std::move(*failure);
  }
  if (const auto sent = co_await client.write(request, answer_deadline); !sent)
    co_return unreachable(server, sent.error());
  const auto answer = co_await client.read_line(answer_deadline);
  if (!answer) co_return unreachable(server, answer.error());
  if (*answer == "OK") co_return false;
  if (*answer != "WANTED") co_return protocol(server, "node offer", *answer);
  if (const auto sent = co_await client.write(lines, answer_deadline); !sent)
    co_return unreachable(server, sent.error());
  const auto taken = co_await client.read_line(answer_deadline);
  if (!taken) co_return unreachable(server, taken.error());
  if (*taken != "OK") co_return protocol(server, "an offered map", *taken);
  co_return true;
}

IoTask<Result<void, Failure>> IndexLink::tell(std::string request, std::chrono::milliseconds deadline) {
  Failure failure;
  const auto bytes = request + "\r\n";
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    const Server server = servers_[i];
    PeerClient client{executor_};
    const auto connected = co_await client.connect(server.name, server.port, bind_address_,
                                                   std::min<PeerClient::Duration>(deadline, limits::connect_deadline));
    if (!connected) {
      failure = unreachable(server, connected.error());
      continue;
    }
    if (const auto sent = co_await client.write(bytes, deadline); !sent) co_return unreachable(server, sent.error());
    const auto line = co_await client.read_line(deadline);
    if (!line) co_return unreachable(server, line.error());
    if (*line == "OK") co_return Result<void, Failure>{};
    co_return Failure{Failure::Kind::refused, fmt::format("index server {}:{} answered '{}' to '{}'", server.name,
                                                          server.port, line->substr(0, 200), request)};
  }
  co_return failure;
}

}  // namespace flare
