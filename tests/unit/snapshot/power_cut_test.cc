#include "unit/snapshot/power_cut.h"

#include <chrono>
#include <future>
#include <set>
#include <thread>

#include "flared/snapshot/rebuild.h"
#include "flared/snapshot/snapshot_keeper.h"

/// What is left after the power was cut (design.md 3.6). FLARE_CRASH_IMAGES: how many images in all; CI runs a few.
namespace flare {
namespace {

using snapshot::Head;

int images_wanted() {
  const char* given = std::getenv("FLARE_CRASH_IMAGES");
  return given == nullptr ? 24 : std::max(1, std::atoi(given));
}

/// What was asked of the store, in order: of each key every value it had, and which of them was acknowledged last.
struct Record {
  std::map<std::string, std::vector<std::string>> values;  // "-": removed
  std::map<std::string, std::size_t> safe;                 // index of the newest acknowledged value
};

/// A node that is written to until the power goes.
class Node {
 public:
  explicit Node(Durability durability, std::uint32_t seed, RewritePace pace = {})
      : random_(seed), disk_(folder_.folder.path()) {
    folder_.options.buckets = 64;  // a small file: its pages are mixed, not lost in zeros
    folder_.options.durability = durability;
    folder_.options.rewrite_pace = pace;
    // What is wasted for a rewrite stays in the log, too: without the entry of a removal the salvage may take what is
    // left of the record for one (docs/operations.md).
    folder_.options.log_max_bytes = pace.try_again == eager.try_again ? 1024 * 1024 * 1024 : 512 * 1024;
    folder_.options.sync = disk_.sync();
    storage_ = folder_.open();
    if (durability == Durability::process) return;
    keeper_ = std::make_unique<snapshot::Keeper>(
        *storage_, folder_.folder.path(), [] { return Head{}; }, folder_.log);
  }
  ~Node() { keeper_.reset(); }

  Result<void, std::string> ensure_snapshot() { return keeper_->ensure(); }
  void settle() {
    ASSERT_TRUE(storage_->close());
    storage_.reset();
    storage_ = folder_.open();
    disk_.settle();
  }
  // Anything is much.
  static constexpr RewritePace eager{.waste_bytes_min = 16 * 1024, .try_again = std::chrono::milliseconds{10}};
  /// Everything but a little is removed, so that the store is soon rewritten.
  void waste_until_rewritten() {
    const auto before = storage_->figures().rewrites;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    // In bursts: a rewrite takes half of its thread's time, and never catches up with writes without end.
    const auto rewritten_soon = [&] {
      const auto pause_ends = std::chrono::steady_clock::now() + std::chrono::milliseconds{200};
      while (storage_->figures().rewrites == before && std::chrono::steady_clock::now() < pause_ends) {
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
      return storage_->figures().rewrites != before;
    };
    do {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      for (int i = 0; i < 32; ++i) {
        write_one("waste" + std::to_string(random_() % 8), 20'000 + 2'000 * (number_ % 100));
        write_log();
      }
    } while (!rewritten_soon());
  }
  CuttableDisk& disk() { return disk_; }
  KyotoStorage& storage() { return *storage_; }
  const Record& record() const { return record_; }

  void write_some(int count) {
    for (int i = 0; i < count; ++i) write_one();
  }
  /// As a session does in `group`: what was answered is safe.
  void acknowledge() {
    std::promise<bool> safe;
    {
      const Storage::Batch batch{*storage_};
      ASSERT_TRUE(storage_->write_log());
      storage_->when_on_disk([&safe](bool done) { safe.set_value(done); });
    }
    ASSERT_TRUE(safe.get_future().get());
    for (const auto& [key, values] : record_.values) record_.safe[key] = values.size() - 1;
  }
  void write_log() {
    const Storage::Batch batch{*storage_};
    ASSERT_TRUE(storage_->write_log());
  }
  void wait_for_interval() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (storage_->durable_sequence() < storage_->position().sequence) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
    for (const auto& [key, values] : record_.values) record_.safe[key] = values.size() - 1;
  }

 private:
  void write_one() { write_one("key" + std::to_string(random_() % 300), random_() % 700); }
  void write_one(const std::string& key, std::size_t bytes) {
    const bool removes = random_() % 5 == 0;
    const auto value = std::to_string(++number_) + std::string(bytes, 'v');
    const Storage::Batch batch{*storage_};
    const auto done = storage_->execute({.kind = removes ? OperationKind::remove : OperationKind::set,
                                         .key = key,
                                         .data = removes ? std::string_view{} : value},
                                        now_s, nullptr);
    ASSERT_TRUE(done);
    auto& values = record_.values[key];
    if (values.empty()) values.push_back("-");
    if (done->kind == OutcomeKind::stored) values.push_back(value);
    if (done->kind == OutcomeKind::deleted) values.push_back("-");
  }

  std::mt19937 random_;
  KyotoFolder folder_;
  CuttableDisk disk_;
  std::unique_ptr<KyotoStorage> storage_;
  std::unique_ptr<snapshot::Keeper> keeper_;
  Record record_;
  int number_ = 0;
};

std::string value_in(const Contents& contents, const std::string& key) {
  const auto found = contents.find(key);
  if (found == contents.end()) return "-";
  return found->second.substr(found->second.rfind(' ') + 1);
}

// Keys that do not have a value that they had once, none older than the newest that was safe.
std::vector<std::string> faults_of(const Contents& contents, const Record& record) {
  std::vector<std::string> faults;
  for (const auto& [key, whole] : contents) {
    if (!record.values.contains(key)) faults.push_back("a key that nobody wrote: " + key);
  }
  for (const auto& [key, values] : record.values) {
    const auto value = value_in(contents, key);
    const auto safe = record.safe.contains(key) ? record.safe.at(key) : 0;
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(safe);
    if (std::find(from, values.end(), value) != values.end()) continue;
    faults.push_back(fmt::format("{} is {} after the cut, and was {} when it was safe (value {} of {})", key,
                                 value.substr(0, 12), values[safe].substr(0, 12), safe, values.size()));
  }
  return faults;
}

const std::vector<std::string> none;

/// The start on one image.
struct Restart {
  explicit Restart(Durability durability) {
    folder.options.buckets = 64;
    folder.options.durability = durability;
  }
  void run() {
    auto done = snapshot::rebuild_if_needed(folder.options, {}, folder.log, folder.clock);
    ASSERT_TRUE(done) << done.error();
    ASSERT_TRUE(*done);
    rebuilt = **done;
    storage = folder.open();
    ASSERT_TRUE(storage) << folder.failure;
    EXPECT_TRUE(storage->start().clean);
    contents = contents_of(*storage);
  }
  KyotoFolder folder;
  snapshot::Rebuilt rebuilt;
  std::unique_ptr<KyotoStorage> storage;
  Contents contents;
};

constexpr int images_of_a_node = 8;

TEST(PowerCut, GroupLosesNothingAcknowledged) {
  for (int image = 0; image < images_wanted(); image += images_of_a_node) {
    Node node{Durability::group, static_cast<std::uint32_t>(image)};
    node.write_some(image % 3 * 300);
    ASSERT_TRUE(node.ensure_snapshot());
    for (int batch = 0; batch < 10; ++batch) {
      node.write_some(60);
      node.acknowledge();
    }
    node.write_some(100);  // in work when the power goes
    node.write_log();
    for (int i = 0; i < images_of_a_node; ++i) {
      Restart restart{Durability::group};
      node.disk().cut_into(restart.folder.folder.path(), static_cast<std::uint32_t>(1000 * image + i));
      restart.run();
      EXPECT_TRUE(restart.rebuilt.from_snapshot);
      ASSERT_EQ(faults_of(restart.contents, node.record()), none) << "image " << image + i;
      EXPECT_FALSE(snapshot::list_local(restart.folder.folder.path()).empty());
      EXPECT_FALSE(snapshot::read_notice(restart.folder.folder.path())) << "nobody was answered for what is gone";
    }
  }
}

TEST(PowerCut, GroupLosesNothingAcknowledgedWhenTheStoreIsRewritten) {
  for (int image = 0; image < images_wanted(); image += images_of_a_node) {
    Node node{Durability::group, static_cast<std::uint32_t>(image), Node::eager};
    ASSERT_TRUE(node.ensure_snapshot());
    node.write_some(300);
    node.waste_until_rewritten();
    node.acknowledge();
    node.write_some(100);
    node.write_log();
    for (int i = 0; i < images_of_a_node; ++i) {
      Restart restart{Durability::group};
      node.disk().cut_into(restart.folder.folder.path(), static_cast<std::uint32_t>(1000 * image + i));
      restart.run();
      EXPECT_TRUE(restart.rebuilt.from_snapshot);
      ASSERT_EQ(faults_of(restart.contents, node.record()), none) << "image " << image + i;
    }
  }
}

TEST(PowerCut, IntervalLosesAtMostTheLastInterval) {
  for (int image = 0; image < images_wanted(); image += images_of_a_node) {
    Node node{Durability::interval, static_cast<std::uint32_t>(7 + image)};
    ASSERT_TRUE(node.ensure_snapshot());
    node.write_some(500);
    node.write_log();
    node.wait_for_interval();
    node.write_some(300);
    node.write_log();
    for (int i = 0; i < images_of_a_node; ++i) {
      Restart restart{Durability::interval};
      node.disk().cut_into(restart.folder.folder.path(), static_cast<std::uint32_t>(1000 * image + i));
      restart.run();
      EXPECT_TRUE(restart.rebuilt.from_snapshot);
      const auto notice = snapshot::read_notice(restart.folder.folder.path());
      EXPECT_EQ(notice ? notice->discarded_entries : 0, restart.rebuilt.discarded_entries);
      ASSERT_EQ(faults_of(restart.contents, node.record()), none) << "image " << image + i;
    }
  }
}

// What nobody had touched for long is there in every case; what was just written has a value that it had.
void expect_salvaged(RewritePace pace, const std::function<void(Node&)>& in_between) {
  snapshot::SalvageNotice sum;
  std::uint64_t sum_missing = 0;
  for (int image = 0; image < images_wanted(); image += images_of_a_node) {
    Node node{Durability::process, static_cast<std::uint32_t>(13 + image), pace};
    node.write_some(2000);
    node.write_log();
    node.settle();
    auto settled = node.record();
    in_between(node);
    node.write_some(40 * (1 + image / images_of_a_node % 6));
    node.write_log();
    std::set<std::string> touched;
    for (const auto& [key, values] : node.record().values) {
      const auto before = settled.values.find(key);
      if (before == settled.values.end() || before->second.size() != values.size()) touched.insert(key);
    }
    for (int i = 0; i < images_of_a_node; ++i) {
      Restart restart{Durability::process};
      node.disk().cut_into(restart.folder.folder.path(), static_cast<std::uint32_t>(1000 * image + i));
      restart.run();
      EXPECT_FALSE(restart.rebuilt.from_snapshot);
      for (const auto& [key, values] : settled.values) {
        if (touched.contains(key)) continue;
        ASSERT_EQ(value_in(restart.contents, key), values.back()) << key << " of image " << image + i;
      }
      const auto notice = snapshot::read_notice(restart.folder.folder.path());
      ASSERT_TRUE(notice);
      EXPECT_EQ(notice->proven + notice->doubtful, restart.contents.size());
      // Bytes of two times in one record: nothing in the file tells, so it must be among those called doubtful.
      ASSERT_LE(faults_of(restart.contents, node.record()).size(), notice->doubtful) << "image " << image + i;
      std::uint64_t missing = 0;
      for (const auto& [key, values] : node.record().values) {
        const auto before = settled.values.contains(key) ? settled.values.at(key).size() : 1;
        const auto from = values.begin() + static_cast<std::ptrdiff_t>(before) - 1;
        const bool was_gone = std::find(from, values.end(), "-") != values.end();
        if (!was_gone && !restart.contents.contains(key)) ++missing;
      }
      sum_missing += missing;
      ASSERT_LE(missing, notice->lost) << "image " << image + i;
      sum.proven += notice->proven;
      sum.doubtful += notice->doubtful;
      sum.lost += notice->lost;
      sum.damaged_bytes += notice->damaged_bytes;
      sum.discarded_entries += notice->discarded_entries;
      sum.missing_entries += notice->missing_entries;
    }
  }
  std::printf("all images: %llu records missing; %s\n", static_cast<unsigned long long>(sum_missing),
              snapshot::to_text(sum).c_str());
}

TEST(PowerCut, ProcessSalvagesWhatCanBeProvenAndTellsTheRest) {
  expect_salvaged({}, [](Node&) {});
}

// Its file is on the disk before it has the name: what nobody has written since is in it.
TEST(PowerCut, ProcessLosesNothingUntouchedByARewrite) {
  expect_salvaged(Node::eager, [](Node& node) { node.waste_until_rewritten(); });
}

TEST(PowerCut, ASecondCutDuringTheRebuildIsGoneOnFrom) {
  Node node{Durability::group, 3};
  ASSERT_TRUE(node.ensure_snapshot());
  node.write_some(200);
  node.acknowledge();
  Restart first{Durability::group};
  node.disk().cut_into(first.folder.folder.path(), 1);
  // As far as it may have come: half of it, without the word that it is complete.
  std::filesystem::create_directories(first.folder.path("rebuild") / "log");
  std::ofstream{first.folder.path("rebuild") / "flare.kch"} << "half";
  first.run();
  EXPECT_EQ(faults_of(first.contents, node.record()), none);
  EXPECT_FALSE(std::filesystem::exists(first.folder.path("rebuild")));
}

TEST(PowerCut, TheOldUndoFileIsNeverRolledBackIntoTheNewStore) {
  KyotoFolder folder;
  // A rebuild that is complete, and an undo file that cannot go.
  std::filesystem::create_directories(folder.path("rebuild"));
  std::ofstream{folder.path("rebuild") / "flare.kch"} << "the new store";
  std::ofstream{folder.path("rebuild") / "complete"} << "complete\n";
  std::ofstream{folder.path("flare.kch")} << "the old store";
  std::filesystem::create_directories(folder.path("flare.kch.wal") / "inside");
  const auto refused = snapshot::rebuild_if_needed(folder.options, {}, folder.log, folder.clock);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("flare.kch.wal: cannot be removed"), std::string::npos) << refused.error();
  EXPECT_EQ(whole_file(folder.path("flare.kch")), "the old store");

  std::filesystem::remove_all(folder.path("flare.kch.wal"));
  ASSERT_TRUE(snapshot::rebuild_if_needed(folder.options, {}, folder.log, folder.clock));
  EXPECT_EQ(whole_file(folder.path("flare.kch")), "the new store");
}

// What a local snapshot has was on the disk before it: a hole in the log there is damage, not the unsynced end.
TEST(PowerCut, DamageOfTheLogBeforeItsSnapshotLosesNothingBehindIt) {
  for (const std::uint64_t at : {150, 5000}) {  // its first entry, one of many
    Node node{Durability::group, 4};
    node.write_some(200);
    node.acknowledge();
    ASSERT_TRUE(node.ensure_snapshot());
    node.write_some(200);
    node.acknowledge();
    Restart restart{Durability::group};
    node.disk().cut_into(restart.folder.folder.path(), 2);
    const auto local = snapshot::list_local(restart.folder.folder.path());
    ASSERT_EQ(local.size(), 1);
    ASSERT_GT(raw(local.front().sequence), 100U);
    auto segment = restart.folder.path("log") / "00000000000000000001.log";
    auto bytes = whole_file(segment);
    ASSERT_GT(bytes.size(), 10'000U);
    bytes[at] ^= 1;
    std::ofstream{segment, std::ios::binary} << bytes;
    restart.run();
    EXPECT_TRUE(restart.rebuilt.from_snapshot) << at;
    EXPECT_EQ(restart.rebuilt.discarded_entries, 0U) << at;
    EXPECT_EQ(faults_of(restart.contents, node.record()), none) << at;
    EXPECT_NE(restart.folder.log.text().find("is damaged at 1 places before entry"), std::string::npos)
        << restart.folder.log.text();
  }
}

TEST(PowerCut, ADamagedSnapshotIsNotBelieved) {
  Node node{Durability::group, 4};
  ASSERT_TRUE(node.ensure_snapshot());
  node.write_some(200);
  node.acknowledge();
  Restart restart{Durability::group};
  node.disk().cut_into(restart.folder.folder.path(), 2);
  const auto local = snapshot::list_local(restart.folder.folder.path());
  ASSERT_EQ(local.size(), 1);
  auto bytes = whole_file(local.front().path);
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream{local.front().path, std::ios::binary} << bytes;
  restart.run();
  EXPECT_FALSE(restart.rebuilt.from_snapshot);  // salvaged, and said so
  EXPECT_TRUE(snapshot::read_notice(restart.folder.folder.path()));
  EXPECT_EQ(faults_of(restart.contents, node.record()), none);
  EXPECT_NE(restart.folder.log.text().find(local.front().path.string()), std::string::npos);
}

TEST(PowerCut, ACleanStopNeedsNoRebuild) {
  KyotoFolder folder;
  auto storage = folder.open();
  set(*storage, "k", "v");
  ASSERT_TRUE(storage->close());
  storage.reset();
  std::ofstream{folder.path("flare.boot")} << "another boot";
  const auto rebuilt = snapshot::rebuild_if_needed(folder.options, {}, folder.log, folder.clock);
  ASSERT_TRUE(rebuilt);
  EXPECT_FALSE(*rebuilt);
}

}  // namespace
}  // namespace flare
