// flare-bench on real daemons: it is content with right answers in each protocol, and with no others.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

constexpr int right = 0;
constexpr int faults = 1;
constexpr int wrong_usage = 2;
constexpr int no_run = 3;

constexpr std::size_t master = 0;
constexpr std::size_t proxy = 1;

class BenchTool : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override {
    cluster_.start();
    cluster_.make_master(master);
  }

  [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& more) const {
    std::vector<std::string> all{program("flare-bench"), key_of(cluster_.node(proxy)), "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Outcome bench(const std::vector<std::string>& more) const { return run(words(more)); }

  static nlohmann::json faults_of(const Outcome& outcome) {
    return nlohmann::json::parse(outcome.output, nullptr, false).value("faults", nlohmann::json{});
  }

  /// The key as flare-bench names it.
  static std::string key(int number) {
    const auto digits = std::to_string(number);
    return "k" + std::string(31 - digits.size(), '0') + digits;
  }
  static void set(TextClient& client, const std::string& name, const std::string& value) {
    client.send("set " + name + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n");
    ASSERT_EQ(client.read_line(), "STORED");
  }

  TempDir folder_;
  Cluster cluster_{{.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}}}};
};

TEST_F(BenchTool, IsContentWithRightAnswersInEachProtocolThroughAnyNode) {
  for (const auto* protocol : {"text", "meta", "binary"}) {
    const auto pid = std::to_string(cluster_.node_process(proxy).pid());
    const auto outcome = bench({key_of(cluster_.node(master)),
                                "--workload",
                                "mix",
                                "--ratio",
                                "2:1",
                                "--protocol",
                                protocol,
                                "--mget",
                                "5",
                                "--pipeline",
                                "4",
                                "--threads",
                                "2",
                                "--connections",
                                "10",
                                "--keys",
                                "500",
                                "--operations",
                                "4000",
                                "--pids",
                                pid});
    ASSERT_EQ(outcome.ending.code, right) << protocol << ": " << outcome.output << outcome.errors;
    const auto report = nlohmann::json::parse(outcome.output);
    EXPECT_EQ(report.at("requests"), 4'000) << "seed " << report.at("shape").at("seed");
    EXPECT_EQ(report.at("gets").at("count").get<int>() + report.at("sets").at("count").get<int>(), 4'000);
    EXPECT_GT(report.at("servers_us_per_request").get<double>(), 0.0);
  }
}

TEST_F(BenchTool, KeepsAFixedRateBesideConnectionsThatKeepStill) {
  const auto outcome =
      bench({"--workload", "get", "--rate", "500", "--seconds", "1", "--idle", "200", "--keys", "100"});
  ASSERT_EQ(outcome.ending.code, right) << outcome.output << outcome.errors;
  const auto report = nlohmann::json::parse(outcome.output);
  EXPECT_EQ(report.at("requests"), 500);
  EXPECT_EQ(report.at("connections"), 250);
  // The slowest of all is that of one of the seconds; a late start may make a second one of the last requests.
  const auto seconds = report.at("slowest_us_by_second").get<std::vector<double>>();
  ASSERT_FALSE(seconds.empty());
  EXPECT_EQ(*std::ranges::max_element(seconds), report.at("all").at("max_us").get<double>());
}

TEST_F(BenchTool, FindsWhatIsMissingAndWhatIsWrong) {
  const std::vector<std::string> ten{"--workload", "get", "--keys", "10", "--operations", "500"};
  ASSERT_EQ(bench(ten).ending.code, right);
  TextClient client{cluster_.node(master)};
  ASSERT_EQ(client.ask("delete " + key(3)), "DELETED");
  set(client, key(4), std::string(100, 'x'));
  auto again = ten;
  again.emplace_back("--no-fill");
  const auto outcome = bench(again);
  EXPECT_EQ(outcome.ending.code, faults) << outcome.output << outcome.errors;
  EXPECT_GT(faults_of(outcome).at("missing").get<int>(), 0);
  EXPECT_GT(faults_of(outcome).at("wrong").get<int>(), 0);
  EXPECT_EQ(faults_of(outcome).at("stale"), 0);
}

// An old value comes back while it writes: put there by hand, for no daemon of ours does it.
TEST_F(BenchTool, FindsWhatIsStale) {
  const auto output = folder_ / "bench.json";
  Process bench{{.words = words(
                     {"--workload", "mix", "--ratio", "50:1", "--keys", "20", "--connections", "2", "--seconds", "60"}),
                 .output = output}};
  TextClient client{cluster_.node(master)};
  const auto value_of = [&](const std::string& name) {
    const auto lines = client.ask_all("get " + name);
    return lines.size() == 3 ? lines[1] : std::string{};
  };
  for (int number = 0; number < 20; ++number) {
    std::string old;
    ASSERT_TRUE(eventually([&] { return !(old = value_of(key(number))).empty(); }));
    ASSERT_TRUE(eventually([&] { return value_of(key(number)) != old; }));
    set(client, key(number), old);
  }
  const auto ending = bench.stop();
  ASSERT_TRUE(ending);
  std::stringstream text;
  text << std::ifstream{output}.rdbuf();
  EXPECT_EQ(ending->code, faults) << text.str();
  const auto found = nlohmann::json::parse(text.str()).at("faults");
  EXPECT_GT(found.at("stale").get<int>(), 0);
  EXPECT_EQ(found.at("wrong"), 0) << found;
  EXPECT_EQ(found.at("missing"), 0) << found;
}

TEST_F(BenchTool, FailsWhenTheServerDies) {
  constexpr int connections = 7;
  const auto output = folder_ / "bench.json";
  auto all =
      words({"--workload", "get", "--keys", "100", "--seconds", "60", "--connections", std::to_string(connections)});
  all[1] = key_of(cluster_.node(master));
  Process bench{{.words = all, .output = output}};
  // More than the first gets of its connections: it measures.
  ASSERT_TRUE(eventually([&] {
    const auto gets = ask_stat(cluster_.node(master), "stats", "cmd_get");
    return !gets.empty() && std::stoi(gets) > 10 * connections;
  }));
  cluster_.node_process(master).kill();
  const auto ending = bench.wait();
  ASSERT_TRUE(ending);
  std::stringstream text;
  text << std::ifstream{output}.rdbuf();
  EXPECT_EQ(ending->code, faults) << text.str();
  EXPECT_EQ(nlohmann::json::parse(text.str()).at("faults").at("lost_connections"), connections);
}

TEST_F(BenchTool, SaysWhatIsWrongWithItsUse) {
  EXPECT_EQ(bench({"--workload", "nothing"}).ending.code, wrong_usage);
  EXPECT_EQ(bench({"--workload", "mix", "--ratio", "9"}).ending.code, wrong_usage);
  EXPECT_EQ(bench({"--workload", "set", "--keys", "50"}).ending.code, wrong_usage) << "no key would be free";
  const auto nobody = run({program("flare-bench"), "127.0.0.1:1", "--workload", "get"});
  EXPECT_EQ(nobody.ending.code, no_run);
  EXPECT_NE(nobody.errors.find("connect 127.0.0.1:1"), std::string::npos) << nobody.errors;
}

}  // namespace
}  // namespace flare::test
