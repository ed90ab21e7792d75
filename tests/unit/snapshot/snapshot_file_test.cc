#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "flared/snapshot/snapshot_reader.h"
#include "flared/snapshot/snapshot_writer.h"
#include "flared/snapshot/take_snapshot.h"
#include "flared/storage/memory_storage.h"
#include "unit/storage/storage_helpers.h"

/// One format for build, backup and restart (design.md 3.5).
namespace flare::snapshot {
namespace {

constexpr std::size_t data_bytes_max = 1 << 20;
const Head head{{std::string(32, 'a'), "user-a"}, "node:12121", PartitionId{1}, 3, now_s};

std::string bytes_of(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream{path, std::ios::binary}.rdbuf();
  return std::move(content).str();
}

/// Everything as text, in the file's order.
class Collector final : public Visitor {
 public:
  Result<void, std::string> record(std::string_view key, const RecordView& record) override {
    records[std::string{key}] =
        fmt::format("{} {} {} {}", record.flags, record.expire_s, raw(record.version), record.data);
    return {};
  }
  Result<void, std::string> deletion(const stream::Deleted& deleted) override {
    deletions[std::string{deleted.key}] = fmt::format("{} {}", raw(deleted.version), deleted.hold_until_s);
    return {};
  }
  Result<void, std::string> entry(const LogEntry& entry) override {
    entries.emplace_back(entry.key);
    return {};
  }
  Contents records;
  Contents deletions;
  std::vector<std::string> entries;
};

/// A store with records and a remembered deletion, and its snapshot.
struct Taken {
  KyotoFolder folder;
  std::unique_ptr<KyotoStorage> storage = folder.open();
  std::filesystem::path path = folder.path("a.snapshot");

  Result<Position, std::string> take(const Progress& progress = {}) {
    auto writer = Writer::create(path, head);
    if (!writer) return writer.error();
    return snapshot::take(*storage, **writer, progress);
  }
};

TEST(SnapshotFile, HoldsRecordsDeletionsAndItsOwner) {
  Taken taken;
  for (int i = 0; i < 500; ++i) set(*taken.storage, "key" + std::to_string(i), std::string(100, 'v'));
  set(*taken.storage, "gone", "x");
  ASSERT_TRUE(run(*taken.storage, {.kind = OperationKind::remove, .key = "gone", .hold_until_s = now_s + 50}));
  const auto position = taken.take();
  ASSERT_TRUE(position) << position.error();

  Collector collector;
  const auto facts = read_file(taken.path, data_bytes_max, collector);
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_EQ(facts->head, head);
  EXPECT_EQ(facts->end, taken.storage->position());
  EXPECT_EQ(facts->records, 500);
  EXPECT_EQ(collector.records, contents_of(*taken.storage));
  EXPECT_EQ(collector.deletions.size(), 1);
  EXPECT_EQ(collector.deletions.at("gone").substr(2), std::to_string(now_s + 50));
  EXPECT_EQ(*read_file_head(taken.path), head);
}

TEST(SnapshotFile, IsExactByTheEntriesWrittenDuringTheScan) {
  Taken taken;
  for (int i = 0; i < 500; ++i) set(*taken.storage, "key" + std::to_string(i), std::string(1000, 'v'));
  int more = 0;
  const auto position = taken.take([&](std::uint64_t) {
    if (more < 3) set(*taken.storage, "key" + std::to_string(more++), "later");
    return true;
  });
  ASSERT_TRUE(position) << position.error();

  Collector collector;
  const auto facts = read_file(taken.path, data_bytes_max, collector);
  ASSERT_TRUE(facts) << facts.error();
  EXPECT_GE(facts->entries, 1);
  EXPECT_EQ(collector.entries.front(), "key0");
  EXPECT_EQ(raw(facts->end.sequence), raw(facts->begin.sequence) + facts->entries);
}

TEST(SnapshotFile, BrokenOffLeavesNothing) {
  Taken taken;
  set(*taken.storage, "key", "value");
  EXPECT_FALSE(taken.take([](std::uint64_t) { return false; }));
  EXPECT_FALSE(std::filesystem::exists(taken.path));
  EXPECT_FALSE(std::filesystem::exists(taken.path.string() + ".part"));
}

TEST(SnapshotFile, EveryChangedByteAndEveryCutIsNoticed) {
  Taken taken;
  for (int i = 0; i < 3; ++i) set(*taken.storage, "key" + std::to_string(i), "value");
  ASSERT_TRUE(taken.take());
  const auto whole = bytes_of(taken.path);
  ASSERT_TRUE(verify(whole, data_bytes_max));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= 1;
    EXPECT_FALSE(verify(damaged, data_bytes_max)) << at;
    EXPECT_FALSE(verify(whole.substr(0, at), data_bytes_max)) << at;
  }
  EXPECT_FALSE(verify(whole + "x", data_bytes_max));
}

TEST(SnapshotFile, AnUnknownFormatIsRefusedByName) {
  auto line = format_head(head);
  line.resize(line.size() - 2);
  ASSERT_TRUE(parse_head(line));
  line.replace(line.find(" 1 "), 3, " 7 ");
  const auto refused = parse_head(line);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("format 7"), std::string::npos) << refused.error();
}

TEST(SnapshotFile, ForeignFilesAreRefusedWithTheirName) {
  const TempFolder folder;
  const auto path = folder.path() / "foreign";
  for (const std::string_view content : {"", "FLARE", "KC\n binary", "FLARE-SNAPSHOT\r\n"}) {
    std::ofstream{path, std::ios::binary} << content;
    const auto refused = verify_file(path, data_bytes_max);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().find(path.string()), 0) << refused.error();
  }
  EXPECT_FALSE(verify_file(folder.path() / "none", data_bytes_max));
}

}  // namespace
}  // namespace flare::snapshot
