// tests/golden/protocol.jsonl against a real cluster: at the master, through a proxy and through a slave. A case may
// answer otherwise than the original only as tests/golden_differences/protocol.jsonl says, which docs/compatibility.md
// shows by class. FLARE_REPLAY_WRITE=<file> appends the answers of unlisted cases there, in that table's form.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <thread>

#include "support/case_player.h"
#include "support/cluster.h"
#include "support/json_cases.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

const std::string storage = "kch";

/// One way through the cluster. What it names `run` is the word of the table's field "at".
struct Way {
  std::string run{};
  std::size_t node = 0;     ///< the one that is asked; 0 is the master
  bool reads_here = false;  ///< it answers reads from its own store: after each case it must have what the master has
};

/// Compares the cases with the recording and the table, and keeps account.
class ProtocolReplay {
 public:
  explicit ProtocolReplay(std::string run)
      : run_{std::move(run)},
        listed_{read_differences(std::string{FLARE_SOURCE_DIR} + "/tests/golden_differences/protocol.jsonl", run_)} {
    for (const auto& [name, expected] : listed_) unplayed_.insert(name);
    if (const char* file = std::getenv("FLARE_REPLAY_WRITE")) written_.open(file, std::ios::app);
  }

  [[nodiscard]] const Expectation& expected_of(const JsonCase& golden) const {
    const auto found = listed_.find(golden.name);
    return found == listed_.end() ? golden.expected : found->second;
  }

  void check(const JsonCase& golden, const Answer& answer) {
    const auto found = listed_.find(golden.name);
    unplayed_.erase(golden.name);
    const bool equal = golden.expected.fits(answer);
    const bool as_listed = found != listed_.end() && found->second.fits(answer);
    if (equal && found != listed_.end()) {
      write(equal_line(golden.name, run_));
      ADD_FAILURE() << golden.name << " at " << run_
                    << " is listed as different, but answers as the original: remove it";
    } else if (!equal && !as_listed) {
      tell(golden, answer, found != listed_.end());
    }
    equal_ += equal ? 1 : 0;
    as_listed_ += as_listed ? 1 : 0;
    ++played_;
  }

  void skip() { ++skipped_; }

  void finish() const {
    for (const auto& name : unplayed_) ADD_FAILURE() << name << " is listed for " << run_ << ", but was never played";
    std::cout << "protocol.jsonl at " << run_ << ": " << played_ << " cases replayed, " << equal_ << " equal, "
              << as_listed_ << " listed; " << skipped_ << " are for tcb only\n";
  }

 private:
  void write(const std::string& line) {
    if (written_.is_open()) written_ << line << std::endl;
  }

  void tell(const JsonCase& golden, const Answer& answer, bool listed) {
    const auto line = difference_line(golden.name, run_, answer);
    write(line);
    ADD_FAILURE() << golden.name << " at " << run_
                  << (listed ? " answers otherwise than listed" : " differs and is not listed")
                  << "\nsent:     " << escaped(golden.sent()) << "\nexpected: " << escaped(expected_of(golden).text)
                  << "\nanswer:   " << escaped(answer.bytes) << "\nas a row: " << line;
  }

  std::string run_;
  std::map<std::string, Expectation> listed_;
  std::set<std::string> unplayed_;
  std::ofstream written_;
  int played_ = 0;
  int equal_ = 0;
  int as_listed_ = 0;
  int skipped_ = 0;
};

class GoldenProtocol : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void start(std::vector<Address> nodes) {
    cluster_.emplace(ClusterPlan{.folder = folder_.path(), .nodes = std::move(nodes)});
    cluster_->start();
    cluster_->make_master(0);
  }

  [[nodiscard]] Address target_of(const JsonCase& golden, const Way& way) const {
    if (golden.at_index) return cluster_->index();
    return cluster_->node(has_node_local_request(golden.sent()) ? 0 : way.node);
  }

  [[nodiscard]] bool has_what_the_master_has(const Way& way) const {
    return eventually([&] {
      const auto sequence = ask_stat(cluster_->node(0), "stats replication", "sequence");
      return !sequence.empty() && ask_stat(cluster_->node(way.node), "stats replication", "sequence") == sequence;
    });
  }

  // The recording had one node: what `stats nodes` says of a second one is none of its business.
  [[nodiscard]] Answer as_with_one_node(Answer answer, const Way& way) const {
    if (way.node != 0) answer.bytes = without_node(answer.bytes, cluster_->node(way.node));
    return answer;
  }

  void play_at(const Way& way, const JsonCase& golden, ProtocolReplay& account) const {
    auto answer = play(target_of(golden, way), golden, account.expected_of(golden));
    account.check(golden, as_with_one_node(std::move(answer), way));
  }

  void replay(const Way& way) {
    ProtocolReplay account{way.run};
    for (const auto& golden : read_json_cases(std::string{FLARE_GOLDEN_DIR} + "/protocol.jsonl")) {
      if (!golden.is_for(storage)) {
        account.skip();
        continue;
      }
      // protocol.md 10: entries expire and holds end meanwhile, so here time itself is what is waited for.
      std::this_thread::sleep_for(golden.wait);
      ASSERT_NO_THROW(play_at(way, golden, account)) << golden.name << " could not be played";
      ASSERT_TRUE(!way.reads_here || has_what_the_master_has(way)) << "no sequence of the master after " << golden.name;
    }
    account.finish();
  }

  TempDir folder_;
  std::optional<Cluster> cluster_;
};

TEST(NodeLocalRequest, IsFoundInTextAndBinary) {
  const auto packet = [](char opcode) { return std::string{'\x80', opcode} + std::string(22, '\0'); };
  EXPECT_TRUE(has_node_local_request("set a 0 0 1\r\nx\r\n<p> flush_all 0\r\n"));
  EXPECT_TRUE(has_node_local_request(packet(0x0a) + packet(0x08)));
  EXPECT_TRUE(has_node_local_request(packet(0x0a) + "dump_key\r\n"));
  EXPECT_FALSE(has_node_local_request("get dump\r\nstatsfoo\r\n"));
  EXPECT_FALSE(has_node_local_request(packet(0x0a)));
}

const Address first_node{"127.0.0.1", 12121};
const Address second_node{"127.0.0.1", 12122};

TEST_F(GoldenProtocol, MasterAnswersAsTheOriginalOrAsListed) {
  start({first_node});
  replay({.run = "master"});
}

TEST_F(GoldenProtocol, ProxyAnswersAsTheOriginalOrAsListed) {
  start({first_node, second_node});
  replay({.run = "proxy", .node = 1});
}

TEST_F(GoldenProtocol, SlaveThatIsNotReadAnswersAsTheOriginalOrAsListed) {
  start({first_node, second_node});
  cluster_->make_slave(1, 0);
  replay({.run = "slave", .node = 1});
}

TEST_F(GoldenProtocol, SlaveThatIsReadAnswersAsTheOriginalOrAsListed) {
  start({first_node, second_node});
  cluster_->make_slave(1, 1);
  replay({.run = "reading slave", .node = 1, .reads_here = true});
}

}  // namespace
}  // namespace flare::test
