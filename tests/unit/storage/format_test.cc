#include <cstdlib>
#include <fstream>
#include <thread>

#include "unit/storage/replayed_log.h"

/// The bytes of a data-dir over versions: what this one wrote opens for ever, what it does not know is named.
namespace flare {
namespace {

constexpr auto all_of_it = std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing;

std::filesystem::path only_segment(const KyotoFolder& folder) {
  return std::filesystem::directory_iterator { folder.path("log") } -> path();
}

void write_byte(const std::filesystem::path& path, std::streamoff offset, char byte) {
  std::fstream{path, std::ios::binary | std::ios::in | std::ios::out}.seekp(offset).put(byte);
}

// Every kind of entry, records in the store and records that only the log has.
Contents fill_fixture(KyotoStorage& storage) {
  EXPECT_TRUE(storage.set_epoch(Epoch{3}));
  for (int number = 0; number < 20; ++number) set(storage, fmt::format("key-{}", number), std::string(50, 'x'));
  const auto checkpoints = storage.figures().checkpoints;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (storage.figures().checkpoints == checkpoints && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  set(storage, "key-1", "after the checkpoint");
  EXPECT_TRUE(run(storage, {.kind = OperationKind::remove, .key = "key-2", .hold_until_s = now_s + 60}));
  EXPECT_TRUE(run(storage, {.kind = OperationKind::touch, .key = "key-3", .expire_s = 4'000'000'000}));
  return contents_of(storage);
}

// tests/fixtures/data-dir-1: a killed node's, made by this test with FLARE_MAKE_FIXTURE=<new folder>. Never made anew
// for a later format: that gets a fixture of its own beside it.
TEST(Format, ADataDirOfFormatOneOpens) {
  if (const char* fresh = std::getenv("FLARE_MAKE_FIXTURE")) {
    KyotoFolder made;
    made.options.buckets = 64;
    const auto storage = made.open();
    ASSERT_NE(storage, nullptr) << made.failure;
    fill_fixture(*storage);
    std::filesystem::copy(made.folder.path(), fresh, all_of_it);
    std::filesystem::remove(std::filesystem::path{fresh} / "flare.boot");  // it names a boot of that machine
  }
  KyotoFolder kept;
  std::filesystem::copy(std::filesystem::path{FLARE_FIXTURES_DIR} / "data-dir-1", kept.folder.path(), all_of_it);
  const auto storage = kept.open();
  ASSERT_NE(storage, nullptr) << kept.failure;
  EXPECT_FALSE(storage->start().new_history) << kept.log.text();
  EXPECT_GE(storage->start().entries_applied, 3U);
  EXPECT_EQ(storage->position().epoch, Epoch{3});

  Contents expected;
  for (int number = 0; number < 20; ++number) {
    expected[fmt::format("key-{}", number)] = "0 0 1 " + std::string(50, 'x');
  }
  expected["key-1"] = "0 0 2 after the checkpoint";
  expected.erase("key-2");
  expected["key-3"] = "0 4000000000 1 " + std::string(50, 'x');
  EXPECT_EQ(contents_of(*storage), expected);
  EXPECT_EQ(run(*storage, {.kind = OperationKind::add, .key = "key-2", .data = "y"})->kind, OutcomeKind::not_stored)
      << "the hold of its deletion is in the log";
}

TEST(Format, AnUnknownOneOfTheLogIsRefusedByNameAndNothingIsChanged) {
  KyotoFolder folder;
  {
    const auto storage = folder.open();
    set(*storage, "k", "x");
    ASSERT_TRUE(storage->close());
  }
  constexpr std::streamoff format_at = 8;
  const auto segment = only_segment(folder);
  write_byte(segment, format_at, 2);
  EXPECT_EQ(folder.open(), nullptr);
  EXPECT_NE(folder.failure.find(segment.string()), std::string::npos) << folder.failure;
  EXPECT_NE(folder.failure.find("format 2"), std::string::npos) << folder.failure;
  write_byte(segment, format_at, 1);
  const auto storage = folder.open();
  ASSERT_NE(storage, nullptr) << folder.failure;
  EXPECT_TRUE(storage->start().clean);
  EXPECT_EQ(get(*storage, "k"), "0 0 1 x");
}

// design.md 3: it would open as if it were whole.
TEST(Format, AStoreCopiedFromARunningNodeWithoutItsSideFilesIsRefused) {
  KyotoFolder folder;
  KyotoFolder copy;
  const auto storage = folder.open();
  for (int number = 0; number < 100; ++number) set(*storage, fmt::format("key-{}", number), "x");
  std::filesystem::copy(folder.path("flare.kch"), copy.path("flare.kch"));
  EXPECT_EQ(copy.open(), nullptr);
  EXPECT_NE(copy.failure.find(copy.path("flare.kch").string()), std::string::npos) << copy.failure;
  EXPECT_NE(copy.failure.find("flare-backup"), std::string::npos) << copy.failure;
}

}  // namespace
}  // namespace flare
