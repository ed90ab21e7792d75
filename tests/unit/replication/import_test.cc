#include <gtest/gtest.h>

#include "flared/replication/hello.h"
#include "flared/replication/importer.h"
#include "loopback_node.h"

namespace flare::loopback {
namespace {

// Keys that begin with `m` move to the new partition 1.
PartitionId after_the_split(std::string_view key, int) { return PartitionId{key.starts_with('m') ? 1 : 0}; }

NodeOptions source_options() {
  NodeOptions options;
  options.future_partition = after_the_split;
  return options;
}

// The node of the new partition.
class Gatherer {
 public:
  Gatherer() {
    node.control->run([this] {
      FollowerOptions options;
      options.data_bytes_max = 1024 * 1024;
      options.pause_min = 5ms;
      options.pause_max = 50ms;
      importer = std::make_unique<Importer>(
          node.control->context.get_executor(), *node.storage, *node.pool,
          Importer::Callbacks{[this] { ++gathered; },
                              [this](const std::string& text) { node.log.warning("{}", text); }},
          options);
    });
  }
  ~Gatherer() {
    node.control->run([this] { importer.reset(); });
  }
  void gather(const std::vector<int>& ports) {
    std::vector<Importer::Target> targets;
    for (const int port : ports) targets.push_back({"127.0.0.1", port, PartitionId{1}, 2, NodeKey{"127.0.0.1:9"}, {}});
    node.control->run([&] { importer->gather(std::move(targets)); });
  }

  Node node;
  std::unique_ptr<Importer> importer;
  std::atomic<int> gathered{0};
};

TEST(Import, GathersTheKeysThatMoveAndKeepsUpWithThem) {
  Node source{source_options()};
  Gatherer gatherer;
  for (int i = 0; i < 1000; ++i) {
    source.set("m" + std::to_string(i), "moves");
    source.set("s" + std::to_string(i), "stays");
  }
  gatherer.gather({source.open_door()});
  ASSERT_TRUE(eventually([&] { return gatherer.gathered == 1; })) << gatherer.node.log.text() << source.log.text();
  EXPECT_EQ(gatherer.node.content().size(), 1000u);

  source.set("m1", "changed");
  source.set("s1", "changed");
  source.remove("m2");
  source.change({.kind = OperationKind::touch, .key = "m3", .expire_s = 4000000000});
  source.set("m4", "last");
  ASSERT_TRUE(eventually([&] { return gatherer.node.content()["m4"] == source.content()["m4"]; }));
  const auto moved = gatherer.node.content();
  EXPECT_EQ(moved.size(), 999u);
  for (const auto& [key, record] : source.content()) {
    if (after_the_split(key, 2) == PartitionId{1}) {
      EXPECT_EQ(moved.at(key), record) << key;
    }
  }
}

TEST(Import, BeginsAnewFromAnEmptyStoreWhenASourceIsLostBeforeAllIsGathered) {
  Node first{source_options()};
  Node second{source_options()};
  Gatherer gatherer;
  first.set("m1", "a");
  first.set("m2", "a");
  second.set("m3", "b");
  second.is_master = false;  // the gathering cannot end yet
  gatherer.gather({first.open_door(), second.open_door()});
  ASSERT_TRUE(eventually([&] { return gatherer.node.content().size() == 2; })) << gatherer.node.log.text();
  first.remove("m1");
  first.control->run([&] { first.sources->stop_all(); });
  second.is_master = true;
  ASSERT_TRUE(eventually([&] { return gatherer.gathered == 1; })) << gatherer.node.log.text();
  EXPECT_TRUE(eventually([&] {
    const auto content = gatherer.node.content();
    return content.size() == 2 && content.contains("m2") && content.contains("m3");
  }));
}

TEST(Import, IsRefusedByANodeThatIsNoMaster) {
  Node source{source_options()};
  source.is_master = false;
  Gatherer gatherer;
  gatherer.gather({source.open_door()});
  EXPECT_TRUE(eventually([&] { return gatherer.node.log.says("SERVER_ERROR not master"); }));
  EXPECT_EQ(gatherer.gathered, 0);
}

TEST(ImportText, ReadsBackWhatItWrites) {
  const auto line = format_import(PartitionId{2}, 3, NodeKey{"h:1"});
  EXPECT_EQ(line, "repl import 2 3 h:1");
  const auto read = parse_import(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->partition, PartitionId{2});
  EXPECT_EQ(read->partitions, 3);
  EXPECT_EQ(read->slave.text, "h:1");
  for (const auto* bad : {"repl import 3 3 h:1", "repl import 2 3 h", "repl import 2 3 h:1 x", "repl hello 2 3 h:1"}) {
    EXPECT_FALSE(parse_import(bad)) << bad;
  }
}

}  // namespace
}  // namespace flare::loopback
