#include "common/cluster/node_map_text.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

NodeMap example() {
  NodeMap map;
  const Node slave{"127.0.0.1", 21222, Role::slave, State::prepare, PartitionId{0}, 0, ThreadType{17}};
  const Node master{"127.0.0.1", 21221, Role::master, State::active, PartitionId{0}, 1, ThreadType{16}};
  const Node proxy{"h", 9, Role::proxy, State::down, no_partition, 0, ThreadType{18}};
  for (const auto& node : {slave, master, proxy}) map.nodes.emplace(node.key(), node);
  return map;
}

TEST(NodeLines, HaveTheFormOfTheWire) {
  EXPECT_EQ(node_lines(example()),
            "NODE 127.0.0.1 21221 0 0 0 1 16\r\n"
            "NODE 127.0.0.1 21222 1 1 0 0 17\r\n"
            "NODE h 9 2 2 -1 0 18\r\n"
            "END\r\n");
}

TEST(NodeLines, AreReadBack) {
  for (const auto& [key, node] : example().nodes) {
    std::string line;
    append_node_line(line, node);
    line.resize(line.size() - 2);
    EXPECT_EQ(parse_node_line(line), node);
  }
}

TEST(NodeLines, MayHaveMoreWordsAndSpaces) {
  const auto node = parse_node_line("NODE  h  9 2 2 -1 0  18 e=7 sync=1");
  ASSERT_TRUE(node);
  EXPECT_EQ(node->key().text, "h:9");
  EXPECT_EQ(node->thread_type, ThreadType{18});
}

NodeMap example_with_reign() {
  auto map = example();
  map.version = MapVersion{9};
  map.reigns[PartitionId{0}] = {Epoch{7}, {NodeKey{"127.0.0.1", 21221}}};
  return map;
}

TEST(ReignWords, StandBehindTheLinesOfTheirPartition) {
  EXPECT_EQ(node_lines_with_reigns(example_with_reign(), " cluster=x"),
            "NODE 127.0.0.1 21221 0 0 0 1 16 e=7 sync=1 cluster=x\r\n"
            "NODE 127.0.0.1 21222 1 1 0 0 17 e=7 sync=0 cluster=x\r\n"
            "NODE h 9 2 2 -1 0 18 cluster=x\r\n"
            "END\r\n");
  EXPECT_EQ(node_lines_with_reigns(example()), node_lines(example()));
}

TEST(ReignWords, AreReadBack) {
  const auto map = example_with_reign();
  NodeMap read;
  std::string_view lines;
  const auto text = node_lines_with_reigns(map, " cluster=x");
  lines = text;
  for (; lines.substr(0, 4) == "NODE"; lines.remove_prefix(lines.find('\n') + 1)) {
    const auto line = lines.substr(0, lines.find('\r'));
    const auto node = parse_node_line(line);
    ASSERT_TRUE(node);
    EXPECT_TRUE(take_reign_words(line, *node, read));
  }
  EXPECT_EQ(read.reigns, map.reigns);
}

struct ReignLine {
  const char* words;
  bool good;
};

class ReignWordsOfALine : public testing::TestWithParam<ReignLine> {};

TEST_P(ReignWordsOfALine, AreCheckedWhole) {
  auto map = example_with_reign();
  const auto line = std::string("NODE 127.0.0.1 21222 1 1 0 0 17 ") + GetParam().words;
  EXPECT_EQ(take_reign_words(line, *parse_node_line(line), map), GetParam().good) << line;
}

INSTANTIATE_TEST_SUITE_P(Replication_2, ReignWordsOfALine,
                         testing::Values(ReignLine{"", true}, ReignLine{"cluster=x", true},
                                         ReignLine{"e=7 sync=1", true}, ReignLine{"sync=0 more e=7", true},
                                         ReignLine{"e=8 sync=1", false}, ReignLine{"e=7", false},
                                         ReignLine{"sync=1", false}, ReignLine{"e=7 sync=2", false},
                                         ReignLine{"e=7x sync=1", false}, ReignLine{"e= sync=1", false},
                                         ReignLine{"e=-7 sync=1", false}));

TEST(ReignWords, OfANodeWithoutPartitionAreRefused) {
  NodeMap map;
  const std::string line = "NODE h 9 2 2 -1 0 18 e=7 sync=1";
  EXPECT_FALSE(take_reign_words(line, *parse_node_line(line), map));
}

class BadNodeLine : public testing::TestWithParam<const char*> {};

TEST_P(BadNodeLine, IsAFormatError) { EXPECT_FALSE(parse_node_line(GetParam())); }

INSTANTIATE_TEST_SUITE_P(Cluster_3_1, BadNodeLine,
                         testing::Values("", "END", "NODE", "NODE h", "NODE h 9 2 2 -1 0", "NODE h 9 2 2 -1 0 x",
                                         "NODE h 9 3 0 -1 0 18", "NODE h 9 2 4 -1 0 18", "NODE h 0 2 0 -1 0 18",
                                         "NODE h 65536 2 0 -1 0 18", "NODE h 9 2 0 -2 0 18", "NODE h 9 2 0 -1 -1 18",
                                         "NODE h 9 2 0 -1 0 15", "NODE h 9x 2 0 -1 0 18", "node h 9 2 0 -1 0 18",
                                         "NODE h 9 2 0 -1 0 99999999999"));

TEST(StatsNodes, HasFiveLinesForEachNode) {
  NodeMap map;
  EXPECT_EQ(stats_nodes_text(map), "END\r\n");
  const Node node{"127.0.0.1", 21999, Role::proxy, State::down, no_partition, 0, ThreadType{16}};
  map.nodes.emplace(node.key(), node);
  EXPECT_EQ(stats_nodes_text(map),
            "STAT 127.0.0.1:21999:role proxy\r\n"
            "STAT 127.0.0.1:21999:state down\r\n"
            "STAT 127.0.0.1:21999:partition -1\r\n"
            "STAT 127.0.0.1:21999:balance 0\r\n"
            "STAT 127.0.0.1:21999:thread_type 16\r\n"
            "END\r\n");
}

TEST(NodeKeys, AreOrderedByTheirBytes) { EXPECT_LT((NodeKey{"h", 10}), (NodeKey{"h", 9})); }

TEST(NodeWords, AreReadBack) {
  for (const auto role : {Role::master, Role::slave, Role::proxy}) EXPECT_EQ(role_from_text(to_text(role)), role);
  for (const auto state : {State::active, State::prepare, State::down, State::ready}) {
    EXPECT_EQ(state_from_text(to_text(state)), state);
  }
  EXPECT_FALSE(role_from_text("Master"));
  EXPECT_FALSE(state_from_text("dead"));
}

}  // namespace
}  // namespace flare
