#include <kclangc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <thread>

#include "flared/storage/clean_mark.h"
#include "flared/storage/deletions_file.h"
#include "unit/storage/replayed_log.h"

/// What a start finds after an end that was not clean (design.md 3.4).
namespace flare {
namespace {

// The data-dir as a kill would leave it now: everything acknowledged is in the kernel.
void copy_as_killed(const KyotoFolder& from, KyotoFolder& to) {
  std::filesystem::copy(from.folder.path(), to.folder.path(), std::filesystem::copy_options::recursive);
}

std::filesystem::path newest_segment(const KyotoFolder& folder) {
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator{folder.path("log")}) {
    if (entry.path().extension() == ".log") newest = std::max(newest, entry.path());
  }
  return newest;
}

void append_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream{path, std::ios::binary | std::ios::app} << bytes;
}

void flip_byte(const std::filesystem::path& path, std::int64_t offset) {
  std::fstream file{path, std::ios::binary | std::ios::in | std::ios::out};
  file.seekg(offset);
  const int byte = file.get();
  file.seekp(offset);
  file.put(static_cast<char>(byte ^ 1));
}

/// The library's own hash store, through its C interface, as an original or an operator's tool opens it.
class ForeignStore {
 public:
  ForeignStore(const std::filesystem::path& path, std::uint32_t mode, std::string_view tuning = "") : db_(::kcdbnew()) {
    opened_ = ::kcdbopen(db_, (path.string() + std::string{tuning}).c_str(), mode) != 0;
  }
  ~ForeignStore() {
    ::kcdbclose(db_);
    ::kcdbdel(db_);
  }
  ForeignStore(const ForeignStore&) = delete;
  ForeignStore& operator=(const ForeignStore&) = delete;
  bool opened() const { return opened_; }
  bool set(std::string_view key, std::string_view bytes) {
    return ::kcdbset(db_, key.data(), key.size(), bytes.data(), bytes.size()) != 0;
  }
  std::string get(std::string_view key) {
    std::size_t size = 0;
    char* bytes = ::kcdbget(db_, key.data(), key.size(), &size);
    if (bytes == nullptr) return {};
    std::string copy{bytes, size};
    ::kcfree(bytes);
    return copy;
  }

 private:
  KCDB* db_;
  bool opened_ = false;
};

// A writer of the child that is killed: batches, now and then a delete or a flush; reports what was acknowledged.
void write_until_killed(KyotoStorage& storage, int reports, unsigned seed) {
  std::mt19937 random{seed};
  const std::string filler(300, 'f');
  while (true) {
    if (random() % 2000 == 0) std::ignore = storage.flush();
    Storage::Batch batch{storage};
    for (auto operations = 1 + random() % 20; operations > 0; --operations) {
      const auto key = fmt::format("key-{}", random() % 500);
      const auto data = fmt::format("{}-{}", random(), filler.substr(0, random() % filler.size()));
      const auto kind = random() % 10 == 0 ? OperationKind::remove : OperationKind::set;
      std::ignore = storage.execute({.kind = kind, .key = key, .data = data}, now_s, nullptr);
    }
    if (!storage.write_log()) _exit(2);
    const auto acknowledged = raw(storage.written_sequence());
    std::ignore = ::write(reports, &acknowledged, sizeof acknowledged);
  }
}

[[noreturn]] void child(KyotoFolder& folder, int reports, unsigned seed) {
  const auto storage = folder.open();
  if (!storage) _exit(3);
  std::thread other{[&] { write_until_killed(*storage, reports, seed + 1); }};
  write_until_killed(*storage, reports, seed);
  _exit(4);
}

// Starts a child, kills it after so many reports; the highest sequence that it acknowledged.
std::uint64_t write_and_kill(KyotoFolder& folder, int reports_before_kill, unsigned seed) {
  int ends[2];
  if (::pipe(ends) != 0) return 0;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    child(folder, ends[1], seed);
  }
  ::close(ends[1]);
  std::uint64_t highest = 0;
  std::uint64_t sequence = 0;
  for (int reports = 0; ::read(ends[0], &sequence, sizeof sequence) == sizeof sequence; ++reports) {
    highest = std::max(highest, sequence);
    if (reports == reports_before_kill && pid > 1) ::kill(pid, SIGKILL);
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  return highest;
}

TEST(Recovery, LosesNothingAcknowledgedWhenKilledAtRandomMoments) {
  KyotoFolder folder;
  std::mt19937 random{20240607};
  LogId history{0};
  std::uint64_t applied = 0;
  for (int round = 0; round < 8; ++round) {
    const auto acknowledged =
        write_and_kill(folder, 20 + static_cast<int>(random() % 800), static_cast<unsigned>(random()));
    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr) << folder.failure;
    EXPECT_FALSE(storage->start().clean);
    EXPECT_FALSE(storage->start().new_history) << folder.log.text();
    applied += storage->start().entries_applied;
    if (round > 0) {
      EXPECT_EQ(storage->position().log_id, history);
    }
    history = storage->position().log_id;
    EXPECT_GE(raw(storage->position().sequence), acknowledged);
    EXPECT_EQ(contents_of(*storage), replayed(*storage)) << "round " << round;
    ASSERT_TRUE(storage->close());
  }
  EXPECT_GT(applied, 0u) << "no round had to apply anything: the test shows nothing";
}

TEST(Recovery, CleanStopNeedsNoLog) {
  KyotoFolder folder;
  {
    const auto storage = folder.open();
    set(*storage, "k", "x");
    ASSERT_TRUE(storage->close());
  }
  ASSERT_TRUE(std::filesystem::exists(folder.path("flare.clean")));
  const auto storage = folder.open();
  EXPECT_TRUE(storage->start().clean);
  EXPECT_FALSE(storage->start().new_history);
  EXPECT_FALSE(std::filesystem::exists(folder.path("flare.clean")));
  EXPECT_EQ(get(*storage, "k"), "0 0 1 x");
  EXPECT_EQ(storage->position().sequence, Sequence{1});
}

TEST(Recovery, ReplaysInvalidatedAndCreatedRecordsWithTheirVersions) {
  KyotoFolder folder;
  KyotoFolder killed;
  const auto storage = folder.open();
  set(*storage, "stale", "old");
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::invalidate, .key = "stale", .new_expire_s = now_s + 30}));
  set(*storage, "again", "x");
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = "again"}));
  const Creation empty{.data = "", .expire_s = now_s + 30};
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::fetch, .key = "again", .creation = empty}));
  ASSERT_TRUE(
      run(*storage, {.kind = OperationKind::incr, .key = "n", .creation = Creation{.data = "7", .expire_s = 0}}));
  copy_as_killed(folder, killed);

  const auto replayed_store = killed.open();
  ASSERT_NE(replayed_store, nullptr) << killed.failure;
  EXPECT_GT(replayed_store->start().entries_applied, 0u);
  EXPECT_EQ(contents_of(*replayed_store),
            (Contents{{"again", "0 1700000030 2 "}, {"n", "0 0 1 7"}, {"stale", "0 1700000030 2 old"}}));
  EXPECT_EQ(contents_of(*replayed_store), contents_of(*storage));
  const auto held_by_old_version =
      run(*replayed_store, {.kind = OperationKind::cas, .key = "stale", .data = "n", .compare = RecordVersion{1}});
  EXPECT_EQ(held_by_old_version->kind, OutcomeKind::exists);
}

TEST(Recovery, CutsATornTailOff) {
  KyotoFolder folder;
  KyotoFolder killed;
  const auto storage = folder.open();
  for (int i = 0; i < 10; ++i) set(*storage, fmt::format("key-{}", i), "x");
  const auto expected = contents_of(*storage);
  copy_as_killed(folder, killed);

  std::string torn(encoded_bytes({.key = "torn", .data = "data"}), '\0');
  encode_entry({.sequence = Sequence{11}, .key = "torn", .data = "data"}, torn.data());
  for (const auto size : {std::size_t{1}, torn.size() / 2, torn.size() - 1}) {
    append_bytes(newest_segment(killed), std::string_view{torn}.substr(0, size));
    const auto again = killed.open();
    ASSERT_NE(again, nullptr) << killed.failure;
    EXPECT_FALSE(again->start().new_history);
    EXPECT_EQ(again->position().sequence, Sequence{10});
    EXPECT_EQ(contents_of(*again), expected);
  }
  EXPECT_NE(killed.log.text().find("torn tail"), std::string::npos);
}

TEST(Recovery, RefusesToStartOnDamageWithIntactEntriesBehindIt) {
  KyotoFolder folder;
  KyotoFolder killed;
  const auto storage = folder.open();
  for (int i = 0; i < 10; ++i) set(*storage, fmt::format("key-{}", i), "x");
  copy_as_killed(folder, killed);
  const auto segment = newest_segment(killed);
  flip_byte(segment, static_cast<std::int64_t>(std::filesystem::file_size(segment) / 2));
  EXPECT_EQ(killed.open(), nullptr);
  EXPECT_NE(killed.failure.find(segment.string()), std::string::npos) << killed.failure;
}

TEST(Recovery, ACleanStoreOutlivesADamagedLogUnderANewLogId) {
  KyotoFolder folder;
  LogId before{0};
  {
    const auto storage = folder.open();
    for (int i = 0; i < 10; ++i) set(*storage, fmt::format("key-{}", i), "x");
    before = storage->position().log_id;
    ASSERT_TRUE(storage->close());
  }
  const auto segment = newest_segment(folder);
  flip_byte(segment, static_cast<std::int64_t>(std::filesystem::file_size(segment) / 2));
  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_TRUE(storage->start().new_history);
  EXPECT_NE(storage->position().log_id, before);
  EXPECT_EQ(storage->figures().items, 10u);
}

struct Meddling {
  std::string name;
  void (*meddle)(KyotoFolder&);
};

class NewHistory : public testing::TestWithParam<Meddling> {};

// design.md 3.1: a position in the old log must not be taken for one in this store.
TEST_P(NewHistory, BeginsWhenStoreAndLogDoNotBelongTogether) {
  KyotoFolder folder;
  LogId before{0};
  {
    const auto storage = folder.open();
    ASSERT_TRUE(storage->set_epoch(Epoch{5}));
    set(*storage, "k", "x");
    before = storage->position().log_id;
    ASSERT_TRUE(storage->close());
  }
  GetParam().meddle(folder);
  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_TRUE(storage->start().new_history);
  EXPECT_NE(storage->position().log_id, before);
  EXPECT_EQ(get(*storage, "k"), "0 0 1 x");
  EXPECT_EQ(replayed(*storage), Contents{});
  set(*storage, "k", "y");
  EXPECT_EQ(get(*storage, "k"), "0 0 2 y");
}

INSTANTIATE_TEST_SUITE_P(
    Design_3_1, NewHistory,
    testing::Values(Meddling{"log_gone", [](KyotoFolder& folder) { std::filesystem::remove_all(folder.path("log")); }},
                    Meddling{"log_of_another_store",
                             [](KyotoFolder& folder) {
                               KyotoFolder other;
                               set(*other.open(), "other", "z");
                               std::filesystem::remove_all(folder.path("log"));
                               std::filesystem::copy(other.path("log"), folder.path("log"));
                             }},
                    Meddling{"store_changed_by_somebody_else",
                             [](KyotoFolder& folder) {
                               ForeignStore store{folder.path("flare.kch"), KCOWRITER};
                               store.set("foreign", "bytes");
                             }}),
    [](const auto& given) { return given.param.name; });

TEST(Recovery, AStoreAheadOfItsLogBeginsANewHistory) {
  KyotoFolder folder;
  KyotoFolder early;
  {
    const auto storage = folder.open();
    set(*storage, "k", "x");
    copy_as_killed(folder, early);
    set(*storage, "k", "y");
    ASSERT_TRUE(storage->close());
  }
  std::filesystem::remove_all(folder.path("log"));
  std::filesystem::copy(early.path("log"), folder.path("log"));
  const auto storage = folder.open();
  EXPECT_TRUE(storage->start().new_history);
  EXPECT_EQ(get(*storage, "k"), "0 0 2 y");
}

TEST(Recovery, RebuildsRememberedDeletionsFromTheLog) {
  KyotoFolder folder;
  KyotoFolder killed;
  const auto storage = folder.open();
  set(*storage, "k", "x");
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = "k", .hold_until_s = now_s + 60}));
  copy_as_killed(folder, killed);
  ASSERT_TRUE(storage->close());
  for (auto* each : {&folder, &killed}) {
    const auto again = each->open();
    ASSERT_NE(again, nullptr) << each->failure;
    EXPECT_EQ(run(*again, {.kind = OperationKind::add, .key = "k", .data = "y"})->kind, OutcomeKind::not_stored);
    EXPECT_EQ(run(*again, {.kind = OperationKind::set, .key = "k", .data = "y"})->version, RecordVersion{2});
  }
}

void expect_remembered(KyotoStorage& storage, std::string_view key, RecordVersion version) {
  EXPECT_EQ(run(storage, {.kind = OperationKind::add, .key = key, .data = "y"})->kind, OutcomeKind::not_stored) << key;
  EXPECT_EQ(run(storage, {.kind = OperationKind::set, .key = key, .data = "y"})->version, version) << key;
}

// design.md 3.9: the table of deletions outlives the entries that the log has dropped.
TEST(Recovery, KeepsRememberedDeletionsThatTheLogHasDropped) {
  KyotoFolder folder;
  KyotoFolder killed;
  folder.options.log_max_bytes = killed.options.log_max_bytes = 64 * 1024;
  {
    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr) << folder.failure;
    for (const char* key : {"deleted", "again"}) {
      set(*storage, key, "x");
      ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = key, .hold_until_s = now_s + 600}));
    }
    const auto deleted_at = storage->position().sequence;
    set(*storage, "again", "x");  // it is no deleted key any more
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    std::string bytes;
    for (int number = 0; storage->read_log(next(deleted_at), 100, bytes).has_value(); ++number) {
      bytes.clear();
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "the log is never cut";
      set(*storage, "k" + std::to_string(number % 10), std::string(10'000, 'x'));
    }
    copy_as_killed(folder, killed);
    ASSERT_TRUE(storage->close());
  }
  for (auto* each : {&folder, &killed}) {
    const auto storage = each->open();
    ASSERT_NE(storage, nullptr) << each->failure;
    EXPECT_FALSE(storage->start().new_history);
    expect_remembered(*storage, "deleted", RecordVersion{2});
    EXPECT_EQ(get(*storage, "again"), "0 0 2 x");
  }
}

TEST(Recovery, KeepsRememberedDeletionsOfAReplacement) {
  KyotoFolder folder;
  KyotoFolder killed;
  {
    const auto storage = folder.open();
    const auto replacement = storage->begin_replacement(1);
    ASSERT_TRUE(replacement);
    (*replacement)->put_deletion("deleted", RecordVersion{7}, now_s + 600);
    ASSERT_TRUE((*replacement)->commit({LogId{77}, Epoch{4}, Sequence{1000}}, {{Epoch{4}, Sequence{1000}}}));
    copy_as_killed(folder, killed);
    ASSERT_TRUE(storage->close());
  }
  for (auto* each : {&folder, &killed}) {
    const auto storage = each->open();
    ASSERT_NE(storage, nullptr) << each->failure;
    EXPECT_EQ(storage->position().log_id, LogId{77});
    expect_remembered(*storage, "deleted", RecordVersion{8});
  }
}

// Twice: the first start draws a new log, which must hand them on.
TEST(Recovery, KeepsRememberedDeletionsUnderANewLogId) {
  KyotoFolder folder;
  {
    const auto storage = folder.open();
    set(*storage, "deleted", "x");
    ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = "deleted", .hold_until_s = now_s + 600}));
    ASSERT_TRUE(storage->close());
  }
  { ForeignStore{folder.path("flare.kch"), KCOWRITER}.set("foreign", "bytes"); }
  { ASSERT_TRUE(folder.open()->start().new_history); }
  const auto storage = folder.open();
  ASSERT_FALSE(storage->start().new_history);
  expect_remembered(*storage, "deleted", RecordVersion{2});
}

TEST(Recovery, DoesNotTakeDeletionsOfAnotherLog) {
  KyotoFolder folder;
  KyotoFolder other;
  for (auto* each : {&folder, &other}) {
    const auto storage = each->open();
    const auto* key = each == &folder ? "own" : "other's";
    set(*storage, key, "x");
    ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = key, .hold_until_s = now_s + 600}));
    ASSERT_TRUE(storage->close());
  }
  Deletions deletions{10};
  deletions.remember("other's", {RecordVersion{5}, now_s + 600});
  ASSERT_EQ(write_deletions(folder.path("log"), {LogId{5}, Sequence{0}}, deletions), 0);
  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_EQ(run(*storage, {.kind = OperationKind::add, .key = "other's", .data = "y"})->kind, OutcomeKind::stored);
  expect_remembered(*storage, "own", RecordVersion{2});
}

// A file of another node, perhaps copied while that wrote to it, put beside this node's log.
TEST(Recovery, RefusesAStoreOfAnotherHistoryThatWasNotSeenClosed) {
  KyotoFolder folder;
  KyotoFolder other;
  const auto running = other.open();
  set(*running, "other", "z");
  {
    const auto storage = folder.open();
    set(*storage, "k", "x");
    ASSERT_TRUE(storage->close());
  }
  std::filesystem::copy_file(other.path("flare.kch"), folder.path("flare.kch"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(folder.open(), nullptr);
  EXPECT_EQ(folder.open(), nullptr) << "nor the next time";
  EXPECT_NE(folder.failure.find("is not the store of this node that was closed here"), std::string::npos)
      << folder.failure;
}

TEST(Recovery, KeepsEpochsOverARestart) {
  KyotoFolder folder;
  EpochTable expected{{Epoch{2}, Sequence{1}}, {Epoch{6}, Sequence{2}}};
  {
    const auto storage = folder.open();
    ASSERT_TRUE(storage->set_epoch(Epoch{2}));
    set(*storage, "k", "x");
    ASSERT_TRUE(storage->set_epoch(Epoch{6}));
    set(*storage, "k", "y");
    ASSERT_TRUE(storage->set_epoch(Epoch{9}));  // stored before its first entry
    ASSERT_TRUE(storage->close());
  }
  const auto storage = folder.open();
  EXPECT_EQ(storage->epochs(), expected);
  EXPECT_EQ(storage->position().epoch, Epoch{6});
  set(*storage, "k", "z");
  EXPECT_EQ(storage->position().epoch, Epoch{9});
}

TEST(Recovery, AReplacementSurvivesARestartWithItsPosition) {
  KyotoFolder folder;
  const Position position{LogId{77}, Epoch{4}, Sequence{1000}};
  {
    const auto storage = folder.open();
    set(*storage, "old", "x");
    const auto replacement = storage->begin_replacement(0);
    ASSERT_TRUE((*replacement)->put("new", {.version = RecordVersion{9}, .data = "y"}));
    ASSERT_TRUE((*replacement)->commit(position, {{Epoch{4}, Sequence{1000}}}));
  }
  const auto storage = folder.open();
  EXPECT_FALSE(storage->start().new_history) << folder.log.text();
  EXPECT_EQ(storage->position(), position);
  EXPECT_EQ(contents_of(*storage), (Contents{{"new", "0 0 9 y"}}));
  EXPECT_FALSE(std::filesystem::exists(folder.path("log.old")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("flare.kch.new")));
}

// Every state that a kill can leave between the renames of a replacement.
TEST(Recovery, AKillInTheMiddleOfASwapLeavesAWholeStore) {
  for (const int step : {1, 2}) {
    KyotoFolder folder;
    KyotoFolder fresh;
    {
      const auto storage = folder.open();
      set(*storage, "old", "x");
      const auto other = fresh.open();
      set(*other, "new", "y");
    }
    std::filesystem::remove(clean_mark_path(folder.path("")));  // it was running
    std::filesystem::rename(folder.path("log"), folder.path("log.old"));
    if (step == 2) std::filesystem::rename(fresh.path("flare.kch"), folder.path("flare.kch"));
    std::filesystem::rename(fresh.path("log"), folder.path("log.new"));
    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr) << folder.failure;
    EXPECT_TRUE(storage->start().new_history);
    EXPECT_EQ(get(*storage, step == 1 ? "old" : "new"), step == 1 ? "0 0 1 x" : "0 0 1 y");
    EXPECT_EQ(storage->figures().items, 1u);
  }
}

TEST(Recovery, TakesAnOriginalsFileAsItIs) {
  KyotoFolder folder;
  {
    // protocol.md 7: SMALL and LINEAR unless storage-large
    ForeignStore original{folder.path("flare.kch"), KCOWRITER | KCOCREATE, "#opts=sl#bnum=131101#apow=4"};
    ASSERT_TRUE(original.opened());
    const auto header = encode_record_header(7, 0, RecordVersion{3}, 5);
    const auto bytes = std::string{header.data(), header.size()} + "hello";
    ASSERT_TRUE(original.set("k", bytes));
  }
  {
    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr) << folder.failure;
    EXPECT_EQ(get(*storage, "k"), "7 0 3 hello");
    set(*storage, "k", "ours");
  }
  ForeignStore original{folder.path("flare.kch"), KCOREADER};  // and back
  ASSERT_TRUE(original.opened());
  const auto bytes = original.get("k");
  ASSERT_TRUE(decode_record(bytes));
  EXPECT_EQ(decode_record(bytes)->data, "ours");
}

TEST(Recovery, RefusesANewerStoreOfAnotherKind) {
  for (const char* name : {"flare.hdb", "flare.bdb"}) {
    KyotoFolder folder;
    append_bytes(folder.path(name), "records");
    EXPECT_EQ(folder.open(), nullptr);
    EXPECT_NE(folder.failure.find(folder.path(name).string()), std::string::npos) << folder.failure;
    EXPECT_FALSE(std::filesystem::exists(folder.path("flare.kch")));
  }
}

TEST(Recovery, SaysWhichFileDoesNotOpen) {
  KyotoFolder folder;
  append_bytes(folder.path("flare.kch"), std::string(1000, 'x'));
  EXPECT_EQ(folder.open(), nullptr);
  EXPECT_NE(folder.failure.find(folder.path("flare.kch").string()), std::string::npos) << folder.failure;
  folder.options.data_dir = folder.path("absent");
  EXPECT_EQ(folder.open(), nullptr);
  EXPECT_NE(folder.failure.find("absent"), std::string::npos);
}

}  // namespace
}  // namespace flare
