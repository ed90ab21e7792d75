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
          Importer::Callbacks{[this] { ++gathered; }, [this](const std::string& text) { node.log.warning("{}", text); },
                              [] { return NodeOptions{}.epoch; }},
          options);
    });
  }
  ~Gatherer() {
    node.control->run([this] { importer.reset(); });
  }
  // The port at `n` is that of the master of former partition n; its keys end with that digit.
  void gather(const std::vector<int>& ports) {
    std::vector<Importer::Target> targets;
    for (const int port : ports) {
      const PartitionId from{static_cast<int>(targets.size())};
      targets.push_back({"127.0.0.1", port, PartitionId{1}, 2, NodeKey{"127.0.0.1:9"}, {}, from});
    }
    const bool single = targets.size() == 1;
    node.control->run([&] {
      importer->gather(std::move(targets),
                       [single](std::string_view key) { return PartitionId{single ? 0 : key.back() - '0'}; });
    });
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

// A deletion that was missed must not stay (cluster.md 9.6): the stream goes on from the position.
TEST(Import, ResumesByPositionWhenTheConnectionWasLost) {
  Node source{source_options()};
  Gatherer gatherer;
  for (int i = 0; i < 100; ++i) source.set("m" + std::to_string(i), "a");
  gatherer.gather({source.open_door()});
  ASSERT_TRUE(eventually([&] { return gatherer.gathered == 1; })) << gatherer.node.log.text();
  source.close_door();
  source.control->run([&] { source.sources->stop_all(); });
  source.remove("m1");
  source.remove("m2");
  source.set("m2", "made anew, with a lower version perhaps");
  source.set("s1", "stays");
  source.open_door();
  source.set("m3", "last");
  EXPECT_TRUE(eventually([&] {
    auto expected = source.content();
    expected.erase("s1");
    return gatherer.node.content() == expected;
  })) << gatherer.node.log.text();
  EXPECT_EQ(source.snapshots_served(), 1U);
  EXPECT_EQ(gatherer.node.content().size(), 99U);
}

TEST(Import, RemovesWhatTheNextMasterOfAPartitionDoesNotHaveAndLeavesTheOthers) {
  Node first{source_options()};
  Node second{source_options()};
  Node next{source_options()};  // of another history, in place of the second
  Gatherer gatherer;
  gatherer.node.set("m-of-before-0", "was in the store");
  first.set("m-a-0", "a");
  second.set("m-b-1", "b");
  second.set("m-c-1", "c");
  next.set("m-b-1", "of the next");
  next.set("m-d-1", "d");
  const int first_port = first.open_door();
  gatherer.gather({first_port, second.open_door()});
  ASSERT_TRUE(eventually([&] { return gatherer.gathered == 1; })) << gatherer.node.log.text();
  EXPECT_EQ(gatherer.node.content().size(), 3U) << "and nothing of before";
  gatherer.gather({first_port, next.open_door()});
  EXPECT_TRUE(eventually([&] {
    const auto content = gatherer.node.content();
    return content.size() == 3 && content.contains("m-a-0") && content.contains("m-d-1") &&
           content.at("m-b-1").ends_with("of the next");
  })) << gatherer.node.log.text();
  EXPECT_EQ(first.snapshots_served(), 1U);
}

TEST(Import, AFlushOfOneSourceTakesItsKeysOnly) {
  Node first{source_options()};
  Node second{source_options()};
  Gatherer gatherer;
  first.set("m-a-0", "a");
  second.set("m-b-1", "b");
  gatherer.gather({first.open_door(), second.open_door()});
  ASSERT_TRUE(eventually([&] { return gatherer.gathered == 1; })) << gatherer.node.log.text();
  ASSERT_TRUE(first.storage->flush());
  first.set("m-c-0", "c");
  EXPECT_TRUE(eventually([&] {
    const auto content = gatherer.node.content();
    return content.size() == 2 && content.contains("m-b-1") && content.contains("m-c-0");
  })) << gatherer.node.log.text();
}

// replication.md 7: the key is another partition's now. Its new master must not take that for a deletion.
TEST(Import, IsNotToldOfADrop) {
  Node source{source_options()};
  Gatherer gatherer;
  source.set("m1", "a");
  gatherer.gather({source.open_door()});
  ASSERT_TRUE(eventually([&] { return gatherer.gathered == 1; })) << gatherer.node.log.text();
  source.change({.kind = OperationKind::drop, .key = "m1"});
  source.set("m2", "b");
  EXPECT_TRUE(eventually([&] { return gatherer.node.content().contains("m2"); }));
  EXPECT_TRUE(gatherer.node.content().contains("m1"));
  EXPECT_FALSE(source.content().contains("m1"));
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
  Hello import;
  import.partition = PartitionId{2};
  import.partitions = 3;
  import.slave = NodeKey{"h:1"};
  EXPECT_EQ(format_import(import), "repl import 2 3 h:1");
  EXPECT_EQ(*parse_import(format_import(import)), import);
  import.position = {LogId{0xab}, Epoch{5}, Sequence { 7 }};
  EXPECT_EQ(format_import(import), "repl import 2 3 h:1 00000000000000ab 5 7");
  EXPECT_EQ(*parse_import(format_import(import)), import);
  for (const auto* bad : {"repl import 3 3 h:1", "repl import 2 3 h", "repl import 2 3 h:1 x", "repl hello 2 3 h:1",
                          "repl import 2 3 h:1 ab 5", "repl import 2 3 h:1 0 5 7", "repl import 2 3 h:1 ab 5 7 8"}) {
    EXPECT_FALSE(parse_import(bad)) << bad;
  }
}

TEST(HandoverText, ReadsBackWhatItWrites) {
  const auto line = format_handover(PartitionId{2}, 3, NodeKey{"h:1"});
  EXPECT_EQ(line, "repl handover 2 3 h:1");
  const auto read = parse_handover(line);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->partition, PartitionId{2});
  EXPECT_EQ(read->slave.text, "h:1");
  for (const auto* bad : {"repl handover 3 3 h:1", "repl handover 2 3 h", "repl handover 2 3 h:1 x"}) {
    EXPECT_FALSE(parse_handover(bad)) << bad;
  }
  const Position last{LogId{0xab}, Epoch{5}, Sequence{7}};
  EXPECT_EQ(format_handover_answer(last), "HANDOVER 00000000000000ab 5 7");
  EXPECT_EQ(parse_handover_answer("HANDOVER 00000000000000ab 5 7"), last);
  for (const auto* bad : {"", "HANDOVER", "HANDOVER ab 5", "HANDOVER ab 5 7 8", "SERVER_ERROR not master"}) {
    EXPECT_FALSE(parse_handover_answer(bad)) << bad;
  }
}

}  // namespace
}  // namespace flare::loopback
