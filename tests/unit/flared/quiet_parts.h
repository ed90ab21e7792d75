#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/log.h"
#include "flared/worker.h"

/// What a worker needs beside its store, where a test looks at neither.
namespace flare::test {

class SilentLog final : public Log {
 public:
  void write(Level, std::string_view) override {}
};

class NoControl : public Control {
 public:
  void install_map(std::string, std::uint64_t, Reply reply) override { reply("ERROR\r\n"); }
  void flush_all(std::int64_t, bool, Reply reply) override { reply("ERROR\r\n"); }
  void adopt_stream(LooseSocket socket, std::string, std::string, std::string) override { ::close(socket.descriptor); }
  std::shared_ptr<Dump> begin_dump(const Request&) override { return nullptr; }
  void stats(std::string, Reply reply) override { reply("END\r\n"); }
  std::string_view ailment() override { return {}; }
  void kill(std::int32_t, Reply reply) override { reply("ERROR\r\n"); }
  void variables(Reply reply) override { reply("END\r\n"); }
};

/// The routes of a map in which the node at `own_port` is this one.
inline std::shared_ptr<RoutingView> view_of(const std::vector<Node>& nodes, int own_port) {
  auto view = std::make_shared<RoutingView>();
  for (const auto& node : nodes) view->map.nodes.emplace(node.key(), node);
  view->partitions = *PartitionMap::make(view->map, PartitionMeta{}, KeyHashAlgorithm::simple);
  for (std::uint32_t i = 0; i < view->partitions.nodes().size(); ++i) {
    if (view->partitions.nodes()[i].port == own_port) view->self = i;
  }
  return view;
}

/// This node alone is the master of all keys.
inline std::shared_ptr<RoutingView> only_master() {
  return view_of({{"h", 1, Role::master, State::active, PartitionId{0}, 1, ThreadType{16}}}, 1);
}

}  // namespace flare::test
