#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "flared/replication/hello.h"
#include "loopback_node.h"

namespace flare::loopback {
namespace {

bool in_sync(Node& node) { return node.follow_figures().state == FollowState::in_sync; }

bool equal(Node& a, Node& b) {
  return eventually([&] { return a.storage->position() == b.storage->position(); }) && a.content() == b.content();
}

TEST(Replication, BuildsASlaveFromASnapshotAndKeepsItUpByTheStream) {
  Node master;
  Node slave;
  for (int i = 0; i < 3000; ++i) master.set("key" + std::to_string(i), std::string(100, 'a'));
  slave.set("surplus", "of another history");
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return in_sync(slave); })) << master.log.text() << slave.log.text();
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();
  EXPECT_FALSE(slave.content().contains("surplus"));

  for (int i = 0; i < 500; ++i) master.set("key" + std::to_string(i), "b");
  master.remove("key7");
  const Operation touch{.kind = OperationKind::touch, .key = "key8", .expire_s = 4000000000};
  master.change(touch);
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();
  EXPECT_FALSE(slave.content().contains("key7"));
  EXPECT_EQ(slave.follow_figures().snapshots_loaded, 1u);
  EXPECT_EQ(slave.follow_figures().records_loaded, 3000u);
  EXPECT_EQ(slave.follow_figures().records_expected, 3000u);
  EXPECT_EQ(slave.confirmed, 1);
  EXPECT_EQ(master.confirms, 1);
  const auto figures = master.source_figures();
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].slave.text, "127.0.0.1:1");
  EXPECT_EQ(figures[0].state, SourceState::stream);
  EXPECT_TRUE(figures[0].in_sync);
}

TEST(Replication, KeepsASlaveEqualWhileItsSnapshotIsTaken) {
  Node master;
  Node slave;
  for (int i = 0; i < 5000; ++i) master.set("key" + std::to_string(i), std::string(200, 'a'));
  slave.follow(master.open_door());
  for (int i = 0; i < 20000; ++i) {
    master.set("key" + std::to_string(i % 7000), "new" + std::to_string(i));
    if (i % 3 == 0) master.remove("key" + std::to_string(i % 5000));
  }
  EXPECT_TRUE(eventually([&] { return in_sync(slave); })) << master.log.text() << slave.log.text();
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();
}

TEST(Replication, ResumesByPositionWithoutASecondSnapshot) {
  Node master;
  Node slave;
  for (int i = 0; i < 100; ++i) master.set("key" + std::to_string(i), "a");
  const int port = master.open_door();
  slave.follow(port);
  ASSERT_TRUE(eventually([&] { return in_sync(slave); })) << master.log.text() << slave.log.text();

  slave.stop();
  for (int i = 50; i < 200; ++i) master.set("key" + std::to_string(i), "b");
  slave.start();
  slave.follow(port);
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();

  master.control->run([&] { master.sources->stop_all(); });  // a lost connection
  master.set("last", "c");
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();
  EXPECT_EQ(master.snapshots_served(), 1u) << master.log.text();
  EXPECT_EQ(slave.follow_figures().snapshots_loaded, 0u);  // of this run
  EXPECT_EQ(slave.confirmed, 2);                           // once for each follow
}

TEST(Replication, FollowsAMasterThatWasRestarted) {
  Node master;
  Node slave;
  master.set("key", "a");
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return in_sync(slave); })) << slave.log.text();
  master.close_door();
  master.stop();
  ASSERT_TRUE(eventually([&] { return slave.follow_figures().state == FollowState::connecting; }));
  master.start();
  master.open_door();
  master.set("key", "b");
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();
  EXPECT_EQ(slave.follow_figures().snapshots_loaded, 1u);
}

TEST(Replication, EmptiesTheSlaveWithItsMaster) {
  Node master;
  Node slave;
  for (int i = 0; i < 100; ++i) master.set("key" + std::to_string(i), "a");
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return in_sync(slave); })) << slave.log.text();
  ASSERT_TRUE(master.storage->flush());
  master.set("after", "b");
  EXPECT_TRUE(equal(master, slave)) << slave.log.text();
  EXPECT_EQ(slave.content().size(), 1u);
  EXPECT_EQ(master.snapshots_served(), 1u);
}

TEST(Replication, RefusesAMasterOfALowerEpoch) {
  NodeOptions old;
  old.epoch = Epoch{5};
  Node master{old};
  Node slave;
  master.set("key", "a");
  slave.set("own", "b");
  slave.follow(master.open_door(), Epoch{6});
  ASSERT_TRUE(eventually([&] { return slave.log.says("stream of epoch 5, but epoch 6 is known here"); }));
  EXPECT_EQ(slave.confirmed, 0);
  EXPECT_TRUE(slave.content().contains("own"));
  EXPECT_EQ(slave.follow_figures().snapshots_loaded, 0u);
}

// replication.md 11.
struct Diverged {
  Diverged() {
    for (int i = 0; i < 200; ++i) master.set("key" + std::to_string(i), "common");
    master.remove("key100");
    port = master.open_door();
    slave.follow(port);
    EXPECT_TRUE(eventually([&] { return in_sync(slave) && master.storage->position() == slave.storage->position(); }));
    slave.control->run([&] { slave.follower->stop(); });
    slave.set("key1", "mine");
    slave.set("key100", "mine");
    slave.set("surplus", "mine");
    slave.remove("key2");
    EXPECT_TRUE(master.storage->set_epoch(Epoch{3}));
    for (int i = 0; i < 50; ++i) master.set("key" + std::to_string(i % 3), "theirs" + std::to_string(i));
    master.set("later", "theirs");
  }
  void follow() { slave.follow(port); }
  bool healed() {
    return eventually([&] { return in_sync(slave); }) && equal(master, slave);
  }

  Node master;
  Node slave;
  int port = 0;
};

TEST(Replication, TakesASurplusBackByKeys) {
  Diverged pair;
  pair.follow();
  ASSERT_TRUE(pair.healed()) << pair.slave.log.text() << pair.master.log.text();
  EXPECT_FALSE(pair.slave.content().contains("surplus"));
  EXPECT_FALSE(pair.slave.content().contains("key100"));
  const auto figures = pair.slave.follow_figures();
  EXPECT_EQ(figures.snapshots_loaded, 1u) << "that of the build";
  EXPECT_EQ(figures.corrections, 1u);
  EXPECT_EQ(figures.lost_writes, 4u);
  EXPECT_EQ(pair.master.snapshots_served(), 1u);
}

TEST(Replication, TakesASurplusBackByKeysWhileTheMasterIsWrittenTo) {
  Diverged pair;
  for (int i = 0; i < 5000; ++i) pair.slave.set("mine" + std::to_string(i), "mine");
  pair.follow();
  for (int i = 0; i < 20000; ++i) {
    pair.master.set("mine" + std::to_string(i % 6000), "theirs" + std::to_string(i));
    if (i % 3 == 0) pair.master.remove("mine" + std::to_string(i % 5000));
  }
  ASSERT_TRUE(pair.healed()) << pair.slave.log.text() << pair.master.log.text();
  EXPECT_EQ(pair.slave.follow_figures().corrections, 1u);
  EXPECT_EQ(pair.slave.follow_figures().lost_writes, 5004u);
}

struct TooMuch {
  const char* name;
  void (*write)(Node& slave);
  std::uint64_t lost;
};
class SurplusByASnapshot : public testing::TestWithParam<TooMuch> {};

TEST_P(SurplusByASnapshot, IsTakenBackToo) {
  Diverged pair;
  GetParam().write(pair.slave);
  pair.follow();
  ASSERT_TRUE(pair.healed()) << pair.slave.log.text() << pair.master.log.text();
  const auto figures = pair.slave.follow_figures();
  EXPECT_EQ(figures.snapshots_loaded, 2u);
  EXPECT_EQ(figures.corrections, 0u);
  EXPECT_EQ(figures.lost_writes, GetParam().lost);
}

INSTANTIATE_TEST_SUITE_P(Replication_11, SurplusByASnapshot,
                         testing::Values(TooMuch{"AFlush", [](Node& slave) { EXPECT_TRUE(slave.storage->flush()); }, 5},
                                         TooMuch{"MoreBytesOfKeysThanTheBound",
                                                 [](Node& slave) {
                                                   for (int i = 0; i < 600; ++i)
                                                     slave.set(std::to_string(i) + std::string(7500, 'k'), "x");
                                                 },
                                                 604}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(Replication, WaitsForAMasterThatRefuses) {
  Node master;
  Node slave;
  master.is_master = false;
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return slave.log.says("SERVER_ERROR not master"); }));
  master.is_master = true;
  EXPECT_TRUE(eventually([&] { return in_sync(slave); })) << slave.log.text();
}

TEST(Replication, EndsWhenTheMasterIsDeposed) {
  Node master;
  Node slave;
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return in_sync(slave); })) << slave.log.text();
  master.is_master = false;
  EXPECT_TRUE(eventually([&] { return slave.log.says("SERVER_ERROR not master"); })) << slave.log.text();
}

TEST(Replication, ConfirmsOnlyAfterTheIndexWasTold) {
  NodeOptions options;
  options.times.confirm_again_after = 20ms;
  Node master{options};
  Node slave;
  master.index_answers = false;
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return master.confirms >= 3; })) << slave.log.text();
  EXPECT_EQ(slave.confirmed, 0);
  master.index_answers = true;
  EXPECT_TRUE(eventually([&] { return in_sync(slave); }));
  EXPECT_EQ(slave.confirmed, 1);
}

TEST(Replication, LeavesASilentMaster) {
  NodeOptions patient;
  patient.times.ping_each = 1h;
  NodeOptions quick;
  quick.times.source_silent_max = 100ms;
  Node master{patient};
  Node slave{quick};
  slave.follow(master.open_door());
  EXPECT_TRUE(eventually([&] { return slave.log.says("connection lost"); })) << slave.log.text();
  EXPECT_TRUE(eventually([&] { return master.greeted >= 2; }));
}

TEST(Replication, HoldsASnapshotToItsBandwidth) {
  NodeOptions options;
  options.bandwidth_kb_s = 500;
  Node master{options};
  Node slave;
  for (int i = 0; i < 250; ++i) master.set("key" + std::to_string(i), std::string(1024, 'a'));
  const auto begin = std::chrono::steady_clock::now();
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return in_sync(slave); })) << slave.log.text();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 400ms);  // 250 KB at 500 KB/s
}

TEST(Replication, StopsWhileASnapshotIsLoaded) {
  NodeOptions options;
  options.bandwidth_kb_s = 100;
  Node master{options};
  Node slave;
  slave.set("own", "a");
  for (int i = 0; i < 1000; ++i) master.set("key" + std::to_string(i), std::string(1024, 'a'));
  slave.follow(master.open_door());
  ASSERT_TRUE(eventually([&] { return slave.follow_figures().records_loaded > 0; })) << slave.log.text();
  slave.control->run([&] { slave.follower->stop(); });
  EXPECT_EQ(slave.follow_figures().state, FollowState::idle);
  EXPECT_TRUE(eventually([&] { return master.source_figures().empty(); }));
  std::promise<void> stopped;
  asio::co_spawn(slave.control->context, slave.follower->stopped(),
                 [&stopped](std::exception_ptr) { stopped.set_value(); });
  EXPECT_EQ(stopped.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_TRUE(slave.content().contains("own"));
}

// A slave that the test plays: it says hello and reads what it likes.
class ScriptedSlave {
 public:
  ScriptedSlave(int port, std::string_view hello) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)});
    asio::write(socket_, asio::buffer(hello));
  }
  std::string line() {
    std::string bytes;
    const auto size = asio::read_until(socket_, asio::dynamic_buffer(bytes), "\r\n");
    return bytes.substr(0, size);
  }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_{context_};
};

TEST(Replication, ClosesASlaveThatDoesNotRead) {
  NodeOptions options;
  options.times.build_silent_max = 200ms;
  Node master{options};
  for (int i = 0; i < 200; ++i) master.set("key" + std::to_string(i), std::string(100'000, 'a'));
  const ScriptedSlave slave{master.open_door(), "repl hello 0 1 0 0 0 - 127.0.0.1:1\r\n"};
  ASSERT_TRUE(eventually([&] { return !master.source_figures().empty(); }));
  EXPECT_TRUE(eventually([&] { return master.source_figures().empty(); }));
  EXPECT_TRUE(master.log.says("writing: Connection timed out")) << master.log.text();
}

TEST(Replication, ClosesASlaveThatDoesNotAcknowledge) {
  NodeOptions options;
  options.times.build_silent_max = 200ms;
  Node master{options};
  const ScriptedSlave slave{master.open_door(), "repl hello 0 1 0 0 0 - 127.0.0.1:1\r\n"};
  ASSERT_TRUE(eventually([&] { return master.log.says("connection ended"); }));
  EXPECT_EQ(master.confirms, 0);
}

TEST(Replication, AnswersWhatItDoesNotServe) {
  NodeOptions options;
  options.slaves_max = 1;
  Node master{options};
  const int port = master.open_door();
  EXPECT_EQ(ScriptedSlave(port, "repl hello 0 1\r\n").line(), "CLIENT_ERROR repl hello: bad position\r\n");
  EXPECT_EQ(ScriptedSlave(port, "repl hello 1 2 0 0 0 - 127.0.0.1:1\r\n").line(), "SERVER_ERROR not master\r\n");
  ASSERT_TRUE(eventually([&] { return master.source_figures().empty(); }));
  ScriptedSlave first{port, "repl hello 0 1 0 0 0 - 127.0.0.1:1\r\n"};
  EXPECT_TRUE(first.line().starts_with("SNAPSHOT "));
  EXPECT_EQ(ScriptedSlave(port, "repl hello 0 1 0 0 0 - 127.0.0.1:2\r\n").line(), "SERVER_ERROR too many slaves\r\n");
}

TEST(Replication, RefusesASlaveThatKnowsALaterEpoch) {
  Node master;
  master.set("key", "a");
  auto position = master.storage->position();
  position.epoch = Epoch{9};
  const Hello hello{PartitionId{0}, 1, position, {}, NodeKey{"127.0.0.1:1"}};
  ScriptedSlave slave{master.open_door(), format_hello(hello) + "\r\n"};
  EXPECT_EQ(slave.line(), "SERVER_ERROR slave knows epoch 9, this node only epoch 1\r\n");
  EXPECT_TRUE(eventually([&] { return master.source_figures().empty(); }));
}

TEST(Replication, ServesASlaveThatConnectsAnewOnItsNewConnection) {
  Node master;
  const int port = master.open_door();
  ScriptedSlave first{port, "repl hello 0 1 0 0 0 - 127.0.0.1:1\r\n"};
  EXPECT_TRUE(first.line().starts_with("SNAPSHOT "));
  ScriptedSlave second{port, "repl hello 0 1 0 0 0 - 127.0.0.1:1\r\n"};
  EXPECT_TRUE(second.line().starts_with("SNAPSHOT "));
  EXPECT_TRUE(eventually([&] { return master.source_figures().size() == 1; }));
  EXPECT_TRUE(master.log.says("the slave has connected anew"));
}

}  // namespace
}  // namespace flare::loopback
