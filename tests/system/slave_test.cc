// Slaves are built from their master, catch up from its log, and take over when it is killed.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr Milliseconds catch_up_limit{30'000};

std::string items(const Address& node) { return ask_stat(node, "stats", "curr_items"); }
std::string replication(const Address& node, const std::string& name) {
  return ask_stat(node, "stats replication", name);
}

/// Writes k0, k1, ... through a node from a thread of its own and remembers how many were acknowledged.
class Writer {
 public:
  explicit Writer(const Address& address) : thread_{[this, address] { write(address); }} {}
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  int stop() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
    return acknowledged_;
  }
  [[nodiscard]] int acknowledged() const { return acknowledged_; }

 private:
  void write(const Address& address) {
    try {
      TextClient client{address};
      while (!ended_) {
        client.send("set k" + std::to_string(acknowledged_.load()) + " 0 0 5\r\nvalue\r\n");
        if (client.read_line() != "STORED") return;
        ++acknowledged_;
      }
    } catch (const std::runtime_error&) {
      return;  // the node was killed: what was acknowledged until then counts
    }
  }

  std::atomic<bool> ended_ = false;
  std::atomic<int> acknowledged_ = 0;
  std::thread thread_;
};

class Slave : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void write(int first, int count, const std::string& value = "value") {
    TextClient client{cluster_.node(master)};
    for (int number = first; number < first + count; ++number) {
      client.send("set k" + std::to_string(number) + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
      ASSERT_EQ(client.read_line(), "STORED");
    }
  }

  [[nodiscard]] bool catches_up(std::size_t node) const {
    return eventually(
        [&] {
          const auto of_master = items(cluster_.node(master));
          return !of_master.empty() && items(cluster_.node(node)) == of_master &&
                 replication(cluster_.node(node), "sequence") == replication(cluster_.node(master), "sequence");
        },
        catch_up_limit);
  }

  // The operator's two lines after a node has come back as proxy.
  void restart_slave() {
    cluster_.start_node(slave);
    ASSERT_TRUE(cluster_.becomes(slave, "proxy", "active"));
    cluster_.make_slave(slave);
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(),
                    .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}},
                    .node_lines = {"log-max-size = 512M"}}};  // it reaches back however long a slave is away
};

TEST_F(Slave, IsBuiltWithAllThatTheMasterHasAndFollowsIt) {
  cluster_.start();
  cluster_.make_master(master);
  write(0, 1000);
  cluster_.make_slave(slave);
  EXPECT_TRUE(catches_up(slave));
  write(1000, 500);
  EXPECT_TRUE(catches_up(slave)) << items(cluster_.node(slave));
  EXPECT_EQ(items(cluster_.node(slave)), "1500");
}

TEST_F(Slave, LosesWhatItsMasterLacksWhenItIsBuilt) {
  cluster_.start();
  cluster_.make_master(master);
  write(0, 10);
  cluster_.make_slave(slave);
  ASSERT_TRUE(catches_up(slave));
  ASSERT_EQ(cluster_.ask_index("node role 127.0.0.1 12122 proxy 0 -1"), "OK");
  EXPECT_EQ(TextClient{cluster_.node(master)}.ask("delete k3"), "DELETED");
  ASSERT_TRUE(cluster_.becomes(slave, "proxy", "active"));
  cluster_.make_slave(slave);
  EXPECT_TRUE(catches_up(slave)) << "cluster.md 9.6: what was deleted stays deleted";
  EXPECT_EQ(items(cluster_.node(slave)), "9");
}

TEST_F(Slave, KilledDuringWritesCatchesUpFromTheLogWithoutASnapshot) {
  cluster_.start();
  cluster_.make_master(master);
  write(0, 200);
  cluster_.make_slave(slave);
  ASSERT_TRUE(catches_up(slave));
  const auto served_before = replication(cluster_.node(master), "snapshots_served");
  ASSERT_FALSE(served_before.empty());

  Writer writer{cluster_.node(master)};
  ASSERT_TRUE(eventually([&] { return writer.acknowledged() > 200; }));
  cluster_.node_process(slave).kill();
  const auto at_kill = writer.acknowledged();
  ASSERT_TRUE(eventually([&] { return writer.acknowledged() > at_kill + 200; })) << "writes stop with the slave";
  restart_slave();
  const int written = writer.stop();

  EXPECT_TRUE(catches_up(slave)) << items(cluster_.node(slave)) << " of " << written;
  EXPECT_EQ(replication(cluster_.node(master), "snapshots_served"), served_before);
  EXPECT_EQ(replication(cluster_.node(slave), "snapshots_loaded"), "0");
}

TEST_F(Slave, TakesOverWithTheAcknowledgedDataWhenTheMasterIsKilled) {
  cluster_.start();
  cluster_.make_master(master);
  cluster_.make_slave(slave);
  write(0, 500);
  ASSERT_TRUE(catches_up(slave));
  cluster_.node_process(master).kill();
  ASSERT_TRUE(cluster_.becomes(slave, "master", "active"));

  TextClient client{cluster_.node(slave)};
  for (int number = 0; number < 500; ++number) {
    const auto key = "k" + std::to_string(number);
    ASSERT_EQ(client.ask_all("get " + key), (std::vector<std::string>{"VALUE " + key + " 0 5", "value", "END"}));
  }
  const auto writes_through_proxy = [&] {
    TextClient through{cluster_.node(2)};
    through.send("set after 0 0 1\r\nx\r\n");
    return through.read_line() == "STORED";
  };
  EXPECT_TRUE(eventually(writes_through_proxy)) << "the partition takes writes again";

  cluster_.start_node(master);
  EXPECT_TRUE(cluster_.becomes(master, "proxy", "active")) << "cluster.md 4.4: its former role is forgotten";
}

TEST_F(Slave, ThatIsFrozenDoesNotHoldUpTheMasterAndCatchesUp) {
  cluster_.start();
  cluster_.make_master(master);
  cluster_.make_slave(slave);
  cluster_.node_process(slave).freeze();
  write(0, 300);
  cluster_.node_process(slave).thaw();
  EXPECT_TRUE(catches_up(slave));
}

}  // namespace
}  // namespace flare::test
