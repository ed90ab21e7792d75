// design.md 3.5: a snapshot of a running node as a file, and back into an empty cluster of the same tenant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t node = 0;

class BackupTool : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // One index and one master, on ports of their own.
  std::unique_ptr<Cluster> cluster(const std::string& name, const std::string& tenant, std::uint16_t port,
                                   std::size_t nodes = 1, const std::vector<std::string>& lines = {}) {
    ClusterPlan plan{.folder = folder_.path() / name, .tenant = tenant, .index = {"127.0.0.1", port}};
    plan.index_lines = plan.node_lines = lines;
    std::filesystem::create_directories(plan.folder);
    for (std::size_t i = 1; i <= nodes; ++i) {
      plan.nodes.push_back({"127.0.0.1", static_cast<std::uint16_t>(port + i)});
    }
    auto made = std::make_unique<Cluster>(std::move(plan));
    made->start();
    made->make_master(0);
    for (std::size_t i = 1; i < nodes; ++i) add_partition(*made, i);
    return made;
  }
  // Gathers its keys, then an operator activates it (cluster.md 6.2).
  static void add_partition(Cluster& cluster, std::size_t number) {
    const auto named = "127.0.0.1 " + std::to_string(cluster.node(number).port);
    EXPECT_EQ(cluster.ask_index("node role " + named + " master 1 " + std::to_string(number)), "OK");
    EXPECT_TRUE(cluster.becomes(number, "master", "ready"));
    EXPECT_EQ(cluster.ask_index("node state " + named + " active"), "OK");
    EXPECT_TRUE(cluster.becomes(number, "master", "active"));
    EXPECT_TRUE(cluster.settles());
  }
  static Outcome tool(std::vector<std::string> words) {
    words.insert(words.begin(), program("flare-backup"));
    return run(std::move(words));
  }
  static void set_keys(const Cluster& cluster, int count) {
    TextClient client{cluster.node(node)};
    for (int number = 0; number < count; ++number) {
      client.send("set key" + std::to_string(number) + " 3 0 5\r\nvalue\r\n");
    }
    for (int number = 0; number < count; ++number) ASSERT_EQ(client.read_line(), "STORED");
  }
  static std::vector<std::string> gets(const Cluster& cluster, int number) {
    return TextClient{cluster.node(node)}.ask_all("gets key" + std::to_string(number));
  }
  std::string file(const std::string& name) const { return (folder_.path() / name).string(); }

  TempDir folder_;
};

TEST_F(BackupTool, TakesOnlineAndRestoresIntoAnEmptyClusterOfTheSameTenant) {
  const auto from = cluster("from", "user-a", 12120);
  set_keys(*from, 1000);
  ASSERT_EQ(TextClient{from->node(node)}.ask("touch key7 0"), "TOUCHED");
  const auto taken = tool({"take", key_of(from->node(node)), file("a.snapshot"), "--bwlimit", "1000"});
  ASSERT_EQ(taken.ending.code, 0) << taken.errors;
  EXPECT_THAT(taken.output, HasSubstr("1000 records"));
  EXPECT_THAT(taken.output, HasSubstr("tenant user-a"));
  EXPECT_THAT(tool({"verify", file("a.snapshot")}).output, HasSubstr("good"));
  EXPECT_THAT(tool({"list", folder_.path().string()}).output, HasSubstr("user-a"));

  const auto into = cluster("into", "user-a", 12220, 2);  // another number of partitions
  const auto before = gets(*from, 7);
  const auto restored = tool({"restore", key_of(into->node(node)), file("a.snapshot")});
  ASSERT_EQ(restored.ending.code, 0) << restored.errors;
  EXPECT_THAT(restored.output, HasSubstr("1000 stored"));
  for (const int number : {0, 7, 999}) EXPECT_EQ(gets(*into, number), gets(*from, number));

  const auto again = tool({"restore", key_of(into->node(node)), file("a.snapshot")});
  EXPECT_EQ(again.ending.code, 1);
  EXPECT_THAT(again.errors, HasSubstr("empty cluster"));
}

// The records of a snapshot, or its deletions, in a fixed order.
std::vector<std::string> lines_of(const std::string& file, const std::string& word) {
  std::vector<std::string> lines;
  std::ifstream in{file, std::ios::binary};
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(word + ' ')) lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> dump_of(const Address& address) {
  auto lines = TextClient{address}.ask_all("dump");
  std::sort(lines.begin(), lines.end());
  return lines;
}

// docs/design.md 5: with require-identity what only daemons ask needs a hello, and the tool says one.
TEST_F(BackupTool, RestoresVersionsAndDeletionsExactlyAlsoWhereIdentityIsRequired) {
  const std::vector<std::string> required{"require-identity = yes"};
  const auto from = cluster("from", "user-a", 12120, 1, required);
  set_keys(*from, 50);
  TextClient client{from->node(node)};
  const auto hello = "hello - user-a somebody 1";
  ASSERT_THAT(client.ask(hello), HasSubstr("HELLO"));
  // As after a change of the master: versions of its epoch (docs/replication.md 6).
  ASSERT_EQ(client.ask("<restore>set high 7 0 4 7696581394435\r\nhigh"), "STORED");
  ASSERT_EQ(client.ask("<restore>delete gone 0 7696581394999"), "NOT_FOUND");
  ASSERT_EQ(client.ask("set later 0 4102444800 5\r\nvalue"), "STORED");
  for (int number = 0; number < 5; ++number) {
    ASSERT_EQ(client.ask("delete key" + std::to_string(number)), "DELETED");
  }
  const auto taken = tool({"take", key_of(from->node(node)), file("a.snapshot")});
  ASSERT_EQ(taken.ending.code, 0) << taken.errors;

  const auto into = cluster("into", "user-a", 12220, 1, required);
  const auto restored = tool({"restore", key_of(into->node(node)), file("a.snapshot")});
  ASSERT_EQ(restored.ending.code, 0) << restored.errors;
  EXPECT_EQ(dump_of(into->node(node)), dump_of(from->node(node)));
  ASSERT_EQ(tool({"take", key_of(into->node(node)), file("b.snapshot")}).ending.code, 0);
  EXPECT_EQ(lines_of(file("a.snapshot"), "RECORD").size(), 47U);
  EXPECT_EQ(lines_of(file("b.snapshot"), "RECORD"), lines_of(file("a.snapshot"), "RECORD"));
  EXPECT_EQ(lines_of(file("a.snapshot"), "DELETED").size(), 6U);
  EXPECT_EQ(lines_of(file("b.snapshot"), "DELETED"), lines_of(file("a.snapshot"), "DELETED"));
}

TEST_F(BackupTool, RestoresHighVersionsThroughANodeThatIsNotTheirMaster) {
  const auto from = cluster("from", "user-a", 12120);
  TextClient client{from->node(node)};
  for (int number = 0; number < 40; ++number) {
    ASSERT_EQ(client.ask("<restore>set key" + std::to_string(number) + " 0 0 1 7696581394435\r\nv"), "STORED");
  }
  EXPECT_THAT(client.ask("set client 0 0 1 7696581394435\r\nv"), HasSubstr("version too far"));
  ASSERT_EQ(tool({"take", key_of(from->node(node)), file("a.snapshot")}).ending.code, 0);
  const auto into = cluster("into", "user-a", 12220, 2);
  const auto restored = tool({"restore", key_of(into->node(node)), file("a.snapshot")});
  ASSERT_EQ(restored.ending.code, 0) << restored.errors;
  for (int number = 0; number < 40; ++number) EXPECT_EQ(gets(*into, number), gets(*from, number));
}

TEST_F(BackupTool, RefusesAnotherTenantWithoutTheWordAndDamagedFilesAlways) {
  const auto from = cluster("from", "user-a", 12120);
  set_keys(*from, 100);
  ASSERT_EQ(tool({"take", key_of(from->node(node)), file("a.snapshot")}).ending.code, 0);
  const auto other = cluster("other", "user-b", 12220);
  const auto refused = tool({"restore", key_of(other->node(node)), file("a.snapshot")});
  EXPECT_EQ(refused.ending.code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("user-b"));
  EXPECT_EQ(gets(*other, 0), std::vector<std::string>{"END"});

  std::fstream damaged{file("a.snapshot"), std::ios::binary | std::ios::in | std::ios::out};
  damaged.seekp(500);
  damaged.put('\0');
  damaged.close();
  const auto words = {"restore", "--into-other-tenant"};
  EXPECT_EQ(tool({"verify", file("a.snapshot")}).ending.code, 1);
  std::vector<std::string> command{words.begin(), words.end()};
  command.insert(command.end(), {key_of(other->node(node)), file("a.snapshot")});
  EXPECT_EQ(tool(command).ending.code, 1);
  EXPECT_EQ(gets(*other, 0), std::vector<std::string>{"END"});

  ASSERT_EQ(tool({"take", key_of(from->node(node)), file("a.snapshot")}).ending.code, 0);
  EXPECT_EQ(tool(command).ending.code, 0);
  EXPECT_EQ(gets(*other, 0), gets(*from, 0));
}

TEST_F(BackupTool, ExportsAndImportsTheTextOfTheOperatorTools) {
  const auto from = cluster("from", "user-a", 12120);
  set_keys(*from, 10);
  ASSERT_EQ(tool({"take", key_of(from->node(node)), file("a.snapshot")}).ending.code, 0);
  const auto text = tool({"export", file("a.snapshot")});
  ASSERT_EQ(text.ending.code, 0) << text.errors;
  EXPECT_THAT(text.output, HasSubstr("key3 3 5 1 0 'value'\n"));
  std::ofstream{file("a.txt"), std::ios::binary} << text.output;
  const auto into = cluster("into", "user-b", 12220);
  const auto imported = tool({"import", key_of(into->node(node)), file("a.txt")});
  EXPECT_EQ(imported.ending.code, 0) << imported.errors;
  EXPECT_EQ(gets(*into, 3), gets(*from, 3));
}

TEST_F(BackupTool, AcknowledgesASalvagedStore) {
  const auto one = cluster("one", "user-a", 12120);
  set_keys(*one, 10);
  one->node_process(node).kill();
  const auto data_dir = one->data_of(one->node(node));
  std::ofstream{data_dir / "flare.boot"} << "another boot";
  one->start_node(node);
  EXPECT_EQ(ask_stat(one->node(node), "stats", "salvaged_lost"), "0");
  const auto shown = run({program("flare-status"), key_of(one->index())});
  EXPECT_EQ(shown.ending.code, 1);
  EXPECT_THAT(shown.output, HasSubstr("10 records proven"));

  const auto acknowledged = tool({"acknowledge", key_of(one->node(node))});
  EXPECT_EQ(acknowledged.ending.code, 0) << acknowledged.errors;
  EXPECT_THAT(acknowledged.output, HasSubstr("proven 10"));
  EXPECT_FALSE(std::filesystem::exists(data_dir / "flare.salvaged"));
  EXPECT_EQ(ask_stat(one->node(node), "stats", "salvaged_lost"), "");
  EXPECT_TRUE(eventually([&] { return run({program("flare-status"), key_of(one->index())}).ending.code == 0; }));
  EXPECT_EQ(tool({"acknowledge", key_of(one->node(node))}).ending.code, 1);
}

TEST_F(BackupTool, BringsBackWhatAFlushTookAndLeavesWhatWasWrittenSince) {
  const auto made = cluster("flushed", "", 15100, 1);
  set_keys(*made, 50);
  // A master refuses a flush for a while after it was looked at or moved (design.md 3.7).
  ASSERT_TRUE(eventually([&] { return TextClient{made->node(node)}.ask("flush_all") == "OK"; }, Milliseconds{60'000}));
  EXPECT_EQ(gets(*made, 7), std::vector<std::string>{"END"});
  EXPECT_EQ(TextClient{made->node(node)}.ask("set key3 0 0 3\r\nnew"), "STORED");

  const auto data = made->data_of(made->node(node)).string();
  const auto listed = tool({"flushed", "--data-dir", data});
  EXPECT_EQ(listed.ending.code, 0) << listed.errors;
  EXPECT_THAT(listed.output, HasSubstr("  50 records, "));
  const auto time = listed.output.substr(0, listed.output.find(' '));
  const auto brought = tool({"unflush", key_of(made->node(node)), time, "--data-dir", data});
  EXPECT_EQ(brought.ending.code, 0) << brought.errors;
  EXPECT_THAT(brought.output, HasSubstr("49 stored"));
  EXPECT_THAT(brought.output, HasSubstr("1 left as they are"));
  EXPECT_EQ(gets(*made, 7)[1], "value");
  EXPECT_EQ(gets(*made, 3)[1], "new");
  EXPECT_EQ(tool({"unflush", key_of(made->node(node)), "12345", "--data-dir", data}).ending.code, 1);
}

}  // namespace
}  // namespace flare::test
