#include <optional>
#include <vector>

#include "flared/storage/memory_storage.h"
#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

/// Both storages, by one suite: what the interface promises.
class StorageSuite : public testing::TestWithParam<bool> {
 protected:
  StorageSuite() {
    storage_ = GetParam() ? std::unique_ptr<Storage>{folder_.open()} : std::make_unique<MemoryStorage>();
  }
  void SetUp() override { ASSERT_NE(storage_, nullptr) << folder_.failure; }
  Storage& storage() { return *storage_; }

  KyotoFolder folder_;
  std::unique_ptr<Storage> storage_;
};

TEST_P(StorageSuite, ShowsWhatWasSet) {
  EXPECT_EQ(get(storage(), "k"), "-");
  ASSERT_TRUE(
      run(storage(), {.kind = OperationKind::set, .key = "k", .data = "hello", .flags = 7, .expire_s = now_s + 9}));
  EXPECT_EQ(get(storage(), "k"), "7 1700000009 1 hello");
  EXPECT_EQ(storage().figures().items, 1u);
}

TEST_P(StorageSuite, KeepsAnyByteInKeysAndValues) {
  const std::string key("\0k\n\xff", 4);
  const std::string data(100'000, '\0');
  set(storage(), key, data);
  EXPECT_EQ(get(storage(), key), "0 0 1 " + data);
  EXPECT_EQ(contents_of(storage()), (Contents{{key, "0 0 1 " + data}}));
}

TEST_P(StorageSuite, HidesExpiredRecordsAndKeepsTheirVersions) {
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::set, .key = "k", .data = "x", .expire_s = now_s}));
  EXPECT_EQ(get(storage(), "k"), "-");
  set(storage(), "k", "y");
  EXPECT_EQ(get(storage(), "k"), "0 0 2 y");
}

TEST_P(StorageSuite, RemembersDeletions) {
  set(storage(), "k", "x");
  const auto removed = run(storage(), {.kind = OperationKind::remove, .key = "k", .hold_until_s = now_s + 60});
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->kind, OutcomeKind::deleted);
  EXPECT_EQ(run(storage(), {.kind = OperationKind::add, .key = "k", .data = "y"})->kind, OutcomeKind::not_stored);
  set(storage(), "k", "z");
  EXPECT_EQ(get(storage(), "k"), "0 0 2 z");
}

TEST_P(StorageSuite, ShowsTheRecordOfGat) {
  set(storage(), "k", "x");
  CollectingSink sink;
  const auto touched = run(storage(), {.kind = OperationKind::gat, .key = "k", .expire_s = now_s + 5}, &sink);
  EXPECT_EQ(touched->kind, OutcomeKind::touched);
  EXPECT_EQ(sink.contents, (Contents{{"k", "0 1700000005 1 x"}}));
  EXPECT_EQ(get(storage(), "k"), "0 1700000005 1 x");
}

/// What a sink is told, in order.
class TellingSink final : public RecordSink {
 public:
  void executed(std::string_view key, const Outcome& outcome) override {
    told.push_back(fmt::format("{} outcome {} version {} expire {}{}{}", key, static_cast<int>(outcome.kind),
                               raw(outcome.version), outcome.expire_s, outcome.created ? " created" : "",
                               outcome.stale ? " stale" : ""));
  }
  void record(std::string_view key, const RecordView& record) override {
    told.push_back(
        fmt::format("{} = {} {} {} {}", key, record.flags, record.expire_s, raw(record.version), record.data));
  }
  std::vector<std::string> told;
};

std::string outcome_line(std::string_view key, OutcomeKind kind, std::string_view rest) {
  return fmt::format("{} outcome {} version {}", key, static_cast<int>(kind), rest);
}

TEST_P(StorageSuite, FetchShowsTheTimeBeforeTheTouch) {
  set(storage(), "k", "x");
  TellingSink sink;
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::fetch, .key = "k", .new_expire_s = now_s + 5}, &sink));
  EXPECT_EQ(sink.told,
            (std::vector{outcome_line("k", OutcomeKind::touched, "1 expire 1700000005"), std::string{"k = 0 0 1 x"}}));
  EXPECT_EQ(get(storage(), "k"), "0 1700000005 1 x");
}

TEST_P(StorageSuite, FetchWithoutANewTimeChangesNothing) {
  set(storage(), "k", "x");
  TellingSink sink;
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::fetch, .key = "k"}, &sink));
  EXPECT_EQ(sink.told,
            (std::vector{outcome_line("k", OutcomeKind::touched, "1 expire 0"), std::string{"k = 0 0 1 x"}}));
  EXPECT_EQ(storage().position().sequence, Sequence{1});
}

TEST_P(StorageSuite, FetchCreatesWhatIsGoneAndShowsItOnce) {
  set(storage(), "k", "x");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "k"}));
  const Operation fetch{
      .kind = OperationKind::fetch, .key = "k", .creation = Creation{.data = "", .expire_s = now_s + 30}};
  TellingSink sink;
  ASSERT_TRUE(run(storage(), fetch, &sink));
  EXPECT_EQ(sink.told, (std::vector{outcome_line("k", OutcomeKind::touched, "2 expire 1700000030 created"),
                                    std::string{"k = 0 1700000030 2 "}}));
  sink.told.clear();
  ASSERT_TRUE(run(storage(), fetch, &sink));
  EXPECT_EQ(sink.told, (std::vector{outcome_line("k", OutcomeKind::touched, "2 expire 1700000030"),
                                    std::string{"k = 0 1700000030 2 "}}));
  EXPECT_EQ(storage().position().sequence, Sequence{3});
  EXPECT_EQ(storage().figures().items, 1u);
}

TEST_P(StorageSuite, FetchOfAHeldKeyCreatesNothing) {
  set(storage(), "k", "x");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "k", .hold_until_s = now_s + 60}));
  TellingSink sink;
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::fetch, .key = "k", .creation = Creation{}}, &sink));
  EXPECT_EQ(sink.told, (std::vector{outcome_line("k", OutcomeKind::not_found, "1 expire 0")}));
  EXPECT_EQ(get(storage(), "k"), "-");
}

TEST_P(StorageSuite, InvalidateLogsTheWholeRecordWithTheNextVersion) {
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::set, .key = "k", .data = "x", .flags = 7}));
  TellingSink sink;
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::invalidate, .key = "k", .new_expire_s = now_s + 30}, &sink));
  EXPECT_EQ(sink.told, (std::vector{outcome_line("k", OutcomeKind::deleted, "2 expire 1700000030 stale")}));
  EXPECT_EQ(get(storage(), "k"), "7 1700000030 2 x");
  const auto entries = log_after(storage(), Sequence{1});
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].entry.kind, EntryKind::set);
  EXPECT_EQ(entries[0].data, "x");
}

// replication.md 7: the key is another partition's now, and no deletion is remembered, here or at who follows.
TEST_P(StorageSuite, ADropLeavesNothingBehind) {
  set(storage(), "k", "x");
  set(storage(), "k", "y");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "deleted", .version = RecordVersion{7}}));
  EXPECT_EQ(run(storage(), {.kind = OperationKind::drop, .key = "none"})->kind, OutcomeKind::not_found);
  EXPECT_EQ(run(storage(), {.kind = OperationKind::drop, .key = "k"})->kind, OutcomeKind::deleted);
  EXPECT_EQ(get(storage(), "k"), "-");
  const auto entries = log_after(storage(), Sequence{3});
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_TRUE(is_drop(entries[0].entry));
  EXPECT_FALSE(is_drop(log_after(storage(), Sequence{2})[0].entry)) << "a client's deletion";
  set(storage(), "k", "z");
  EXPECT_EQ(get(storage(), "k"), "0 0 1 z");

  MemoryStorage follower;
  for (const auto& logged : log_after(storage(), Sequence{0})) ASSERT_TRUE(apply(follower, logged));
  EXPECT_EQ(contents_of(follower), contents_of(storage()));
}

TEST_P(StorageSuite, ArithmeticCreatesAndTouches) {
  const Operation incr{
      .kind = OperationKind::incr, .key = "n", .delta = 5, .creation = Creation{.data = "40", .expire_s = now_s + 30}};
  const auto created = run(storage(), incr);
  EXPECT_EQ(created->number, 40u);
  EXPECT_TRUE(created->created);
  EXPECT_EQ(get(storage(), "n"), "0 1700000030 1 40");
  auto touching = incr;
  touching.new_expire_s = 0;
  const auto raised = run(storage(), touching);
  EXPECT_EQ(raised->number, 45u);
  EXPECT_EQ(raised->expire_s, 0);
  EXPECT_FALSE(raised->created);
  EXPECT_EQ(get(storage(), "n"), "0 0 2 45");
}

TEST_P(StorageSuite, CompareGuardsARemoval) {
  set(storage(), "k", "x");
  const auto remove = [&](std::uint64_t version) {
    return run(storage(), {.kind = OperationKind::remove, .key = "k", .compare = RecordVersion{version}})->kind;
  };
  EXPECT_EQ(remove(2), OutcomeKind::exists);
  EXPECT_EQ(get(storage(), "k"), "0 0 1 x");
  EXPECT_EQ(remove(1), OutcomeKind::deleted);
  EXPECT_EQ(remove(1), OutcomeKind::not_found);
}

TEST_P(StorageSuite, AFullStoreCreatesNothingAndTellsNothing) {
  set(storage(), "k", "x");
  storage().limit({.items = 1});
  TellingSink sink;
  const auto refused =
      run(storage(), {.kind = OperationKind::fetch, .key = "new", .limited = true, .creation = Creation{}}, &sink);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), StorageError::too_many_items);
  EXPECT_TRUE(sink.told.empty());
}

TEST_P(StorageSuite, JoinsPieces) {
  set(storage(), "k", "b");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::append, .key = "k", .data = "c"}));
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::prepend, .key = "k", .data = "a"}));
  EXPECT_EQ(get(storage(), "k"), "0 0 3 abc");
}

TEST_P(StorageSuite, NumbersEntriesWithoutGapsAndOnlyForChanges) {
  set(storage(), "k", "5");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::add, .key = "k", .data = "x"}));
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::incr, .key = "k", .delta = 2}));
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "k"}));
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "absent", .version = RecordVersion{4}}));
  const auto entries = log_after(storage(), Sequence{0});
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[1].data, "7");
  EXPECT_EQ(entries[2].entry.kind, EntryKind::remove);
  EXPECT_EQ(entries[2].entry.version, RecordVersion{2});
  EXPECT_EQ(entries[3].key, "absent");
  EXPECT_EQ(storage().position().sequence, Sequence{4});
  EXPECT_EQ(storage().written_sequence(), Sequence{4});
}

TEST_P(StorageSuite, WritesTheLogOncePerBatchAndTellsTheListener) {
  int told = 0;
  storage().on_log_written([&] { ++told; });
  const auto before = storage().figures().log_writes;
  {
    const Storage::Batch batch{storage()};
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(
          storage().execute({.kind = OperationKind::set, .key = std::to_string(i), .data = "x"}, now_s, nullptr));
    }
    ASSERT_TRUE(storage().write_log());
    ASSERT_TRUE(storage().write_log());  // nothing is due
  }
  EXPECT_EQ(storage().figures().log_writes, before + 1);
  EXPECT_EQ(told, 1);
  storage().on_log_written({});
}

TEST_P(StorageSuite, ReadsTheLogFromAnySequence) {
  for (int i = 1; i <= 2000; ++i) set(storage(), fmt::format("key-{}", i), std::string(100, 'x'));
  for (const std::uint64_t after : {0u, 1u, 777u, 1999u}) {
    std::string bytes;
    const auto last = storage().read_log(Sequence{after}, 10'000, bytes);
    ASSERT_TRUE(last);
    const auto first = decode_entry(bytes);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->entry.sequence, Sequence{after + 1});
    EXPECT_LE(bytes.size(), 10'000u);
  }
  std::string bytes;
  EXPECT_EQ(*storage().read_log(Sequence{2000}, 10'000, bytes), Sequence{2000});
  EXPECT_TRUE(bytes.empty());
  ASSERT_TRUE(storage().read_log(Sequence{5}, 1, bytes));  // at least one entry
  EXPECT_EQ(decode_entry(bytes)->bytes, bytes.size());
}

TEST_P(StorageSuite, FollowsAMastersEntriesUnderItsNumbers) {
  MemoryStorage master{LogId{9}};
  ASSERT_TRUE(master.set_epoch(Epoch{3}));
  set(master, "a", "1");
  set(master, "a", "2");
  ASSERT_TRUE(run(master, {.kind = OperationKind::touch, .key = "a", .expire_s = now_s + 50}));
  set(master, "b", "3");
  ASSERT_TRUE(run(master, {.kind = OperationKind::remove, .key = "b", .hold_until_s = now_s + 60}));
  for (const auto& owned : log_after(master, Sequence{0})) ASSERT_TRUE(apply(storage(), owned));
  EXPECT_EQ(contents_of(storage()), contents_of(master));
  EXPECT_EQ(storage().epochs(), (EpochTable{{Epoch{3}, Sequence{5}}}));
  EXPECT_EQ(run(storage(), {.kind = OperationKind::add, .key = "b", .data = "x"})->kind, OutcomeKind::not_stored);
}

TEST_P(StorageSuite, AppliesWithoutComparingVersions) {
  set(storage(), "k", "x");
  set(storage(), "k", "y");
  ASSERT_TRUE(apply(storage(), {{.sequence = Sequence{3}, .version = RecordVersion{1}}, "k", "older"}));
  EXPECT_EQ(get(storage(), "k"), "0 0 1 older");
}

TEST_P(StorageSuite, RefusesGapsAndLowerEpochs) {
  ASSERT_TRUE(storage().set_epoch(Epoch{5}));
  set(storage(), "k", "x");
  const auto try_entry = [&](std::uint64_t epoch, std::uint64_t sequence, EntryKind kind) {
    const auto applied =
        apply(storage(), {{.kind = kind, .epoch = Epoch{epoch}, .sequence = Sequence{sequence}}, "k", "z"});
    return applied ? std::nullopt : std::optional{applied.error()};
  };
  for (const auto kind : {EntryKind::set, EntryKind::flush}) {
    EXPECT_EQ(try_entry(5, 1, kind), StorageError::sequence_gap);
    EXPECT_EQ(try_entry(5, 3, kind), StorageError::sequence_gap);
    EXPECT_EQ(try_entry(4, 2, kind), StorageError::sequence_gap);
  }
  EXPECT_EQ(get(storage(), "k"), "0 0 1 x");
  EXPECT_EQ(try_entry(6, 2, EntryKind::set), std::nullopt);
  EXPECT_EQ(storage().epochs(), (EpochTable{{Epoch{5}, Sequence{1}}, {Epoch{6}, Sequence{2}}}));
}

TEST_P(StorageSuite, NeverLowersTheEpoch) {
  ASSERT_TRUE(storage().set_epoch(Epoch{7}));
  ASSERT_TRUE(storage().set_epoch(Epoch{2}));
  EXPECT_TRUE(storage().epochs().empty());
  set(storage(), "k", "x");
  EXPECT_EQ(storage().position().epoch, Epoch{7});
}

TEST_P(StorageSuite, FlushEmptiesTheStoreAsAnEntryAndForgetsVersions) {
  set(storage(), "k", "x");
  set(storage(), "gone", "x");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "gone", .hold_until_s = now_s + 60}));
  const auto before = storage().position();
  ASSERT_TRUE(storage().flush());
  EXPECT_EQ(storage().position(), (Position{before.log_id, before.epoch, Sequence{4}}));
  EXPECT_EQ(storage().written_sequence(), Sequence{4});
  EXPECT_EQ(get(storage(), "k"), "-");
  EXPECT_EQ(storage().figures().items, 0u);
  EXPECT_EQ(run(storage(), {.kind = OperationKind::add, .key = "gone", .data = "new"})->version, RecordVersion{1});
  const auto entries = log_after(storage(), Sequence{3});
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].entry.kind, EntryKind::flush);
}

TEST_P(StorageSuite, FollowsAFlush) {
  set(storage(), "k", "x");
  ASSERT_TRUE(apply(storage(), {{.kind = EntryKind::flush, .sequence = Sequence{2}}, "", ""}));
  ASSERT_TRUE(apply(storage(), {{.sequence = Sequence{3}, .version = RecordVersion{1}}, "n", "y"}));
  EXPECT_EQ(contents_of(storage()), (Contents{{"n", "0 0 1 y"}}));
}

TEST_P(StorageSuite, AFlushAbortsARunningScan) {
  for (int i = 0; i < 500; ++i) set(storage(), std::to_string(i), "x");
  const auto scan = storage().begin_scan();
  ASSERT_TRUE(scan);
  CollectingSink sink;
  ASSERT_TRUE((*scan)->next_slice(sink));
  ASSERT_TRUE(storage().flush());
  const auto more = (*scan)->next_slice(sink);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error(), StorageError::aborted);
}

TEST_P(StorageSuite, AReplacementComesWholeAndWithItsPosition) {
  set(storage(), "old", "x");
  const auto replacement = storage().begin_replacement(0);
  ASSERT_TRUE(replacement);
  ASSERT_TRUE((*replacement)->put("new", {.flags = 1, .expire_s = 0, .version = RecordVersion{9}, .data = "y"}));
  EXPECT_EQ(get(storage(), "old"), "0 0 1 x");
  EXPECT_EQ(get(storage(), "new"), "-");
  const Position position{LogId{77}, Epoch{4}, Sequence{1000}};
  const EpochTable epochs{{Epoch{2}, Sequence{500}}, {Epoch{4}, Sequence{1000}}};
  ASSERT_TRUE((*replacement)->commit(position, epochs));
  EXPECT_EQ(contents_of(storage()), (Contents{{"new", "1 0 9 y"}}));
  EXPECT_EQ(storage().position(), position);
  EXPECT_EQ(storage().epochs(), epochs);
  EXPECT_EQ(storage().written_sequence(), Sequence{1000});
  ASSERT_TRUE(
      apply(storage(), {{.epoch = Epoch{4}, .sequence = Sequence{1001}, .version = RecordVersion{1}}, "next", "z"}));
  std::string bytes;
  const auto early = storage().read_log(Sequence{999}, 1000, bytes);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error(), StorageError::too_old);
}

class DeletionSink final : public RecordSink {
 public:
  void record(std::string_view, const RecordView&) override {}
  void deletion(std::string_view key, RecordVersion version, std::int64_t hold_until_s) override {
    seen[std::string{key}] = fmt::format("{} {}", raw(version), hold_until_s);
  }
  Contents seen;
};

Contents deletions_of(Storage& storage) {
  DeletionSink sink;
  const auto scan = storage.begin_scan();
  while (scan) {
    const auto more = (*scan)->next_slice(sink);
    if (!more || !*more) return sink.seen;
  }
  return {{"no scan", ""}};
}

TEST_P(StorageSuite, RememberedDeletionsGoThroughAScanIntoAReplacement) {
  for (int i = 0; i < 300; ++i) {
    const auto key = "key" + std::to_string(i);
    set(storage(), key, "x");
    ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = key, .hold_until_s = now_s + i}));
  }
  const auto before = deletions_of(storage());
  EXPECT_EQ(before.size(), 300);

  const auto replacement = storage().begin_replacement(0);
  ASSERT_TRUE(replacement);
  (*replacement)->put_deletion("stored again", RecordVersion{3}, 0);
  (*replacement)->put_deletion("gone", RecordVersion{5}, now_s + 9);
  ASSERT_TRUE((*replacement)->put("stored again", {.version = RecordVersion{9}, .data = "y"}));
  ASSERT_TRUE((*replacement)->commit({LogId{77}, Epoch{4}, Sequence{1000}}, {}));
  EXPECT_EQ(deletions_of(storage()), (Contents{{"gone", fmt::format("5 {}", now_s + 9)}}));
}

TEST_P(StorageSuite, AnAbandonedReplacementLeavesNothing) {
  set(storage(), "old", "x");
  {
    const auto replacement = storage().begin_replacement(0);
    ASSERT_TRUE(replacement);
    ASSERT_TRUE((*replacement)->put("new", {.version = RecordVersion{9}, .data = "y"}));
  }
  EXPECT_EQ(contents_of(storage()), (Contents{{"old", "0 0 1 x"}}));
  EXPECT_TRUE(storage().begin_replacement(0));
}

std::string looked(Storage& storage, std::string_view key) {
  class Sink final : public RecordSink {
   public:
    void record(std::string_view, const RecordView& record) override {
      text = fmt::format("{} {}", raw(record.version), record.data);
    }
    void deletion(std::string_view, RecordVersion version, std::int64_t hold_until_s) override {
      text = fmt::format("deleted {} {}", raw(version), hold_until_s);
    }
    std::string text = "-";
  };
  Sink sink;
  const Storage::Batch batch{storage};
  return storage.look(key, sink) ? sink.text : "error";
}

TEST_P(StorageSuite, ShowsWhatThereIsForAKeyWhateverTheTime) {
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::set, .key = "expired", .data = "x", .expire_s = now_s - 5}));
  set(storage(), "gone", "x");
  ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "gone", .hold_until_s = now_s + 9}));
  EXPECT_EQ(looked(storage(), "expired"), "1 x");
  EXPECT_EQ(looked(storage(), "gone"), fmt::format("deleted 1 {}", now_s + 9));
  EXPECT_EQ(looked(storage(), "never"), "-");
}

// docs/replication.md 11.
class Corrected : public StorageSuite {
 protected:
  void SetUp() override {
    StorageSuite::SetUp();
    for (const char* key : {"kept", "changed", "removed"}) set(storage(), key, "common");
    common_ = storage().position();
    ASSERT_TRUE(storage().set_epoch(Epoch{7}));
    set(storage(), "changed", "mine");
    set(storage(), "new", "mine");
    ASSERT_TRUE(run(storage(), {.kind = OperationKind::remove, .key = "removed"}));
  }
  Correction correction(std::uint64_t exact_after) {
    Correction correction{common_, Sequence{raw(common_.sequence) + exact_after}, {}};
    correction.put("changed", {.version = RecordVersion{4}, .data = "theirs"});
    correction.put_deletion("new", RecordVersion{0}, 0);
    correction.put_deletion("removed", RecordVersion{6}, now_s + 50);
    return correction;
  }
  LogEntry next_entry(std::string_view data) {
    return {.epoch = Epoch{6}, .sequence = next(storage().position().sequence), .key = "next", .data = data};
  }

  Position common_;
};

TEST_P(Corrected, HasWhatTheSourceHasAndGoesOnFromTheCommonPosition) {
  ASSERT_TRUE(storage().correct(correction(0)));
  const Contents expected{{"kept", "0 0 1 common"}, {"changed", "0 0 4 theirs"}};
  EXPECT_EQ(contents_of(storage()), expected);
  EXPECT_EQ(storage().position(), common_);
  EXPECT_EQ(storage().written_sequence(), common_.sequence);
  EXPECT_EQ(storage().epochs(), (EpochTable{{common_.epoch, common_.sequence}}));
  EXPECT_EQ(looked(storage(), "removed"), fmt::format("deleted 6 {}", now_s + 50));
  EXPECT_EQ(looked(storage(), "new"), "-");
  EXPECT_TRUE(storage().inexact_keys().empty());

  const Storage::Batch batch{storage()};
  ASSERT_TRUE(storage().apply(next_entry("x"))) << "of a lower epoch than that of the surplus";
  ASSERT_TRUE(storage().write_log());
  const auto entries = log_after(storage(), common_.sequence);
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries.front().data, "x");
}

TEST_P(Corrected, KnowsWhichKeysTheLogHasStillToMakeExact) {
  ASSERT_TRUE(storage().correct(correction(2)));
  auto keys = storage().inexact_keys();
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(keys, (std::vector<std::string>{"changed", "new", "removed"}));
  const Storage::Batch batch{storage()};
  ASSERT_TRUE(storage().apply(next_entry("1")));
  EXPECT_EQ(storage().inexact_keys().size(), 3u);
  ASSERT_TRUE(storage().apply(next_entry("2")));
  EXPECT_TRUE(storage().inexact_keys().empty());
  ASSERT_TRUE(storage().write_log());
}

TEST_P(Corrected, RefusesAPositionThatTheLogDoesNotHave) {
  auto ahead = correction(0);
  ahead.common.sequence = Sequence{100};
  EXPECT_EQ(storage().correct(ahead).error(), StorageError::sequence_gap);
  auto foreign = correction(0);
  foreign.common.log_id = LogId{99};
  EXPECT_EQ(storage().correct(foreign).error(), StorageError::sequence_gap);
  EXPECT_EQ(looked(storage(), "changed"), "2 mine");
}

class CorrectedOnDisk : public Corrected {};

TEST_P(CorrectedOnDisk, ComesBackAsItWasAfterAStop) {
  ASSERT_TRUE(storage().correct(correction(1)));
  ASSERT_TRUE(storage().close());
  storage_.reset();
  storage_ = folder_.open();
  ASSERT_NE(storage_, nullptr) << folder_.failure;
  EXPECT_EQ(storage().position(), common_);
  EXPECT_EQ(looked(storage(), "changed"), "4 theirs");
  EXPECT_EQ(looked(storage(), "removed"), fmt::format("deleted 6 {}", now_s + 50));
  EXPECT_EQ(looked(storage(), "new"), "-");
  EXPECT_EQ(storage().inexact_keys().size(), 3u);
  {
    const Storage::Batch batch{storage()};
    ASSERT_TRUE(storage().apply(next_entry("1")));
    ASSERT_TRUE(storage().write_log());
  }
  EXPECT_TRUE(storage().inexact_keys().empty());
}

INSTANTIATE_TEST_SUITE_P(Kyoto, CorrectedOnDisk, testing::Values(true));

INSTANTIATE_TEST_SUITE_P(Both, Corrected, testing::Bool(),
                         [](const auto& given) { return given.param ? "Kyoto" : "Memory"; });

TEST_P(StorageSuite, RefusesTooLargeValues) {
  const std::string large(limits::value_bytes_max, 'x');
  set(storage(), "k", large);
  EXPECT_EQ(run(storage(), {.kind = OperationKind::append, .key = "k", .data = "y"})->kind, OutcomeKind::too_large);
}

INSTANTIATE_TEST_SUITE_P(Both, StorageSuite, testing::Bool(),
                         [](const auto& given) { return given.param ? "Kyoto" : "Memory"; });

}  // namespace
}  // namespace flare
