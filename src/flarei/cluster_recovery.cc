#include "flarei/cluster_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <utility>

namespace flare {
namespace {

IoTask<NodeWord> ask_node(IoExecutor executor, Node node, OwnGreeting own, std::string bind_address,
                          PeerClient::Duration deadline) {
  NodeWord word;
  word.key = node.key();
  const auto until = std::chrono::steady_clock::now() + deadline;
  PeerClient client{executor};
  const auto connected = co_await client.connect(node.server_name, node.port, std::move(bind_address), deadline);
  if (!connected) co_return word;
  auto introduction = std::optional{std::move(own)};
  auto expected = node.key();
  const auto greeted = co_await greet_peer(client, std::move(introduction), std::move(expected),
                                           until - std::chrono::steady_clock::now());
  if (!greeted) {
    if (!greeted.error().foreign) co_return word;
    word.kind = NodeWord::Kind::foreign;
    word.text = greeted.error().text;
    co_return word;
  }
  const bool has_id = greeted->hello && !greeted->hello->identity.cluster.empty();
  word.kind = has_id ? NodeWord::Kind::with_id : NodeWord::Kind::without_id;
  if (has_id) word.cluster = greeted->hello->identity.cluster;
  co_return word;
}

bool any(const std::vector<NodeWord>& words, NodeWord::Kind kind) {
  return std::any_of(words.begin(), words.end(), [kind](const NodeWord& word) { return word.kind == kind; });
}

}  // namespace

ClusterIdSource cluster_id_source(const std::string& kept, const std::string& of_map_file, bool map_is_empty) {
  using Kind = ClusterIdSource::Kind;
  // An empty map is nobody's: the id was taken over a moment before the map was (node adopt).
  if (!kept.empty() && map_is_empty) return {Kind::known, kept};
  if (!kept.empty() && !of_map_file.empty() && kept != of_map_file) return {Kind::conflict, {}};
  if (!kept.empty()) return {Kind::known, kept};
  if (!of_map_file.empty()) return {Kind::known, of_map_file};
  return {map_is_empty ? Kind::drawn : Kind::of_nodes, {}};
}

Recovered conclude(const std::vector<NodeWord>& words) {
  const NodeWord* first = nullptr;
  for (const auto& word : words) {
    if (word.kind == NodeWord::Kind::foreign) return {Recovered::Kind::disagree, {}, word.text};
    if (word.kind != NodeWord::Kind::with_id) continue;
    if (!first) first = &word;
    if (word.cluster == first->cluster) continue;
    return {Recovered::Kind::disagree,
            {},
            fmt::format("{} is of cluster {}, but {} is of cluster {}", first->key.text, first->cluster, word.key.text,
                        word.cluster)};
  }
  if (first) return {Recovered::Kind::cluster, first->cluster, {}};
  return {any(words, NodeWord::Kind::silent) ? Recovered::Kind::unknown : Recovered::Kind::new_one, {}, {}};
}

IoTask<std::vector<NodeWord>> ask_nodes(IoExecutor executor, NodeMap map, OwnGreeting own, std::string bind_address,
                                        PeerClient::Duration deadline) {
  struct Gathering {
    explicit Gathering(IoExecutor executor) : all(executor, Timer::time_point::max()) {}
    std::vector<NodeWord> words;
    std::size_t missing = 0;
    Timer all;
  };
  // Shared with the coroutines below, each of which has its deadline.
  const auto gathering = std::make_shared<Gathering>(executor);
  gathering->missing = map.nodes.size();
  for (const auto& [key, node] : map.nodes) {
    auto task = ask_node(executor, node, own, bind_address, deadline);
    asio::co_spawn(executor, std::move(task), [gathering](std::exception_ptr, NodeWord word) {
      gathering->words.push_back(std::move(word));
      if (--gathering->missing == 0) gathering->all.cancel();
    });
  }
  while (gathering->missing > 0) co_await gathering->all.async_wait(use_task);
  co_return std::move(gathering->words);
}

}  // namespace flare
