// docs/security.md: what clients may store, by both storages.
#include "flared/storage/memory_storage.h"
#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

class StoreQuotaTest : public testing::TestWithParam<bool> {
 protected:
  StoreQuotaTest() {
    storage_ = GetParam() ? std::unique_ptr<Storage>{folder_.open()} : std::make_unique<MemoryStorage>();
  }
  void SetUp() override { ASSERT_NE(storage_, nullptr) << folder_.failure; }

  // Of a client, or of another node.
  Result<Outcome, StorageError> store(std::string_view key, std::string_view data, bool limited = true,
                                      OperationKind kind = OperationKind::set) {
    return run(*storage_, {.kind = kind, .key = key, .data = data, .limited = limited});
  }
  StorageError refusal(const Result<Outcome, StorageError>& result) {
    return result ? StorageError::io : result.error();
  }

  KyotoFolder folder_;
  std::unique_ptr<Storage> storage_;
};

TEST_P(StoreQuotaTest, OfItemsIsExactForLimitedOperationsOnly) {
  storage_->limit({.items = 2});
  ASSERT_TRUE(store("a", "1"));
  ASSERT_TRUE(store("b", "1"));
  EXPECT_EQ(refusal(store("c", "1")), StorageError::too_many_items);
  EXPECT_EQ(get(*storage_, "c"), "-");
  EXPECT_TRUE(store("b", "12345"));
  EXPECT_TRUE(store("c", "1", false)) << "a node's write";
  EXPECT_EQ(storage_->quota().items(), 3U);
  EXPECT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "a"}));
  EXPECT_EQ(refusal(store("d", "1")), StorageError::too_many_items);
  EXPECT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "b"}));
  EXPECT_TRUE(store("d", "1"));
}

TEST_P(StoreQuotaTest, OfBytesLetsWhatShrinksPass) {
  ASSERT_TRUE(store("a", "12"));  // 1 + 28 + 2
  storage_->limit({.bytes = 31 + 30});
  EXPECT_EQ(storage_->quota().bytes(), 31U);
  EXPECT_EQ(refusal(store("b", "12")), StorageError::too_many_bytes);
  EXPECT_TRUE(store("b", "1"));
  EXPECT_EQ(refusal(store("b", "1", true, OperationKind::append)), StorageError::too_many_bytes);
  storage_->limit({.bytes = 10});
  EXPECT_TRUE(store("a", "1"));
  EXPECT_EQ(storage_->quota().bytes(), 60U);
  EXPECT_EQ(get(*storage_, "a"), "0 0 2 1");
}

TEST_P(StoreQuotaTest, RefusedWritesAreNotLogged) {
  storage_->limit({.items = 1});
  ASSERT_TRUE(store("a", "1"));
  const auto before = storage_->position();
  EXPECT_EQ(refusal(store("b", "1")), StorageError::too_many_items);
  EXPECT_EQ(storage_->position().sequence, before.sequence);
}

TEST_P(StoreQuotaTest, CountsAppliedEntriesAndFlushes) {
  storage_->limit({.items = 1, .bytes = 10});
  MemoryStorage master;
  set(master, "a", "12");
  set(master, "b", "1");
  ASSERT_TRUE(run(master, {.kind = OperationKind::remove, .key = "a"}));
  ASSERT_TRUE(storage_->set_epoch(Epoch{0}));
  for (const auto& entry : log_after(master, Sequence{0})) ASSERT_TRUE(apply(*storage_, entry));
  EXPECT_EQ(storage_->quota().items(), 1U);
  EXPECT_EQ(storage_->quota().bytes(), 30U);
  ASSERT_TRUE(storage_->flush());
  EXPECT_EQ(storage_->quota().items(), 0U);
  EXPECT_EQ(storage_->quota().bytes(), 0U);
}

TEST_P(StoreQuotaTest, ReclaimRemovesExpiredEntriesOnly) {
  ASSERT_TRUE(run(*storage_, {.kind = OperationKind::set, .key = "old", .data = "x", .expire_s = now_s - 1}));
  set(*storage_, "alive", "x");
  EXPECT_EQ(run(*storage_, {.kind = OperationKind::reclaim, .key = "alive"})->kind, OutcomeKind::not_found);
  EXPECT_EQ(run(*storage_, {.kind = OperationKind::reclaim, .key = "none"})->kind, OutcomeKind::not_found);
  EXPECT_EQ(run(*storage_, {.kind = OperationKind::reclaim, .key = "old"})->kind, OutcomeKind::deleted);
  EXPECT_EQ(storage_->quota().items(), 1U);
  set(*storage_, "old", "y");
  EXPECT_EQ(get(*storage_, "old"), "0 0 2 y") << "its version goes on";
}

std::string counted(const Storage& storage, std::string_view prefix) {
  const auto* share = const_cast<Storage&>(storage).quota().prefixes().of_prefix(prefix);
  return share ? std::to_string(share->items()) + " " + std::to_string(share->bytes()) : "-";
}

TEST_P(StoreQuotaTest, OfAPrefixHoldsForItsKeysAlone) {
  ASSERT_TRUE(store("a:1", "12"));
  ASSERT_TRUE(store("b:1", "12"));
  EXPECT_EQ(counted(*storage_, "a:"), "-");
  storage_->limit_prefixes({{"a:", "door.a", {.items = 2}}, {"b:", "door.b", {}}});
  EXPECT_EQ(counted(*storage_, "a:"), "1 33") << "what was there before";
  EXPECT_EQ(counted(*storage_, "b:"), "1 33");
  ASSERT_TRUE(store("a:2", ""));
  EXPECT_EQ(refusal(store("a:3", "")), StorageError::too_many_items_of_prefix);
  EXPECT_EQ(storage_->quota().prefixes().refuse("a:3", PrefixQuotas::Refusal::items),
            "SERVER_ERROR quota exceeded (door.a.max-items)\r\n");
  EXPECT_TRUE(store("a", "")) << "no key of the prefix";
  EXPECT_TRUE(store("c:1", ""));
  EXPECT_TRUE(store("b:2", ""));
  EXPECT_TRUE(store("a:4", "", false)) << "a node's write";
  EXPECT_EQ(counted(*storage_, "a:"), "3 95");
  EXPECT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "a:4"}));
  EXPECT_TRUE(run(*storage_, {.kind = OperationKind::remove, .key = "a:1"}));
  EXPECT_EQ(counted(*storage_, "a:"), "1 31");
  storage_->limit_prefixes({{"a:", "door.a", {.bytes = 32}}, {"b:", "door.b", {}}});
  EXPECT_EQ(refusal(store("a:2", "12")), StorageError::too_many_bytes_of_prefix);
  EXPECT_TRUE(store("a:2", "1"));
  ASSERT_TRUE(storage_->flush());
  EXPECT_EQ(counted(*storage_, "a:"), "0 0");
}

TEST_P(StoreQuotaTest, OfTheStoreGivesBackWhatThePrefixHadReserved) {
  storage_->limit({.items = 1});
  storage_->limit_prefixes({{"a:", "door.a", {.items = 5}}});
  ASSERT_TRUE(store("a:1", ""));
  EXPECT_EQ(refusal(store("a:2", "")), StorageError::too_many_items);
  EXPECT_EQ(counted(*storage_, "a:"), "1 31");
}

INSTANTIATE_TEST_SUITE_P(Storages, StoreQuotaTest, testing::Values(false, true));

TEST(StoreQuota, KnowsWhenASweepCanFindSomething) {
  StoreQuota quota;
  EXPECT_TRUE(quota.may_have_expired(100)) << "nobody has looked yet";
  quota.sweep_begins();
  quota.note_expiry(0);
  quota.note_expiry(200);
  EXPECT_TRUE(quota.may_have_expired(100)) << "it is looking";
  quota.sweep_ends(true);
  EXPECT_FALSE(quota.may_have_expired(199));
  EXPECT_TRUE(quota.may_have_expired(200));
  quota.note_expiry(150);
  EXPECT_TRUE(quota.may_have_expired(150));
  quota.sweep_begins();
  quota.sweep_ends(false);
  EXPECT_TRUE(quota.may_have_expired(1));
}

TEST(StoreQuota, TakesItemsBackWhenTheBytesAreRefused) {
  StoreQuota quota;
  quota.set_limits({.items = 5, .bytes = 10});
  EXPECT_EQ(quota.reserve("k", 1, 11), StoreQuota::Refusal::bytes);
  EXPECT_EQ(quota.items(), 0U);
  EXPECT_FALSE(quota.reserve("k", 1, 10));
  EXPECT_FALSE(quota.reserve("k", 0, -3));
  EXPECT_EQ(quota.bytes(), 7U);
}

}  // namespace
}  // namespace flare
