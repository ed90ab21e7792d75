#include "flared/storage/update_log.h"

#include <cerrno>

#include "unit/storage/storage_helpers.h"

namespace flare {
namespace {

struct LogFolder {
  TempFolder folder;
  UpdateLog::Options options{.folder = folder.path() / "log", .bytes_max = 1024 * 1024, .reserve = {}};

  std::unique_ptr<UpdateLog> create() {
    const SegmentHeader header{.log_id = LogId{7}, .first = Sequence{1}, .epoch = Epoch{0}, .epochs = {}};
    EXPECT_EQ(UpdateLog::create(options.folder, header), 0);
    return open();
  }
  std::unique_ptr<UpdateLog> open() {
    auto opened = UpdateLog::open(options, {});
    failure = opened ? "" : opened.error();
    return opened ? std::move(*opened) : nullptr;
  }
  std::size_t segments() const {
    const std::filesystem::directory_iterator begin{options.folder};
    return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator{}));
  }
  std::string failure;
};

void append(UpdateLog& log, std::size_t data_bytes = 10) {
  const std::string data(data_bytes, 'x');
  ASSERT_TRUE(log.append({.key = "k", .data = data}));
}

TEST(UpdateLog, GivesTheKernelAPrefixInOneCall) {
  LogFolder folder;
  const auto log = folder.create();
  for (int i = 0; i < 5; ++i) append(*log);
  EXPECT_EQ(log->last(), Sequence{5});
  EXPECT_EQ(log->written(), Sequence{0});
  std::string bytes;
  EXPECT_EQ(*log->read(Sequence{0}, 1000, bytes), Sequence{0});  // unwritten entries are shown to nobody
  EXPECT_TRUE(*log->write());
  EXPECT_FALSE(*log->write());
  EXPECT_EQ(log->written(), Sequence{5});
  EXPECT_EQ(log->write_calls(), 1u);
}

TEST(UpdateLog, GoesOnAfterARestart) {
  LogFolder folder;
  {
    const auto log = folder.create();
    append(*log);
    ASSERT_TRUE(log->write());
    append(*log);  // never written
  }
  const auto log = folder.open();
  ASSERT_NE(log, nullptr) << folder.failure;
  EXPECT_EQ(log->log_id(), LogId{7});
  EXPECT_EQ(log->last(), Sequence{1});
  append(*log);
  EXPECT_EQ(log->last(), Sequence{2});
}

TEST(UpdateLog, KeepsAllUntilTheCheckpointAndThenItsBound) {
  LogFolder folder;
  const auto log = folder.create();
  for (int i = 0; i < 30; ++i) {
    append(*log, 100'000);
    ASSERT_TRUE(log->write());
  }
  EXPECT_EQ(log->first(), Sequence{1});
  EXPECT_GT(folder.segments(), 10u);
  log->checkpointed(Sequence{12});
  EXPECT_GT(log->first(), Sequence{1});
  EXPECT_LE(log->first(), Sequence{13});
  log->checkpointed(log->last());
  EXPECT_LE(log->bytes(), folder.options.bytes_max);
  const auto reopened = folder.open();
  ASSERT_NE(reopened, nullptr) << folder.failure;
  EXPECT_EQ(reopened->first(), log->first());
}

TEST(UpdateLog, HoldsPinnedEntriesUpToFourTimesItsBound) {
  LogFolder folder;
  const auto log = folder.create();
  append(*log);
  ASSERT_TRUE(log->write());
  auto pin = log->pin(Sequence{1});
  const auto fill = [&](std::uint64_t until_bytes) {
    for (std::uint64_t bytes = 0; bytes < until_bytes; bytes += 100'000) {
      append(*log, 100'000);
      ASSERT_TRUE(log->write());
      log->checkpointed(log->last());
    }
  };
  fill(2'500'000);
  std::string bytes;
  EXPECT_EQ(*log->read(Sequence{1}, 1, bytes), Sequence{2});
  fill(2'500'000);
  const auto late = log->read(Sequence{1}, 1, bytes);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), StorageError::too_old);
  pin.reset();
  log->checkpointed(log->last());
  EXPECT_LE(log->bytes(), folder.options.bytes_max);
}

TEST(UpdateLog, NumbersNothingWithoutRoom) {
  LogFolder folder;
  int error = 0;
  folder.options.reserve = [&](int, std::uint64_t, std::uint64_t) { return error; };
  const auto log = folder.create();
  for (const int refusal : {ENOSPC, EDQUOT, EIO}) {
    error = refusal;
    const std::string large(3'000'000, 'x');
    const auto refused = log->append({.key = "k", .data = large});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), refusal == EIO ? StorageError::io : StorageError::out_of_space);
    EXPECT_EQ(log->last(), Sequence{0});
  }
}

TEST(UpdateLog, StoresAnEpochBeforeItsFirstEntry) {
  LogFolder folder;
  {
    const auto log = folder.create();
    ASSERT_TRUE(log->set_epoch(Epoch{4}));
    ASSERT_TRUE(log->set_epoch(Epoch{5}));
    ASSERT_TRUE(log->set_epoch(Epoch{3}));
  }
  const auto log = folder.open();
  ASSERT_NE(log, nullptr) << folder.failure;
  EXPECT_EQ(log->epoch(), Epoch{5});
  EXPECT_TRUE(log->epochs().empty());
  EXPECT_EQ(folder.segments(), 1u);
}

TEST(UpdateLog, RefusesAMissingSegment) {
  LogFolder folder;
  {
    const auto log = folder.create();
    for (int i = 0; i < 3; ++i) {
      append(*log);
      ASSERT_TRUE(log->roll());
    }
  }
  std::filesystem::remove(folder.options.folder / LogSegment::file_name(Sequence{2}));
  EXPECT_EQ(folder.open(), nullptr);
  EXPECT_NE(folder.failure.find(LogSegment::file_name(Sequence{3})), std::string::npos) << folder.failure;
}

TEST(Deletions, AreBoundedAndDropTheOldest) {
  Deletions deletions{2};
  deletions.remember("a", {RecordVersion{1}, 0});
  deletions.remember("b", {RecordVersion{2}, 0});
  deletions.remember("a", {RecordVersion{3}, 0});  // now the youngest
  deletions.remember("c", {RecordVersion{4}, 0});
  EXPECT_EQ(deletions.size(), 2u);
  EXPECT_FALSE(deletions.find("b"));
  EXPECT_EQ(deletions.find("a")->version, RecordVersion{3});
  deletions.forget("a");
  EXPECT_FALSE(deletions.find("a"));
  deletions.clear();
  EXPECT_EQ(deletions.size(), 0u);
}

}  // namespace
}  // namespace flare
