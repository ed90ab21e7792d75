// A slave that stands still costs its master no memory, and is equal again when it goes on (docs/replication.md 1).
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/recorded_writer.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t master = 0;
constexpr std::size_t slave = 1;
constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t value_bytes = 64 * 1024;

// Memory of its own: the mapped store is the file's.
std::size_t own_memory_bytes(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib * 1024;
  }
  return 0;
}

std::string replication(const Address& node, const std::string& name) {
  return ask_stat(node, "stats replication", name);
}

class Lag : public testing::TestWithParam<const char*> {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  // Over and over the same few keys: the log grows, the store does not.
  void write(std::size_t bytes) {
    TextClient client{cluster_.node(master)};
    const std::string value(value_bytes, 'v');
    for (std::size_t i = 0; i < bytes / value_bytes; ++i) {
      client.send("set k" + std::to_string(i % 50) + " 0 0 " + std::to_string(value_bytes) + "\r\n" + value + "\r\n");
      ASSERT_EQ(client.read_line(), "STORED");
    }
  }

  [[nodiscard]] bool catches_up() const {
    return eventually(
        [&] {
          const auto of_master = replication(cluster_.node(master), "sequence");
          return !of_master.empty() && replication(cluster_.node(slave), "sequence") == of_master;
        },
        Milliseconds{120'000});
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(),
                    .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}},
                    .node_lines = {std::string{"log-max-size = "} + GetParam()}}};
};

TEST_P(Lag, OfAStoppedSlaveCostsTheMasterNoMemoryAndHeals) {
  const std::size_t written = (std::getenv("FLARE_LONG_TESTS") ? 2048 : 128) * mebibyte;
  cluster_.start();
  cluster_.make_master(master);
  cluster_.make_slave(slave);
  write(16 * mebibyte);
  ASSERT_TRUE(catches_up());
  const auto pid = cluster_.node_process(master).pid();
  const auto before = own_memory_bytes(pid);
  ASSERT_GT(before, 0u);
  cluster_.node_process(slave).freeze();
  write(written);
  const auto after = own_memory_bytes(pid);
  cluster_.node_process(slave).thaw();
  EXPECT_LT(after, before + 24 * mebibyte) << "while " << written / mebibyte << " MiB were written";
  RecordProperty("own_memory_before", std::to_string(before));
  RecordProperty("own_memory_after", std::to_string(after));
  EXPECT_TRUE(catches_up());
  EXPECT_EQ(dump_of(cluster_.node(slave)), dump_of(cluster_.node(master)));
}

// From the log where it reaches back; by a snapshot where it was cut.
INSTANTIATE_TEST_SUITE_P(Replication_1, Lag, testing::Values("512M", "8M"));

}  // namespace
}  // namespace flare::test
