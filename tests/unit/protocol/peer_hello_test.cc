// docs/design.md 5: the words of hello and of NODE lines.
#include "common/protocol/peer_hello.h"

#include <gtest/gtest.h>

#include "common/cluster/node_map_text.h"

namespace flare::test {
namespace {

const std::string cluster_x(32, 'a');

TEST(HelloWords, AreReadBackAlike) {
  for (const auto& hello :
       {PeerHello{{cluster_x, "user-a"}, NodeKey{"h:1"}, "ff"}, PeerHello{{}, NodeKey{"h:1"}, "0"}}) {
    const auto parsed = parse_hello_words(hello_words(hello));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, hello);
  }
}

TEST(HelloWords, OfAPeerAreChecked) {
  for (const auto& bad :
       {std::string{""}, std::string{"- - h:1"}, std::string{"short - h:1 0"}, "- " + std::string(64, 't') + " h:1 0",
        std::string{"- - h:1 \x01"}, "- - " + std::string(400, 'h') + " 0"}) {
    EXPECT_FALSE(parse_hello_words(bad)) << bad;
  }
}

TEST(NodeLineWords, SayWhoseMapItIsAndAreSkippedByTheOriginalsRule) {
  NodeMap map;
  const Node node{"h", 1, Role::proxy, State::active, no_partition, 0, ThreadType{16}};
  map.nodes.emplace(node.key(), node);
  const ClusterIdentity identity{cluster_x, "user-a"};
  const auto lines = node_lines(map, node_line_words(identity));
  EXPECT_EQ(identity_of_map(lines), identity);
  EXPECT_EQ(identity_of_map(node_lines(map)), ClusterIdentity{});
  EXPECT_EQ(parse_node_line(lines.substr(0, lines.find('\r'))), node);
}

TEST(NodeLineWords, TellHowOftenTheIndexProbes) {
  const std::string line = "NODE a 1 2 0 -1 0 16";
  const auto told = [&](const std::string& words) { return probe_interval_of_map(line + words + "\r\nNODE b"); };
  EXPECT_EQ(told(" cluster=x" + probe_interval_word(std::chrono::seconds{5})), std::chrono::milliseconds{5000});
  EXPECT_EQ(told(" interval=250"), std::chrono::milliseconds{250});
  for (const auto* none : {"", " cluster=x", " interval=", " interval=0", " interval=-1", " interval=5s",
                           " interval=99999999999999999999", " interval=86400001"}) {
    EXPECT_EQ(told(none), std::nullopt) << none;
  }
}

}  // namespace
}  // namespace flare::test
