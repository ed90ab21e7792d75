// Nothing that a client sends ends a daemon, slows it down, fills its memory or loses a key (docs/spec/protocol.md 9).
// The rows are in tests/bad_input; each is played at a master, a slave, a proxy and an index.
#include "support/bad_input.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr std::size_t rows_min = 200;
constexpr int kept_keys = 64;
constexpr std::size_t big_bytes = 1024 * 1024;
constexpr Milliseconds answer_limit = ask_limit;  // whom a row has brought to a stand does not answer at all
// max-connection-memory and its eighth, one turn's buffers of each of two workers, and what malloc keeps of them.
constexpr std::size_t growth_bytes_max = 256 * 1024 * 1024;
const std::vector<std::string> files{"text", "binary", "meta", "nodes"};

std::vector<BadInput> rows_of(const std::string& file) {
  return read_bad_input(std::string{FLARE_SOURCE_DIR} + "/tests/bad_input/" + file + ".txt");
}

/// Four daemons with keys that must not be lost, and a connection to each that is served all the time.
class Farm {
 public:
  Farm() : cluster_{plan_in(folder_.path())} {
    cluster_.start();
    cluster_.make_master(0);
    cluster_.make_slave(1);
    if (!cluster_.settles()) throw std::runtime_error{"the map does not settle"};
    store_keys();
    for (const auto& [name, address] : daemons()) {
      served_.push_back({name, address, pid_of(address), TextClient{address, answer_limit}, 0});
      served_.back().at_start = anonymous_bytes(served_.back().pid);
    }
  }

  [[nodiscard]] std::vector<std::pair<std::string, Address>> daemons() const {
    return {{"master", cluster_.node(0)},
            {"slave", cluster_.node(1)},
            {"proxy", cluster_.node(2)},
            {"index", cluster_.index()}};
  }

  /// What is wrong with any of the daemons; empty: nothing.
  [[nodiscard]] std::string fault() {
    for (auto& daemon : served_) {
      try {
        const auto begin = SteadyClock::now();
        if (daemon.client.ask("ping") != "OK") return daemon.name + " does not answer its ping with OK";
        if (TextClient{daemon.address, answer_limit}.ask("ping") != "OK") return daemon.name + " is not well";
        if (daemon.name == "master") check_keys(daemon.client);
        slowest_ = std::max(slowest_, std::chrono::duration_cast<Milliseconds>(SteadyClock::now() - begin));
        const auto bytes = anonymous_bytes(daemon.pid);
        const auto growth = bytes - std::min(bytes, daemon.at_start);
        most_growth_ = std::max(most_growth_, growth);
        if (growth > growth_bytes_max) return daemon.name + " has grown by " + std::to_string(growth) + " bytes";
      } catch (const std::exception& error) {
        return daemon.name + ": " + error.what();
      }
    }
    return {};
  }

  [[nodiscard]] std::string fault_in_keys() {
    try {
      for (std::size_t node = 0; node < 3; ++node) {
        TextClient client{cluster_.node(node)};
        check_keys(client);
        const auto lines = client.ask_all("get keep-big");
        if (lines.size() != 3 || lines[1] != std::string(big_bytes, 'b')) {
          return "keep-big is lost at " + key_of(cluster_.node(node));
        }
      }
    } catch (const std::exception& error) {
      return error.what();
    }
    return {};
  }

  [[nodiscard]] std::string summary() const {
    return "slowest answer " + std::to_string(slowest_.count()) + " ms, memory at most + " +
           std::to_string(most_growth_ / 1024 / 1024) + " MiB, " + std::to_string(kept_keys + 1) + " keys kept";
  }

 private:
  struct Served {
    std::string name;
    Address address;
    int pid;
    TextClient client;
    std::size_t at_start;
  };

  static ClusterPlan plan_in(const std::filesystem::path& folder) {
    return {.folder = folder,
            .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}},
            .node_lines = {"threads = 2", "max-connection-memory = 64M"}};
  }

  int pid_of(const Address& address) {
    if (key_of(address) == key_of(cluster_.index())) return cluster_.index_process().pid();
    for (std::size_t node = 0; node < 3; ++node) {
      if (key_of(address) == key_of(cluster_.node(node))) return cluster_.node_process(node).pid();
    }
    throw std::runtime_error{"no such daemon: " + key_of(address)};
  }

  static std::string value_of(int key) { return "kept value " + std::to_string(key); }

  void store_keys() {
    TextClient client{cluster_.node(0)};
    const auto store = [&](const std::string& key, const std::string& value) {
      const auto line = "set " + key + " 7 0 " + std::to_string(value.size()) + "\r\n" + value;
      if (!eventually([&] { return client.ask(line) == "STORED"; })) throw std::runtime_error{"cannot store " + key};
    };
    for (int key = 0; key < kept_keys; ++key) store("keep-" + std::to_string(key), value_of(key));
    store("keep-big", std::string(big_bytes, 'b'));
    const auto at_slave = [&] { return TextClient{cluster_.node(1)}.ask_all("get keep-big").size() == 3; };
    if (!eventually(at_slave)) throw std::runtime_error{"the slave does not follow"};
  }

  static void check_keys(TextClient& client) {
    std::string line = "get";
    std::vector<std::string> expected;
    for (int key = 0; key < kept_keys; ++key) {
      line += " keep-" + std::to_string(key);
      expected.push_back("VALUE keep-" + std::to_string(key) + " 7 " + std::to_string(value_of(key).size()));
      expected.push_back(value_of(key));
    }
    expected.emplace_back("END");
    if (client.ask_all(line) != expected) throw std::runtime_error{"a key is lost or changed"};
  }

  TempDir folder_;
  Cluster cluster_;
  std::vector<Served> served_;
  Milliseconds slowest_{0};
  std::size_t most_growth_ = 0;
};

class BadInputs : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override { farm_ = std::make_unique<Farm>(); }

  void play_all(const std::string& file) {
    const auto rows = rows_of(file);
    for (const auto& [name, address] : farm_->daemons()) {
      for (const auto& row : rows) {
        std::string fault;
        try {
          fault = play(row, address);
        } catch (const std::exception& error) {
          fault = error.what();
        }
        EXPECT_EQ(fault, "") << file << ".txt, row " << row.name << " at the " << name;
        ASSERT_EQ(farm_->fault(), "") << "after " << file << ".txt, row " << row.name << " at the " << name;
      }
    }
    EXPECT_EQ(farm_->fault_in_keys(), "");
    std::cout << "bad input, " << file << ": " << rows.size() << " rows at 4 daemons, " << farm_->summary()
              << std::endl;
  }

  std::unique_ptr<Farm> farm_;
};

TEST_F(BadInputs, OfTheTextProtocolHarmNothing) { play_all("text"); }
TEST_F(BadInputs, OfTheBinaryProtocolHarmNothing) { play_all("binary"); }
TEST_F(BadInputs, OfMetaCommandsHarmNothing) { play_all("meta"); }
TEST_F(BadInputs, OfDaemonsHarmNothing) { play_all("nodes"); }

// Each of a thousand holds what a client of its kind holds: nothing, the begin of a line, of a payload, of a packet.
TEST_F(BadInputs, AThousandIdleConnectionsHarmNothing) {
  const std::vector<std::string> begins{"",
                                        "get keep-1",
                                        "set k 0 0 100000\r\nhalf",
                                        std::string(60'000, 'a'),
                                        std::string{"\x80\x01", 2},
                                        "node sync 1\r\nNODE "};
  for (const auto& [name, address] : farm_->daemons()) {
    std::vector<RawClient> crowd;
    for (std::size_t i = 0; i < 1000; ++i) {
      crowd.emplace_back(address);
      crowd.back().send(begins[i % begins.size()]);
    }
    EXPECT_EQ(farm_->fault(), "") << "beside a thousand idle connections to the " << name;
    for (auto& client : crowd) client.reset();
    EXPECT_EQ(farm_->fault(), "") << "after a thousand idle connections to the " << name;
  }
  EXPECT_EQ(farm_->fault_in_keys(), "");
  std::cout << "bad input, 1000 idle connections at 4 daemons: " << farm_->summary() << std::endl;
}

TEST_F(BadInputs, AThousandHalfPayloadsOf64MiBHarmNothing) {
  const std::string half = "set k 0 0 67108864\r\n" + std::string(1024 * 1024, 'x');
  for (const auto& [name, address] : farm_->daemons()) {
    if (name == "index") continue;  // it has no payloads
    std::vector<RawClient> crowd;
    for (std::size_t i = 0; i < 1000; ++i) {
      crowd.emplace_back(address);
      crowd.back().send(half, Milliseconds{2'000});
      if (i % 100 != 99) continue;
      ASSERT_EQ(farm_->fault(), "") << "beside " << i + 1 << " half payloads at the " << name;
    }
    for (auto& client : crowd) client.reset();
    EXPECT_EQ(farm_->fault(), "") << "after a thousand half payloads at the " << name;
  }
  EXPECT_EQ(farm_->fault_in_keys(), "");
  std::cout << "bad input, 1000 half payloads at 3 daemons: " << farm_->summary() << std::endl;
}

TEST_F(BadInputs, ReadersThatNeverReadHarmNothing) {
  for (const auto& [name, address] : farm_->daemons()) {
    std::vector<RawClient> crowd;
    for (std::size_t i = 0; i < 200; ++i) {
      crowd.emplace_back(address);
      crowd.back().send_deaf(i % 2 == 0 ? "get keep-big keep-big\r\nget keep-big\r\n" : "stats\r\ndump\r\n");
      if (i % 50 != 49) continue;
      ASSERT_EQ(farm_->fault(), "") << "beside " << i + 1 << " deaf readers at the " << name;
    }
    for (auto& client : crowd) client.reset();
    EXPECT_EQ(farm_->fault(), "") << "after the deaf readers at the " << name;
  }
  EXPECT_EQ(farm_->fault_in_keys(), "");
  std::cout << "bad input, 200 deaf readers at 4 daemons: " << farm_->summary() << std::endl;
}

TEST(BadInputTable, HasEnoughRowsWithNamesOfTheirOwn) {
  std::vector<std::string> names;
  for (const auto& file : files) {
    for (const auto& row : rows_of(file)) names.push_back(file + "/" + row.name);
  }
  EXPECT_GE(names.size(), rows_min);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace flare::test
