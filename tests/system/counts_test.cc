// What a request costs on the fast path, counted and not timed: instructions, system calls and allocations of a real
// flared under callgrind, one client, one request or one pipeline at a time, compared with counts.tsv. The figures are
// of the build's flags: preset dev is -O1, and has asserts. After a change that is meant to move them:
//   FLARE_COUNTS_WRITE=1 build/dev/bin/system_counts_test
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "support/callgrind.h"
#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

// Nine runs on a machine with load 17: a node that answers itself gives the same number to the instruction; at a proxy
// instructions differ by 0.4 %, since the other node's answer comes in one piece or in two. A call more for each
// request or turn is above 10 % everywhere.
constexpr double instructions_tolerance = 0.03;
constexpr double system_calls_tolerance = 0.10;
// Of one operation: what comes once in many, as a block of a queue, may fall into another part.
constexpr double allocations_tolerance = 0.02;

constexpr int parts_of_each = 3;

constexpr int keys = 200;
constexpr std::size_t value_bytes = 100;

enum class Kind { get, set };

struct Shape {
  const char* name;
  Kind kind;
  int requests;      // sent together
  int keys_of_each;  // of a get
  int rounds;

  [[nodiscard]] int operations() const { return rounds * requests * keys_of_each; }
};

constexpr std::array shapes{Shape{"get", Kind::get, 1, 1, 300}, Shape{"set", Kind::set, 1, 1, 300},
                            Shape{"get pipeline 16", Kind::get, 16, 1, 50},
                            Shape{"set pipeline 16", Kind::set, 16, 1, 50}, Shape{"mget 50", Kind::get, 1, 50, 40}};

/// Of one operation.
struct Figures {
  double instructions = 0;
  double system_calls = 0;
  double allocations = 0;
};

std::string key_at(int number) {
  const auto digits = std::to_string(number % keys);
  return "key-" + std::string(28 - digits.size(), '0') + digits;
}

struct Exchange {
  std::string request{};
  std::string answer{};
};

void add_get(Exchange& exchange, int first_key, int number_of_keys, const std::string& value) {
  exchange.request += "get";
  for (int i = 0; i < number_of_keys; ++i) {
    const auto key = key_at(first_key + i);
    exchange.request += " " + key;
    exchange.answer += "VALUE " + key + " 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }
  exchange.request += "\r\n";
  exchange.answer += "END\r\n";
}

void add_set(Exchange& exchange, int key, const std::string& value) {
  exchange.request += "set " + key_at(key) + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  exchange.answer += "STORED\r\n";
}

Exchange exchange_of(const Shape& shape, int round) {
  const std::string value(value_bytes, 'v');
  Exchange exchange;
  for (int i = 0; i < shape.requests; ++i) {
    const auto key = round * shape.requests * shape.keys_of_each + i;
    shape.kind == Kind::get ? add_get(exchange, key, shape.keys_of_each, value) : add_set(exchange, key, value);
  }
  return exchange;
}

void play(TextClient& client, const Shape& shape) {
  for (int round = 0; round < shape.rounds; ++round) {
    const auto exchange = exchange_of(shape, round);
    client.send(exchange.request);
    ASSERT_EQ(client.read_exactly(exchange.answer.size()), exchange.answer) << shape.name << ", round " << round;
  }
}

/// One node and what callgrind counts there.
class CountedNode {
 public:
  CountedNode(const Address& address, CallgrindRun& run) : run_{run}, client_{address, Milliseconds{20'000}} {}

  std::map<std::string, Figures> count_all(const std::string& prefix) {
    for (const auto kind : {Kind::set, Kind::get}) {  // all keys are there then, and buffers have their sizes
      for (const auto& shape : shapes) {
        if (shape.kind == kind) play(client_, shape);
      }
    }
    std::ignore = close_part();
    const auto closing = least([] {});
    std::map<std::string, Figures> figures;
    for (const auto& shape : shapes) {
      const auto counts = least([&] { play(client_, shape); }) - closing;
      const double operations = shape.operations();
      figures[prefix + shape.name] = {static_cast<double>(counts.instructions) / operations,
                                      static_cast<double>(counts.system_calls) / operations,
                                      static_cast<double>(counts.allocations) / operations};
    }
    return figures;
  }

 private:
  // Of some parts: a checkpoint, or a question to the index, falls into one of them.
  Counts least(const std::function<void()>& work) {
    Counts counts;
    for (int part = 0; part < parts_of_each; ++part) {
      work();
      counts = part == 0 ? close_part() : least_of(counts, close_part());
    }
    return counts;
  }

  Counts close_part() {
    EXPECT_FALSE(client_.ask_all("stats nodes").empty());
    return run_.next_part();
  }

  CallgrindRun& run_;
  TextClient client_;
};

std::filesystem::path expected_file() { return std::filesystem::path{FLARE_SOURCE_DIR} / "tests/system/counts.tsv"; }

/// Lines of counts.tsv: flags, shape, instructions, system calls, allocations of an operation; `#` begins a comment.
class ExpectedCounts {
 public:
  ExpectedCounts() {
    std::istringstream lines{read_file(expected_file())};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('#')) {
        comments_ += line + "\n";
        continue;
      }
      std::istringstream fields{line};
      std::string flags, shape;
      Figures figures;
      if (std::getline(fields, flags, '\t') && std::getline(fields, shape, '\t') && fields >> figures.instructions &&
          fields >> figures.system_calls && fields >> figures.allocations) {
        rows_[flags][shape] = figures;
      }
    }
  }

  const std::map<std::string, Figures>& of_these_flags() { return rows_[FLARE_OPTIMISATION]; }

  void renew(const std::map<std::string, Figures>& figures) {
    rows_[FLARE_OPTIMISATION] = figures;
    std::ofstream out{expected_file()};
    out << comments_;
    for (const auto& [flags, shapes_of_flags] : rows_) {
      for (const auto& [shape, row] : shapes_of_flags) out << line_of(flags, shape, row);
    }
  }

  static std::string line_of(const std::string& flags, const std::string& shape, const Figures& row) {
    std::array<char, 200> line{};
    std::snprintf(line.data(), line.size(), "%s\t%s\t%.0f\t%.3f\t%.3f\n", flags.c_str(), shape.c_str(),
                  row.instructions, row.system_calls, row.allocations);
    return line.data();
  }

 private:
  std::string comments_;
  std::map<std::string, std::map<std::string, Figures>> rows_;
};

void compare(const std::string& shape, const Figures& counted, const Figures& expected) {
  const char* const renew = "; if this is meant, run FLARE_COUNTS_WRITE=1 build/dev/bin/system_counts_test";
  EXPECT_NEAR(counted.instructions, expected.instructions, expected.instructions * instructions_tolerance)
      << shape << ": instructions" << renew;
  EXPECT_NEAR(counted.system_calls, expected.system_calls, expected.system_calls * system_calls_tolerance)
      << shape << ": system calls" << renew;
  EXPECT_NEAR(counted.allocations, expected.allocations, allocations_tolerance) << shape << ": allocations" << renew;
}

TEST(Counts, ARequestCostsWhatItCostBefore) {
  enter_private_network();
  const TempDir folder;
  const std::string mark = "flare::stats_nodes_text*";  // `stats nodes` ends a part
  CallgrindRun master{folder / "master", mark};
  CallgrindRun proxy{folder / "proxy", mark};
  std::filesystem::create_directories(folder / "master");
  std::filesystem::create_directories(folder / "proxy");
  Cluster cluster{{.folder = folder / "cluster",
                   .index = {"127.0.0.1", 12120},
                   .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}},
                   .node_lines = {"threads = 1"},
                   .launchers = {{"127.0.0.1:12121", master.launcher()}, {"127.0.0.1:12122", proxy.launcher()}}}};
  cluster.spawn_index({"--monitor-interval", "60"});  // its probes would be counted
  ASSERT_TRUE(eventually([&] { return serves(cluster.index()); }));
  cluster.start_node(0);
  cluster.start_node(1);
  cluster.make_master(0);

  auto counted = CountedNode{cluster.node(0), master}.count_all("");
  counted.merge(CountedNode{cluster.node(1), proxy}.count_all("proxy "));

  for (const auto& [shape, figures] : counted) {
    std::printf("%s", ExpectedCounts::line_of(FLARE_OPTIMISATION, shape, figures).c_str());
  }
  ExpectedCounts expected;
  if (std::getenv("FLARE_COUNTS_WRITE") != nullptr) return expected.renew(counted);
  ASSERT_EQ(expected.of_these_flags().size(), counted.size()) << expected_file() << " has other shapes for these flags";
  for (const auto& [shape, figures] : counted) {
    const auto found = expected.of_these_flags().find(shape);
    ASSERT_NE(found, expected.of_these_flags().end()) << shape;
    compare(shape, figures, found->second);
  }
}

}  // namespace
}  // namespace flare::test
