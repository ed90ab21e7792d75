// docs/replication.md 10: nodes go down through Succession, with scripted nodes that say how far their logs go.
#include "flarei/succession.h"

#include <gmock/gmock.h>

#include "unit/flarei/fixtures.h"
#include "unit/flarei/scripted_peer.h"

namespace flare::test {
namespace {

using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::SizeIs;

constexpr PartitionId p0{0};
constexpr Epoch reign{5};

std::string position(int epoch, int sequence) {
  return "POSITION 0123456789abcdef " + std::to_string(epoch) + " " + std::to_string(sequence);
}

class Successions : public testing::Test {
 protected:
  ~Successions() override {
    if (made_) made_->stop();
    run_for(context_, std::chrono::milliseconds{20});
  }

  NodeKey key(const ScriptedPeer& peer) const { return NodeKey{peer.name(), peer.port()}; }
  Node node(const ScriptedPeer& peer, Role role, int balance, int type) const {
    return {peer.name(), peer.port(), role, State::active, p0, balance, ThreadType{type}};
  }

  // A master and two slaves of which the second has the larger balance.
  NodeMap map_with_in_sync(const std::vector<const ScriptedPeer*>& slaves) const {
    NodeMap map;
    map.version = MapVersion{10};
    map.next_thread_type = ThreadType{30};
    PartitionReign in_sync{reign, {key(master_)}};
    for (const auto* slave : slaves) in_sync.in_sync.insert(key(*slave));
    map.reigns[p0] = in_sync;
    for (const auto& each :
         {node(master_, Role::master, 1, 16), node(first_, Role::slave, 1, 17), node(second_, Role::slave, 3, 18)}) {
      map.nodes.emplace(each.key(), each);
    }
    return map;
  }
  void begin(const std::vector<const ScriptedPeer*>& in_sync) {
    index_.emplace(map_with_in_sync(in_sync), 1023, store_, log_);
    made_.emplace(context_.get_executor(), *index_,
                  Succession::Setup{.health = [](const NodeKey&) { return NodeHealth{}; }}, log_);
  }

  Role role(const ScriptedPeer& peer) const { return index_->map().nodes.at(key(peer)).role; }
  State state(const ScriptedPeer& peer) const { return index_->map().nodes.at(key(peer)).state; }
  bool until(const std::function<bool()>& condition) { return run_until(context_, condition); }

  // The answer, once it has come; nullopt while nobody has decided.
  std::shared_ptr<std::optional<Index::Answer>> asked(IoTask<Index::Answer> question) {
    auto answer = std::make_shared<std::optional<Index::Answer>>();
    asio::co_spawn(context_, std::move(question),
                   [answer](std::exception_ptr, Index::Answer given) { answer->emplace(std::move(given)); });
    return answer;
  }
  Index::Answer answer_to(IoTask<Index::Answer> question) {
    const auto answer = asked(std::move(question));
    EXPECT_TRUE(until([&] { return answer->has_value(); }));
    return answer->value_or(Refusal::not_stored);
  }

  asio::io_context context_{1};
  ScriptedPeer master_{context_};
  ScriptedPeer first_{context_};
  ScriptedPeer second_{context_};
  MemoryStore store_;
  MemoryLog log_;
  std::optional<Index> index_;
  std::optional<Succession> made_;
};

TEST_F(Successions, OfAMasterWithOneSlaveInSyncAsksNobody) {
  begin({&first_});
  made_->node_gone(key(master_), "probes failed");
  EXPECT_EQ(role(first_), Role::master);
  EXPECT_EQ(state(master_), State::down);
  EXPECT_EQ(role(second_), Role::slave) << "out of sync";
  EXPECT_THAT(first_.positions_asked(), IsEmpty());
}

TEST_F(Successions, GoesToTheSlaveThatHasMostWhateverItsBalance) {
  begin({&first_, &second_});
  first_.answer_position_with({position(5, 101)});
  second_.answer_position_with({position(5, 100)});
  made_->node_gone(key(master_), "probes failed");
  made_->node_gone(key(master_), "probes failed");  // the monitor counts on meanwhile
  EXPECT_EQ(state(master_), State::active) << "the slaves have still to answer";
  ASSERT_TRUE(until([&] { return state(master_) == State::down; }));
  EXPECT_EQ(role(first_), Role::master);
  EXPECT_THAT(first_.positions_asked(), SizeIs(1));
  EXPECT_EQ(first_.positions_asked(), second_.positions_asked());
  EXPECT_EQ(first_.positions_asked().front().find("leaving"), std::string::npos) << "the answer is a promise";
}

TEST_F(Successions, DoesNotWaitForASlaveThatHangs) {
  begin({&first_, &second_});
  first_.answer_position_with({position(5, 100)});
  second_.freeze();
  made_->node_gone(key(master_), "probes failed");
  ASSERT_TRUE(until([&] { return state(master_) == State::down; }));
  EXPECT_EQ(role(first_), Role::master);
}

TEST_F(Successions, AsksAgainWhereAllRefuseForNow) {
  begin({&first_, &second_});
  const std::string refused = "SERVER_ERROR epoch 11 of partition 0 has been promised";
  first_.answer_position_with({refused, position(5, 100)});
  second_.answer_position_with({refused});
  made_->node_gone(key(master_), "probes failed");
  ASSERT_TRUE(until([&] { return state(master_) == State::down; }));
  EXPECT_EQ(role(first_), Role::master);
}

TEST_F(Successions, LeavesThePartitionToItsMasterWhereNobodyMayFollow) {
  begin({&first_, &second_});
  for (auto* slave : {&first_, &second_}) slave->answer_position_with({"SERVER_ERROR build incomplete"});
  made_->node_gone(key(master_), "probes failed");
  ASSERT_TRUE(until([&] { return state(master_) == State::down; }));
  EXPECT_EQ(role(master_), Role::master);
  EXPECT_EQ(role(first_), Role::slave);
  EXPECT_THAT(log_.lines, Contains(testing::HasSubstr("its partition waits for it")));
}

TEST_F(Successions, OfAMasterThatIsLetGoWaitsUntilASlaveHasAll) {
  begin({&first_, &second_});
  master_.answer_position_with({position(5, 100)});
  first_.answer_position_with({position(5, 99), position(5, 100)});
  second_.answer_position_with({position(5, 90)});
  EXPECT_TRUE(answer_to(made_->let_go(key(master_), Succession::Goodbye::node_state_down)));
  EXPECT_EQ(role(first_), Role::master);
  EXPECT_THAT(first_.positions_asked(), Each(testing::EndsWith(" leaving"))) << "they go on following";
}

TEST_F(Successions, OfAMasterThatIsLetGoChangesNothingWhileTheSlavesAreBehind) {
  begin({&first_, &second_});
  master_.answer_position_with({position(5, 100)});
  for (auto* slave : {&first_, &second_}) slave->answer_position_with({position(5, 99)});
  const auto answer = answer_to(made_->let_go(key(master_), Succession::Goodbye::shutdown));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), Refusal::slaves_behind);
  EXPECT_EQ(index_->map().version, MapVersion{10});
  EXPECT_THAT(store_.saved, IsEmpty());
}

TEST_F(Successions, OfAMasterThatHangsWhenItIsLetGoIsAnElection) {
  begin({&first_, &second_});
  master_.freeze();
  first_.answer_position_with({position(5, 100)});
  second_.answer_position_with({position(5, 100)});
  EXPECT_TRUE(answer_to(made_->let_go(key(master_), Succession::Goodbye::shutdown)));
  EXPECT_EQ(state(master_), State::down);
  EXPECT_EQ(role(second_), Role::master) << "of equals the larger balance";
}

TEST_F(Successions, OfAMasterThatRestartsGivesItsPlaceAway) {
  begin({&first_, &second_});
  first_.answer_position_with({position(5, 101)});
  second_.answer_position_with({position(5, 100)});
  EXPECT_TRUE(answer_to(made_->restart(key(master_))));
  EXPECT_EQ(role(first_), Role::master);
  EXPECT_EQ(role(master_), Role::proxy);
  EXPECT_EQ(state(master_), State::active);
}

TEST_F(Successions, OfARestartIsJudgedByTheNewestMap) {
  begin({&first_, &second_});
  for (auto* slave : {&first_, &second_}) slave->answer_position_with({position(5, 100)});
  const auto answer = asked(made_->restart(key(master_)));
  EXPECT_TRUE(index_->mark_down(key(master_), "by somebody else", key(first_)));
  ASSERT_TRUE(until([&] { return answer->has_value(); }));
  ASSERT_FALSE(answer->value());
  EXPECT_EQ(answer->value().error(), Refusal::already_known);
}

TEST_F(Successions, EndTheirQuestionsWhenTheyAreStopped) {
  begin({&first_, &second_});
  first_.freeze();
  second_.freeze();
  const auto answer = asked(made_->restart(key(master_)));
  ASSERT_TRUE(until([&] { return first_.accepted() + second_.accepted() == 2; }));
  made_->stop();
  EXPECT_TRUE(until([&] { return answer->has_value(); }));
  made_->node_gone(key(master_), "probes failed");
  EXPECT_EQ(role(first_), Role::slave);
}

}  // namespace
}  // namespace flare::test
