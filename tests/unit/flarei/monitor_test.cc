#include <gmock/gmock.h>

#include <chrono>

#include "flarei/monitors.h"
#include "unit/flarei/fixtures.h"
#include "unit/flarei/scripted_peer.h"

namespace flare::test {
namespace {

using namespace std::chrono_literals;
using Milliseconds = std::chrono::milliseconds;

/// flarei's map and monitors against scripted nodes.
class Monitoring : public testing::Test {
 protected:
  static constexpr int threshold = 3;
  static constexpr Milliseconds interval{100};
  static constexpr Milliseconds read_timeout{1000};
  static constexpr Milliseconds slack{3000};      // of a loaded machine: below what each test's bound tells apart
  static constexpr Milliseconds first_wait{500};  // of the others' maps for the promoted node's, at most

  Monitoring() {
    index_.publish_to(monitors_);
    monitors_.start();
  }
  ~Monitoring() override {
    monitors_.stop();
    run_for(context_, 20ms);
  }

  NodeKey add(const ScriptedPeer& peer) {
    EXPECT_TRUE(index_.add(peer.name(), peer.port()));
    return NodeKey{peer.name(), peer.port()};
  }

  /// Added, and a probe has succeeded.
  NodeKey add_reached(const ScriptedPeer& peer) {
    const auto key = add(peer);
    EXPECT_TRUE(until([&] { return peer.pings() > 0 && has_newest(peer); }));
    return key;
  }

  bool until(const std::function<bool()>& condition, Milliseconds deadline = 10s) {
    return run_until(context_, condition, deadline);
  }

  bool has_newest(const ScriptedPeer& peer) const {
    return !peer.maps().empty() && peer.maps().back() == "node sync " + std::to_string(raw(index_.map().version));
  }

  State state(const NodeKey& key) const { return index_.map().nodes.at(key).state; }
  Role role(const NodeKey& key) const { return index_.map().nodes.at(key).role; }

  void make_master(const NodeKey& key, int partition, int balance = 1) {
    EXPECT_TRUE(index_.change_role({key, Role::master, balance, PartitionId{partition}, false}));
  }
  void make_slave(const NodeKey& key, int partition) {
    EXPECT_TRUE(index_.change_role({key, Role::slave, 0, PartitionId{partition}, false}));
    EXPECT_TRUE(index_.mark_up(key, true, "test"));
  }

  bool proven_gone(const NodeKey& key) {
    std::optional<bool> gone;
    auto ask = [](std::shared_ptr<NodeMonitor> monitor, std::optional<bool>& answer) -> IoTask<> {
      answer = co_await monitor->proven_gone();
    };
    auto task = ask(monitors_.find(key), gone);
    asio::co_spawn(context_, std::move(task), asio::detached);
    EXPECT_TRUE(until([&] { return gone.has_value(); }));
    return gone.value_or(false);
  }

  asio::io_context context_{1};
  MemoryStore store_;
  MemoryLog log_;
  Index index_{NodeMap{}, 1023, store_, log_};
  ThreadNumbers numbers_;
  MonitorSettings settings_{threshold, interval, read_timeout, "127.0.0.1"};
  NodeMonitors monitors_{context_.get_executor(), index_, settings_, numbers_, log_};
};

TEST_F(Monitoring, ProbesByTheClock) {
  ScriptedPeer peer{context_};
  add_reached(peer);
  const auto before = peer.pings();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] { return peer.pings() >= before + 10; }));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 8 * interval);  // the first may be due at once
  EXPECT_LE(peer.accepted(), 2);                                      // one lasting connection for probes, one for maps
}

TEST_F(Monitoring, KilledNodeIsDownInTime) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.die();
  EXPECT_TRUE(until([&] { return state(key) == State::down; }, threshold * interval + slack));
}

TEST_F(Monitoring, FrozenNodeIsDownInTime) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.freeze();
  EXPECT_TRUE(until([&] { return state(key) == State::down; }, threshold * interval + read_timeout + slack));
}

TEST_F(Monitoring, ProbeThatWaitsLongDoesNotMoveTheNext) {
  settings_.read_timeout = 2s;
  monitors_.change_settings(settings_);
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.freeze();  // one after the other, three probes would need 6 s
  EXPECT_TRUE(until([&] { return state(key) == State::down; }, threshold * interval + 2s + slack));
}

TEST_F(Monitoring, FrozenNodeIsDownInTimeAlthoughMapsKeepComing) {
  ScriptedPeer frozen{context_};
  ScriptedPeer healthy{context_};
  const auto key = add_reached(frozen);
  const auto other = add_reached(healthy);
  frozen.freeze();
  const auto changing = std::make_shared<Timer>(context_.get_executor());
  std::function<void(const error_code&)> change = [&](const error_code& error) {
    if (error) return;
    EXPECT_TRUE(index_.change_role({other, Role::proxy, 0, no_partition, false}));
    changing->expires_after(30ms);
    changing->async_wait(change);
  };
  change(error_code{});
  EXPECT_TRUE(until([&] { return state(key) == State::down; }, threshold * interval + read_timeout + slack));
  EXPECT_EQ(state(other), State::active);
  changing->cancel();
  run_for(context_, 1ms);
}

TEST_F(Monitoring, AnswerOtherThanOkIsAFailure) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.answer_ping_with("SERVER_ERROR storage error");
  EXPECT_TRUE(until([&] { return state(key) == State::down; }, threshold * interval + slack));
}

TEST_F(Monitoring, ReturningNodeIsUpAgain) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.die();
  ASSERT_TRUE(until([&] { return state(key) == State::down; }));
  peer.revive();
  EXPECT_TRUE(until([&] { return state(key) == State::active; }, interval + slack));
  EXPECT_TRUE(until([&] { return has_newest(peer); }, slack));
}

TEST_F(Monitoring, DownNodeIsAskedOnAFreshConnectionEachTime) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.answer_ping_with("SERVER_ERROR storage error");
  ASSERT_TRUE(until([&] { return state(key) == State::down; }));
  const auto before = peer.accepted();
  const auto pings = peer.pings();
  ASSERT_TRUE(until([&] { return peer.pings() >= pings + 4; }));
  EXPECT_GE(peer.accepted() - before, 3);  // the first ping's may have come before
}

TEST_F(Monitoring, NodeMarkedDownByAnOperatorReturnsWithItsNextGoodProbe) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  EXPECT_TRUE(index_.mark_down(key, "node state down"));
  EXPECT_TRUE(until([&] { return state(key) == State::active; }, interval + slack));
}

TEST_F(Monitoring, HungNodeDelaysNobodysMap) {
  ScriptedPeer hung{context_};
  ScriptedPeer healthy{context_};
  add_reached(hung);
  const auto other = add_reached(healthy);
  hung.freeze();
  make_master(other, 0);
  EXPECT_TRUE(until([&] { return has_newest(healthy); }, slack));
}

TEST_F(Monitoring, NodeThatWasBusyGetsTheNewestMapOnly) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.freeze_maps_only();
  for (int change = 0; change < 20; ++change) {
    EXPECT_TRUE(index_.change_role({key, Role::proxy, 0, no_partition, false}));
    run_for(context_, 5ms);
  }
  const auto before = peer.maps().size();
  peer.thaw();
  EXPECT_TRUE(until([&] { return has_newest(peer); }));
  EXPECT_LE(peer.maps().size() - before, 2U);  // the one in work, and the newest
}

/// A master with its slave, which takes no map for now, and a third node.
class Promotion : public Monitoring {
 protected:
  void prepare() {
    for (const auto* peer : {&first_, &second_, &third_}) add_reached(*peer);
    make_master(master(), 0);
    make_slave(slave(), 0);
    ASSERT_TRUE(until([&] { return has_newest(second_) && has_newest(third_); }));
    second_.freeze_maps_only();
  }
  NodeKey master() const { return NodeKey{first_.name(), first_.port()}; }
  NodeKey slave() const { return NodeKey{second_.name(), second_.port()}; }

  ScriptedPeer first_{context_};
  ScriptedPeer second_{context_};
  ScriptedPeer third_{context_};
};

TEST_F(Promotion, GetsTheMapToTheSlaveFirst) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(index_.mark_down(master(), "test"));
  EXPECT_EQ(role(slave()), Role::master);
  EXPECT_TRUE(until([&] { return second_.holds_a_map() || has_newest(third_); }));
  EXPECT_TRUE(!has_newest(third_) || std::chrono::steady_clock::now() - begin >= first_wait);
  second_.thaw();
  EXPECT_TRUE(until([&] { return has_newest(third_); }));
  EXPECT_TRUE(has_newest(second_));
}

TEST_F(Promotion, LetsNobodyWaitLongForASlaveThatHangs) {
  ASSERT_NO_FATAL_FAILURE(prepare());
  EXPECT_TRUE(index_.mark_down(master(), "test"));
  EXPECT_TRUE(until([&] { return has_newest(third_); }, first_wait + slack));
}

TEST_F(Monitoring, ActivatedMasterThenItsSlavesGetTheMapFirst) {
  ScriptedPeer first{context_};
  ScriptedPeer second{context_};
  ScriptedPeer third{context_};
  const auto old_master = add_reached(first);
  const auto new_master = add_reached(second);
  const auto slave = add_reached(third);
  make_master(old_master, 0);
  make_master(new_master, 1);
  EXPECT_TRUE(index_.mark_ready(new_master));
  make_slave(slave, 1);
  ASSERT_TRUE(until([&] { return has_newest(first) && has_newest(second) && has_newest(third); }));
  third.freeze_maps_only();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(index_.mark_up(new_master, true, "test"));
  EXPECT_TRUE(until([&] { return has_newest(second); }));
  EXPECT_TRUE(!has_newest(first) || std::chrono::steady_clock::now() - begin >= first_wait);
  third.thaw();
  EXPECT_TRUE(until([&] { return has_newest(first); }));
}

TEST_F(Monitoring, NodeThatSaysGoodbyeGetsNoMap) {
  ScriptedPeer leaving{context_};
  ScriptedPeer staying{context_};
  const auto key = add_reached(leaving);
  add_reached(staying);
  const auto maps = leaving.maps().size();
  EXPECT_TRUE(index_.shutdown(key));
  EXPECT_TRUE(until([&] { return has_newest(staying); }));
  EXPECT_EQ(leaving.maps().size(), maps);
}

TEST_F(Monitoring, RemovedNodeIsLeftAlone) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.freeze();
  EXPECT_TRUE(index_.mark_down(key, "test"));
  EXPECT_TRUE(index_.remove(key));
  run_for(context_, 2 * read_timeout);
  const auto accepted = peer.accepted();
  run_for(context_, 5 * interval);
  EXPECT_EQ(peer.accepted(), accepted);
}

TEST_F(Monitoring, KnowsOriginalsByTheirVersion) {
  ScriptedPeer original{context_};
  original.answer_version_with("VERSION flare-1.3.4");
  ScriptedPeer ours{context_};
  EXPECT_EQ(monitors_.find(add_reached(original))->peer_kind(), PeerKind::original);
  EXPECT_EQ(monitors_.find(add_reached(ours))->peer_kind(), PeerKind::ours);
}

TEST_F(Monitoring, OldProcessIsNotProvenGoneWhileItAnswers) {
  ScriptedPeer peer{context_};
  EXPECT_FALSE(proven_gone(add_reached(peer)));
}

TEST_F(Monitoring, NodeNeverReachedIsNotProvenGone) {
  ScriptedPeer peer{context_};
  peer.die();
  const auto key = add(peer);
  run_for(context_, interval);
  EXPECT_FALSE(proven_gone(key));
}

TEST_F(Monitoring, OldProcessIsProvenGoneByItsClosedConnection) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.die();
  peer.revive();  // the new one listens already
  EXPECT_TRUE(proven_gone(key));
}

TEST_F(Monitoring, OldProcessIsProvenGoneAfterTheNewOneWasProbed) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.die();
  peer.revive();
  const auto pings = peer.pings();
  ASSERT_TRUE(until([&] { return peer.pings() > pings; }));
  EXPECT_TRUE(proven_gone(key));
}

// Whoever registers with a new flarei has started after the old one's connections were gone.
TEST_F(Monitoring, NodeOfAStoredMapIsProvenGoneUntilItHasAnsweredForAWhile) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  monitors_.stop();
  monitors_.start();
  const auto pings = peer.pings();
  ASSERT_TRUE(until([&] { return peer.pings() > pings; }));
  EXPECT_TRUE(proven_gone(key));
  ASSERT_TRUE(until([&] { return peer.pings() > pings + threshold + 2; }));
  EXPECT_FALSE(proven_gone(key));
}

TEST_F(Monitoring, FrozenProcessIsTakenAsGone) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.freeze();
  EXPECT_TRUE(proven_gone(key));
}

TEST_F(Monitoring, ProcessThatRegisteredAnewIsNotGone) {
  ScriptedPeer peer{context_};
  const auto key = add_reached(peer);
  peer.die();
  peer.revive();
  ASSERT_TRUE(proven_gone(key));
  monitors_.find(key)->forget_old_process();
  EXPECT_TRUE(index_.restart(key));
  EXPECT_TRUE(until([&] { return has_newest(peer); }, slack));
  EXPECT_FALSE(proven_gone(key));
  EXPECT_EQ(state(key), State::active);
}

/// flarei that says who it is.
class Introduced : public Monitoring {
 protected:
  Introduced() { monitors_.introduce_as(identity_); }

  static OwnIdentity::Setup setup() {
    OwnIdentity::Setup setup;
    setup.hello = {{own_, ""}, NodeKey{"index:1"}, "start"};
    return setup;
  }
  std::string hello_of(const ScriptedPeer& peer, const std::string& cluster, const std::string& start_id) const {
    return "HELLO " + cluster + " - " + peer.name() + ":" + std::to_string(peer.port()) + " " + start_id;
  }
  bool replaced_by(const NodeKey& key, const std::string& start_id) {
    std::optional<bool> gone;
    auto ask = [](std::shared_ptr<NodeMonitor> monitor, std::string by, std::optional<bool>& answer) -> IoTask<> {
      answer = co_await monitor->proven_gone(std::move(by));
    };
    auto task = ask(monitors_.find(key), start_id, gone);
    asio::co_spawn(context_, std::move(task), asio::detached);
    EXPECT_TRUE(until([&] { return gone.has_value(); }));
    return gone.value_or(false);
  }

  inline static const std::string own_ = std::string(32, 'a');
  inline static const std::string other_ = std::string(32, 'b');
  OwnIdentity identity_{setup(), log_};
};

TEST_F(Introduced, NodeOfAnotherClusterIsDownAtOnceWithItsCause) {
  for (const auto& answer : {std::string{"SERVER_ERROR foreign cluster: this is another"}, std::string{}}) {
    ScriptedPeer peer{context_};
    peer.answer_hello_with(answer.empty() ? hello_of(peer, other_, "1") : answer);
    const auto key = add(peer);
    EXPECT_TRUE(until([&] { return state(key) == State::down; }, read_timeout + slack));
    EXPECT_TRUE(monitors_.find(key)->is_foreign());
    EXPECT_THAT(log_.lines, testing::Contains(testing::HasSubstr("foreign")));
    EXPECT_EQ(peer.pings(), 0) << "a probe counts only after the hello";
    EXPECT_TRUE(peer.maps().empty()) << "and it gets no map";
  }
}

TEST_F(Introduced, AnotherNodeAtTheAddressIsForeign) {
  ScriptedPeer peer{context_};
  peer.answer_hello_with("HELLO " + own_ + " - other:1 1");
  const auto key = add(peer);
  EXPECT_TRUE(until([&] { return state(key) == State::down; }, read_timeout + slack));
}

TEST_F(Introduced, NodeOfThisClusterIsProbedAndGetsTheMap) {
  ScriptedPeer peer{context_};
  peer.answer_hello_with(hello_of(peer, own_, "1"));
  add_reached(peer);
}

TEST_F(Introduced, OriginalsAndOlderNodesAreAdmitted) {
  ScriptedPeer original{context_};
  original.answer_version_with("VERSION flare-1.3.4");
  add_reached(original);
  ScriptedPeer older{context_};
  add_reached(older);
}

TEST_F(Introduced, ANewStartIdProvesARestart) {
  ScriptedPeer peer{context_};
  peer.answer_hello_with(hello_of(peer, own_, "first"));
  const auto key = add_reached(peer);
  EXPECT_FALSE(replaced_by(key, "second")) << "the first still answers: it keeps its role";
  peer.answer_hello_with(hello_of(peer, own_, "second"));
  EXPECT_TRUE(replaced_by(key, "second"));
}

}  // namespace
}  // namespace flare::test
