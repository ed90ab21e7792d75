// Issue 6.1 and 6.9: an original's data-dir is served and given back; a store that somebody has put in the place of
// ours begins a new history. The original is played by the library alone (docs/spec/protocol.md 7).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"
#include "unit/storage/original.h"

namespace flare::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr int records = 200;

std::string key_of_record(int number) { return "key-" + std::to_string(number); }

std::size_t times(const std::string& text, std::string_view sentence) {
  std::size_t found = 0;
  for (auto at = text.find(sentence); at != std::string::npos; at = text.find(sentence, at + 1)) ++found;
  return found;
}

class GivenBack : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  [[nodiscard]] std::filesystem::path data(std::size_t node) const { return cluster_.data_of(cluster_.node(node)); }
  [[nodiscard]] std::filesystem::path store(std::size_t node) const { return data(node) / "flare.kch"; }
  [[nodiscard]] std::string log(std::size_t node) const { return read_file(cluster_.log_of(cluster_.node(node))); }

  void fill(const std::filesystem::path& path, const OriginalOptions& options) {
    std::filesystem::create_directories(path.parent_path());
    Original original{path, options};
    ASSERT_TRUE(original.opened()) << original.error();
    for (int number = 0; number < records; ++number) {
      ASSERT_TRUE(original.set(key_of_record(number), static_cast<std::uint32_t>(number), 0, 7, "theirs"));
    }
    ASSERT_TRUE(original.set("long", 0, 4'000'000'000, 0xFFFF'FFFF'0000, std::string(5000, 'l')));
  }
  Contents records_of(const std::filesystem::path& path, const OriginalOptions& options) {
    Original original{path, options};
    EXPECT_TRUE(original.opened()) << original.error();
    auto found = original.records();
    EXPECT_EQ(original.count(), static_cast<std::int64_t>(found.size())) << "nothing of ours is counted";
    return found;
  }
  // Every second one is set, every tenth of the others deleted.
  void change(std::size_t node) {
    TextClient client{cluster_.node(node)};
    for (int number = 0; number < records; number += 2) {
      ASSERT_EQ(client.ask("set " + key_of_record(number) + " 5 0 4\r\nours"), "STORED");
    }
    for (int number = 1; number < records; number += 10)
      ASSERT_EQ(client.ask("delete " + key_of_record(number)), "DELETED");
  }
  static Contents changed() {
    Contents expected{{"long", "0 4000000000 281474976645120 " + std::string(5000, 'l')}};
    for (int number = 0; number < records; ++number) {
      if (number % 2 == 0) expected[key_of_record(number)] = "5 0 8 ours";
      if (number % 2 == 1 && number % 10 != 1) expected[key_of_record(number)] = std::to_string(number) + " 0 7 theirs";
    }
    return expected;
  }
  [[nodiscard]] std::string value_at(std::size_t node, const std::string& key) const {
    const auto lines = TextClient{cluster_.node(node)}.ask_all("get " + key);
    return lines.size() == 3 ? lines[1] : lines.front();
  }
  [[nodiscard]] std::string replication(std::size_t node, const std::string& name) const {
    return ask_stat(cluster_.node(node), "stats replication", name);
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}}}};
};

class GivenBackStore : public GivenBack, public testing::WithParamInterface<OriginalOptions> {};

TEST_P(GivenBackStore, IsAnOriginalsAfterAStopAndAfterAKillByAStartAndAStop) {
  fill(store(master), GetParam());
  cluster_.start();
  cluster_.make_master(master);
  ASSERT_TRUE(cluster_.settles());
  EXPECT_THAT(log(master), HasSubstr("it comes from an original"));
  change(master);
  ASSERT_TRUE(cluster_.node_process(master).stop());
  EXPECT_TRUE(records_of(store(master), GetParam()) == changed());

  cluster_.start_node(master);
  ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(master)}.ask("delete none") == "NOT_FOUND"; }));
  EXPECT_EQ(TextClient{cluster_.node(master)}.ask("set last 9 0 4\r\nkept"), "STORED");
  cluster_.node_process(master).kill();
  cluster_.start_node(master);  // the documented way: a start and a stop (operations.md, Files of a data-dir)
  ASSERT_TRUE(cluster_.node_process(master).stop());
  auto expected = changed();
  expected["last"] = "9 0 1 kept";
  EXPECT_TRUE(records_of(store(master), GetParam()) == expected);
}

INSTANTIATE_TEST_SUITE_P(Protocol_7, GivenBackStore,
                         testing::Values(OriginalOptions{.name = "defaults"},
                                         OriginalOptions{.name = "few_buckets_large", .buckets = 17, .large = true},
                                         OriginalOptions{.name = "wide_alignment", .alignment = 8}),
                         [](const auto& given) { return given.param.name; });

struct Swap {
  const char* name;
  const char* told;  // one line in the log
  void (*swap)(const std::filesystem::path& store, const std::filesystem::path& theirs);
};

class SwappedStore : public GivenBack, public testing::WithParamInterface<Swap> {
 protected:
  void SetUp() override {
    fill(theirs(), {.name = "theirs"});
    cluster_.start();
    cluster_.make_master(master);
    cluster_.make_slave(slave);
    ASSERT_EQ(TextClient{cluster_.node(master)}.ask("set key-1 0 0 4\r\nours"), "STORED");
    ASSERT_EQ(TextClient{cluster_.node(master)}.ask("set ours 0 0 4\r\nours"), "STORED");
    ASSERT_TRUE(eventually([&] { return replication(slave, "sequence") == replication(master, "sequence"); }));
    ASSERT_TRUE(cluster_.node_process(slave).stop());  // first: nobody takes the master's place
    ASSERT_TRUE(eventually([&] { return cluster_.view(slave)->state == "down"; }));
  }
  [[nodiscard]] std::filesystem::path theirs() const { return folder_ / "theirs/flare.kch"; }
};

// design.md 3.1: whoever stood in the old history must not be brought forward by the new log.
TEST_P(SwappedStore, BeginsANewHistoryInOneLineAndSlavesAreBuiltAnew) {
  const auto before = replication(master, "log_id");
  ASSERT_TRUE(cluster_.node_process(master).stop());
  GetParam().swap(store(master), theirs());
  const auto said_before = log(master).size();
  cluster_.start_node(master);
  ASSERT_TRUE(eventually([&] { return TextClient{cluster_.node(master)}.ask("delete none") == "NOT_FOUND"; }));
  const auto said = log(master).substr(said_before);
  EXPECT_EQ(times(said, "a new log is begun: "), 1U) << said;
  EXPECT_THAT(said, HasSubstr(store(master).string() + ": a new log is begun: " + GetParam().told));
  EXPECT_NE(replication(master, "log_id"), before);

  cluster_.start_node(slave);
  ASSERT_TRUE(cluster_.becomes(slave, "proxy", "active"));
  cluster_.make_slave(slave);
  ASSERT_TRUE(eventually([&] { return replication(slave, "sequence") == replication(master, "sequence"); }));
  EXPECT_EQ(replication(slave, "snapshots_loaded"), "1");
  for (const char* key : {"key-1", "key-2", "ours"}) EXPECT_EQ(value_at(slave, key), value_at(master, key)) << key;
  EXPECT_EQ(value_at(master, "key-2"), "theirs");
}

INSTANTIATE_TEST_SUITE_P(Issue_6_1, SwappedStore,
                         testing::Values(Swap{"replaced_by_an_originals", "its log is of another history",
                                              [](const auto& store, const auto& theirs) {
                                                std::filesystem::copy_file(
                                                    theirs, store, std::filesystem::copy_options::overwrite_existing);
                                              }},
                                         Swap{"written_by_an_original",
                                              "somebody else has changed it since it was closed",
                                              [](const auto& store, const auto&) {
                                                Original original{store, {.name = "between"}};
                                                ASSERT_TRUE(original.set("key-2", 0, 0, 9, "theirs"));
                                              }}),
                         [](const auto& given) { return std::string{given.param.name}; });

/// What is no whole store for sure is refused in one sentence that says what to do.
class DoubtfulStore : public GivenBack {
 protected:
  void SetUp() override {
    cluster_.start();
    cluster_.make_master(master);
    ASSERT_EQ(TextClient{cluster_.node(master)}.ask("set ours 0 0 4\r\nours"), "STORED");
    ASSERT_EQ(TextClient{cluster_.node(slave)}.ask("flush_all"), "OK");  // a history of its own
  }
  void expect_refused(const std::filesystem::path& copied, const std::string& sentence) {
    const auto outcome = run({program("flared"), "--data-dir", copied, "--server-name", "127.0.0.1", "--server-port",
                              "12129", "--index-server-name", "127.0.0.1", "--stderr"});
    EXPECT_EQ(times(outcome.errors, "flared: "), 1U) << outcome.errors;
    EXPECT_THAT(outcome.errors, HasSubstr((copied / "flare.kch").string() + ": " + sentence));
    EXPECT_THAT(outcome.errors, HasSubstr("restore a snapshot with flare-backup"));
    EXPECT_NE(outcome.ending.code, 0);
  }
};

TEST_F(DoubtfulStore, CopiedFromARunningNodeWithoutItsSideFilesIsRefused) {
  const auto copied = folder_ / "copied";
  std::filesystem::create_directories(copied);
  std::filesystem::copy_file(store(master), copied / "flare.kch");
  expect_refused(copied, "was not closed");
}

TEST_F(DoubtfulStore, CopiedFromARunningNodeBesideAnotherLogIsRefused) {
  ASSERT_TRUE(cluster_.node_process(slave).stop());
  std::filesystem::copy_file(store(master), store(slave), std::filesystem::copy_options::overwrite_existing);
  cluster_.spawn_node(slave);
  const auto ending = cluster_.node_process(slave).wait();
  ASSERT_TRUE(ending);
  EXPECT_NE(ending->code, 0);
  EXPECT_THAT(log(slave), HasSubstr(store(slave).string() + ": is not the store of this node that was closed here"));
}

}  // namespace
}  // namespace flare::test
