#include "flarei/index.h"

#include <gmock/gmock.h>

#include "unit/flarei/fixtures.h"
#include "unit/flarei/maps.h"

namespace flare::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Published final : public MapPublisher {
 public:
  void publish(const NodeMap& before, const std::optional<NodeKey>& leaving) override {
    versions_before.push_back(before.version);
    left.push_back(leaving);
  }
  std::vector<MapVersion> versions_before;
  std::vector<std::optional<NodeKey>> left;
};

class IndexTest : public testing::Test {
 protected:
  void start_with(const std::vector<Entry>& entries) {
    index_ = std::make_unique<Index>(map_of(entries), 1023, store_, log_);
    index_->publish_to(published_);
  }
  State state(int port) const { return index_->map().nodes.at(key(port)).state; }

  MemoryStore store_;
  MemoryLog log_;
  Published published_;
  std::unique_ptr<Index> index_;
};

TEST_F(IndexTest, StoresThenPublishesEachChange) {
  start_with({});
  ASSERT_TRUE(index_->add("n", 1));
  ASSERT_EQ(store_.saved.size(), 1U);
  EXPECT_EQ(store_.saved.back(), index_->map());
  EXPECT_THAT(published_.versions_before, testing::ElementsAre(MapVersion{10}));
  EXPECT_THAT(log_.lines, Contains(HasSubstr("node n:1 changed from none")));
}

TEST_F(IndexTest, RefusesWhatItCannotStoreAndKeepsTheOldMap) {
  start_with({{1, proxy, active}});
  const auto before = index_->map();
  store_.fails = true;
  const auto answer = index_->mark_down(key(1), "test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error(), Refusal::not_stored);
  EXPECT_EQ(index_->map(), before);
  EXPECT_THAT(published_.versions_before, IsEmpty());
  EXPECT_THAT(log_.lines, Contains(HasSubstr("no space left")));
  store_.fails = false;
  EXPECT_TRUE(index_->mark_down(key(1), "test"));
  EXPECT_EQ(state(1), State::down);
}

TEST_F(IndexTest, StoresNothingWhenNothingChanges) {
  start_with({{1, proxy, active}});
  EXPECT_TRUE(index_->mark_up(key(1), false, "test"));
  EXPECT_THAT(store_.saved, IsEmpty());
  EXPECT_THAT(published_.versions_before, IsEmpty());
}

TEST_F(IndexTest, SendsTheNewestMap) {
  start_with({});
  EXPECT_EQ(*index_->sync_request(), "node sync 10\r\nEND\r\n");
  ASSERT_TRUE(index_->add("n", 1));
  EXPECT_EQ(*index_->sync_request(), "node sync 11\r\nNODE n 1 2 0 -1 0 50\r\nEND\r\n");
  EXPECT_EQ(index_->sync_request(), index_->sync_request());  // made once
}

// docs/spec/cluster.md 9.12.
TEST_F(IndexTest, ActivatesASlaveOfOursOnlyAfterItsMastersWord) {
  start_with({{1, slave, prepare, 0, 0}, {2, master, active, 0, 1}});
  const auto refused = index_->mark_up(key(1), false, "node state active");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Refusal::not_confirmed);
  ASSERT_TRUE(index_->set_in_sync(key(1), Epoch{10}, true));
  EXPECT_TRUE(index_->mark_up(key(1), false, "node state active"));
  EXPECT_EQ(state(1), State::active);
}

TEST_F(IndexTest, TakesAnOriginalSlaveAtItsWord) {
  start_with({{1, slave, prepare, 0, 0}, {2, master, active, 0, 1}});
  EXPECT_TRUE(index_->mark_up(key(1), true, "node state active"));
}

TEST_F(IndexTest, ForgetsTheMastersWordWhenTheSlaveStartsAnew) {
  start_with({{1, slave, prepare, 0, 0}, {2, master, active, 0, 1}});
  ASSERT_TRUE(index_->set_in_sync(key(1), Epoch{10}, true));
  ASSERT_TRUE(index_->change_role({key(1), Role::proxy, 0, no_partition, false}));
  ASSERT_TRUE(index_->change_role({key(1), Role::slave, 0, PartitionId{0}, false}));
  EXPECT_FALSE(index_->mark_up(key(1), false, "node state active"));
}

TEST_F(IndexTest, WithdrawsTheMastersWord) {
  start_with({{1, slave, prepare, 0, 0}, {2, master, active, 0, 1}});
  ASSERT_TRUE(index_->set_in_sync(key(1), Epoch{10}, true));
  ASSERT_TRUE(index_->set_in_sync(key(1), Epoch{11}, false));
  EXPECT_FALSE(index_->mark_up(key(1), false, "node state active"));
}

TEST_F(IndexTest, SendsNoMapToANodeThatSaysGoodbyeUnlessItIsMaster) {
  start_with({{1, proxy, active}, {2, master, active, 0, 1}});
  ASSERT_TRUE(index_->shutdown(key(1)));
  ASSERT_TRUE(index_->shutdown(key(2)));
  EXPECT_THAT(published_.left, testing::ElementsAre(std::optional{key(1)}, std::nullopt));
}

TEST_F(IndexTest, LogsRefusalsOnOneLineWhateverTheName) {
  start_with({});
  EXPECT_FALSE(index_->remove(NodeKey{"evil\nnode n:1 changed", 1}));
  ASSERT_EQ(log_.lines.size(), 1U);
  EXPECT_THAT(log_.lines.front(), testing::Not(HasSubstr("\n")));
}

}  // namespace
}  // namespace flare::test
