// What a map makes of it, and how it is built (docs/spec/cluster.md 1.7, 6).
#include <fmt/format.h>

#include <stdexcept>
#include <tuple>

#include "support/original_flared.h"
#include "support/original_flared_parts.h"

namespace flare::test {

std::string OriginalFlared::take_map(LineConnection& connection, const std::vector<std::string>& words,
                                     std::string& request) {
  const auto version = words.size() > 2 ? number_of(words[2]) : std::optional<std::int64_t>{0};
  if (words.size() > 3 || !version) return "ERROR\r\n";
  OriginalMap map;
  map.version = static_cast<std::uint64_t>(*version);
  for (;;) {
    const auto line = connection.read_line();
    if (!line) return "";
    request += "\r\n" + *line;
    if (*line == "END") break;
    const auto node = parse_original_node(*line);
    if (!node) return "CLIENT_ERROR format error\r\n";
    map.nodes.emplace(node->key(), *node);
  }
  std::optional<OriginalNode> before;
  {
    const std::lock_guard lock{mutex_};
    if (map_.version > map.version) return "SERVER_ERROR node sync error\r\n";
    if (const auto* own = own_entry()) before = *own;
    map_ = std::move(map);
  }
  act_on_role(before);
  return "OK\r\n";
}

// cluster.md 1.7: only proxy -> slave and proxy -> master do something.
void OriginalFlared::act_on_role(const std::optional<OriginalNode>& before) {
  const std::lock_guard lock{mutex_};
  const auto* own = own_entry();
  if (!own || !before || before->role != OriginalNode::proxy || own->role == OriginalNode::proxy || !running_) return;
  const auto me = own_.name + " " + std::to_string(own_.port);
  if (own->role == OriginalNode::slave) {
    const auto* master = map_.master_of(own->partition);
    if (!master) master = map_.master_of(own->partition, true);
    if (!master) return;
    const int partitions = map_.active_partitions() + (own->partition >= map_.active_partitions() ? 1 : 0);
    builds_.emplace_back([this, sources = std::vector{*master}, partition = own->partition, partitions, me] {
      build(sources, partition, partitions, "node state " + me + " active");
    });
    return;
  }
  std::vector<OriginalNode> sources;
  for (const auto& [key, node] : map_.nodes) {
    if (node.role == OriginalNode::master && node.state == OriginalNode::active && key != own->key())
      sources.push_back(node);
  }
  if (sources.empty()) return;
  builds_.emplace_back([this, sources, partition = own->partition, partitions = map_.active_partitions() + 1, me] {
    build(sources, partition, partitions, "node state " + me + " ready");
  });
}

void OriginalFlared::build(std::vector<OriginalNode> sources, int partition, int partitions, std::string done) {
  try {
    for (const auto& source : sources) build_from(source, partition, partitions);
  } catch (const std::runtime_error& error) {
    done = fmt::format("node role {} {} proxy 0 -1", own_.name, own_.port);
    complain(std::string{"build: "} + error.what());
  }
  std::ignore = tell_index(done);
}

void OriginalFlared::build_from(const OriginalNode& source, int partition, int partitions) {
  TextClient client{address_of(source), Milliseconds{20'000}};
  client.send(fmt::format("dump 0 {} {}\r\n", partition, partitions));
  for (;;) {
    const auto line = client.read_line();
    if (line == "END") return;
    const auto words = words_of(line);
    const auto size = words.size() == 6 && words[0] == "VALUE" ? number_of(words[3]) : std::nullopt;
    const auto version = size ? number_of(words[4]) : std::nullopt;
    const auto expire = version ? number_of(words[5]) : std::nullopt;
    if (!expire) throw std::runtime_error("dump was answered '" + line + "'");
    auto data = client.read_exactly(static_cast<std::size_t>(*size) + 2);
    data.resize(data.size() - 2);
    const std::lock_guard lock{mutex_};
    if (!running_) return;
    store_.put_dumped(words[1], {static_cast<std::uint32_t>(number_of(words[2]).value_or(0)), *expire,
                                 static_cast<std::uint64_t>(*version), data});
  }
}

}  // namespace flare::test
