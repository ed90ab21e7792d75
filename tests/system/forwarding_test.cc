// docs/replication.md 12: what a request meets that is for another node, when that node dies, or when the maps differ.
#include <gtest/gtest.h>

#include <atomic>
#include <iostream>
#include <mutex>
#include <thread>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

using TimePoint = SteadyClock::time_point;

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr std::size_t proxy = 2;

double milliseconds(SteadyClock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

/// Writes through one node, one key after the other, and remembers what it was told since the moment of a kill.
class Writer {
 public:
  Writer(const Address& address, std::string name)
      : name_(std::move(name)), thread_{[this, address] { write(address); }} {}
  ~Writer() { stop(); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void stop() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int stored() const { return stored_; }
  /// Called when stopped.
  TimePoint first_stored_after(TimePoint moment) const {
    for (const auto at : stored_at_) {
      if (at > moment) return at;
    }
    return TimePoint::max();
  }
  const std::vector<std::string>& other_answers() const { return other_answers_; }

 private:
  void write(const Address& address) {
    try {
      TextClient client{address};
      for (int number = 0; !ended_; ++number) {
        client.send("set " + name_ + std::to_string(number) + " 0 0 1\r\nv\r\n");
        const auto answer = client.read_line();
        if (answer != "STORED") {
          other_answers_.push_back(answer);
          continue;
        }
        ++stored_;
        stored_at_.push_back(SteadyClock::now());
      }
    } catch (const std::runtime_error& error) {
      other_answers_.emplace_back(error.what());
    }
  }

  std::string name_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> stored_ = 0;
  std::vector<TimePoint> stored_at_;
  std::vector<std::string> other_answers_;
  std::thread thread_;
};

class Forwarding : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start() {
    cluster_.start();
    cluster_.make_master(master);
    cluster_.make_slave(slave);
  }

  TempDir folder_;
  Cluster cluster_{
      {.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}}}};
};

TEST_F(Forwarding, WritesGoOnThroughEveryLiveNodeWhenTheMasterIsKilled) {
  start();
  Writer through_proxy{cluster_.node(proxy), "p"};
  Writer through_slave{cluster_.node(slave), "s"};
  const std::vector<Writer*> writers{&through_proxy, &through_slave};
  for (const auto* writer : writers) ASSERT_TRUE(eventually([&] { return writer->stored() > 100; }));

  const auto killed = SteadyClock::now();
  cluster_.node_process(master).kill();
  TimePoint map_came;
  ASSERT_TRUE(cluster_.becomes(slave, "master", "active"));
  map_came = SteadyClock::now();
  const int before = through_proxy.stored() + through_slave.stored();
  EXPECT_TRUE(eventually([&] { return through_proxy.stored() + through_slave.stored() > before + 200; }));
  for (auto* writer : writers) writer->stop();

  auto shortest = SteadyClock::duration::max();
  for (const auto* writer : writers) {
    const auto again = writer->first_stored_after(killed + Milliseconds{500});
    ASSERT_NE(again, TimePoint::max());
    const auto after_map = std::max(again - map_came, SteadyClock::duration{0});
    shortest = std::min(shortest, after_map);
    std::cout << "writes go on " << milliseconds(again - killed) << " ms after the kill, " << milliseconds(after_map)
              << " ms after the new map was seen\n";
    EXPECT_LT(after_map, Milliseconds{1'000} + load_allowance());
    EXPECT_LE(writer->other_answers().size(), 1U) << "only what was sent to the killed node is in doubt";
    for (const auto& answer : writer->other_answers()) EXPECT_EQ(answer, "SERVER_ERROR proxy error");
  }
  EXPECT_LT(shortest, Milliseconds{200} + load_allowance());
}

TEST_F(Forwarding, AWriteThatWaitsIsDroppedWhenItsClientLeaves) {
  start();
  cluster_.node_process(master).kill();
  {
    TextClient leaves{cluster_.node(proxy)};
    leaves.send("set gone 0 0 1\r\nv\r\n");
    ASSERT_EQ(leaves.receive_within(Milliseconds{300}), TextClient::Received::nothing) << leaves.received();
  }
  TextClient stays{cluster_.node(proxy)};
  stays.send("set here 0 0 1\r\nv\r\n");
  EXPECT_EQ(stays.read_line(), "STORED");
  EXPECT_EQ(TextClient{cluster_.node(slave)}.ask("get gone"), "END");
}

TEST_F(Forwarding, APartitionWhoseMasterIsDownInTheMapFailsAtOnce) {
  cluster_.start();
  cluster_.make_master(master);
  TextClient waits{cluster_.node(proxy)};
  cluster_.node_process(master).kill();
  waits.send("set k 0 0 1\r\nv\r\n");
  EXPECT_EQ(waits.read_line(), "SERVER_ERROR proxy failure") << "it waited for the map that says so";
  ASSERT_TRUE(cluster_.becomes(master, "master", "down"));
  ASSERT_TRUE(cluster_.settles());
  const auto begun = SteadyClock::now();
  EXPECT_EQ(waits.ask("incr k 1"), "SERVER_ERROR proxy failure");
  EXPECT_LT(SteadyClock::now() - begun, Milliseconds{1'000} + load_allowance()) << "failover-wait is 17 s";
}

TEST_F(Forwarding, EndsAtTheHopLimitWhereTwoNodesTakeEachOtherForTheMaster) {
  cluster_.start();
  const auto send_map = [&](std::size_t to, std::size_t believed) {
    std::string map = "node sync 1000000\r\n";
    for (const std::size_t node : {master, slave}) {
      map += "NODE 127.0.0.1 " + std::to_string(cluster_.node(node).port) +
             (node == believed ? " 0 0 0 1 " : " 1 0 0 0 ") + std::to_string(16 + node) + "\r\n";
    }
    EXPECT_EQ(TextClient{cluster_.node(to)}.ask(map + "END"), "OK");
  };
  send_map(master, slave);
  send_map(slave, master);
  // Several connections: the request comes back to the worker that sent it, or to another one.
  for (const std::size_t asked : {master, slave, master, slave, master, slave}) {
    TextClient client{cluster_.node(asked)};
    for (const auto* request : {"set k 0 0 1\r\nv", "incr k 1", "md k", "<x:1,y:2,z:3>delete k 0"}) {
      const auto begun = SteadyClock::now();
      EXPECT_EQ(client.ask(request), "SERVER_ERROR proxy failure") << request;
      EXPECT_LT(SteadyClock::now() - begun, Milliseconds{2'000} + load_allowance()) << request;
    }
  }
}

}  // namespace
}  // namespace flare::test
