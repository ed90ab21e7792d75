#include "flared/shown_variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace flare {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  return lines;
}

/// The label with its padding: what stands before the value.
std::string label_of(const std::string& line) {
  const auto colon = line.find(':');
  return line.substr(0, std::max(line.find_first_not_of(' ', colon + 1), colon + 1));
}

// The answer that was recorded at the original, without END.
Lines golden_lines() {
  std::ifstream file{std::string{FLARE_GOLDEN_DIR} + "/protocol-admin.txt"};
  Lines lines;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (inside && line == "< END") break;
    if (inside) lines.push_back(line.substr(2));
    if (line == "> show variables") inside = true;
  }
  return lines;
}

FlaredOptions some_options() {
  FlaredOptions options;
  options.data_dir = "/d";
  options.pid_path = "/d/flared.pid";
  options.server_name = "node";
  options.indexes = {{"one", 12120}, {"two", 12121}};
  return options;
}

TEST(ShownVariables, BeginWithTheNamesOrderAndPaddingOfTheOriginal) {
  const auto golden = golden_lines();
  ASSERT_EQ(golden.size(), 39U);
  const auto ours = lines_of(variables_text(some_options()));
  ASSERT_GT(ours.size(), golden.size());
  for (std::size_t i = 0; i < golden.size(); ++i) {
    const bool has_value = golden[i].back() != ' ' && ours[i].back() != ' ';
    if (has_value) {
      EXPECT_EQ(label_of(ours[i]), label_of(golden[i]));
    }
    EXPECT_EQ(ours[i].substr(0, ours[i].find(':')), golden[i].substr(0, golden[i].find(':')));
  }
}

TEST(ShownVariables, HaveOurOwnOptionsBehindEachOnce) {
  auto options = some_options();
  options.doors["tenant-a"].port = 13131;
  auto lines = lines_of(variables_text(options));
  EXPECT_THAT(lines, testing::Contains("max_value_size:         64M"));
  EXPECT_THAT(lines, testing::Contains("door.tenant-a.port:     13131"));
  EXPECT_EQ(lines.back(), "END");
  Lines names;
  for (const auto& line : lines) names.push_back(line.substr(0, line.find(':')));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(ShownVariables, ShowValuesAsTheOriginalWritesThem) {
  auto options = some_options();
  options.net_read_timeout = never;
  options.cluster_replication = true;
  const auto lines = lines_of(variables_text(options));
  for (const auto* line :
       {"index_server(s):        one:12120,two:12121", "pid_path:               ", "net_read_timeout:       -1",
        "cluster_replication:    1", "cluster_replication_concurrency: 2", "replication_type:       async",
        "storage_large:          false", "reconstruction_interval:0"}) {
    EXPECT_THAT(lines, testing::Contains(line));
  }
}

}  // namespace
}  // namespace flare
