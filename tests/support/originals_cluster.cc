#include "support/originals_cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <stdexcept>
#include <utility>

namespace flare::test {
namespace {

std::vector<std::string>& table() {
  static std::vector<std::string> rows;
  return rows;
}

}  // namespace

void OriginalsCluster::SetUpTestSuite() { enter_private_network(); }

void OriginalsCluster::TearDownTestSuite() {
  std::cout << "| what | direction | result |\n|---|---|---|\n";
  for (const auto& row : table()) std::cout << row << "\n";
  table().clear();
}

OriginalsCluster::OriginalsCluster(std::vector<std::string> node_lines)
    : cluster_{{.folder = folder_.path(),
                .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}},
                .node_lines = std::move(node_lines)}},
      original_index_{cluster_.index(), cluster_.data_of(cluster_.index())} {}

void OriginalsCluster::TearDown() {
  for (auto& [number, original] : originals_) {
    for (const auto& complaint : original->complaints()) ADD_FAILURE() << original->key() << ": " << complaint;
  }
  if (HasFailure()) {
    for (std::size_t i = 0; i < cluster_.plan().nodes.size(); ++i) {
      std::cout << key_of(ours(i)) << ":\n" << read_file(cluster_.log_of(ours(i))) << "\n";
    }
    std::cout << "index:\n" << read_file(cluster_.log_of(cluster_.index())) << "\n";
  }
  if (!what_.empty()) {
    table().push_back(fmt::format("| {} | {} | {} |", what_, direction_, HasFailure() ? "FAILED" : "as it should"));
  }
}

void OriginalsCluster::shows(const std::string& what, const std::string& direction) {
  what_ = what;
  direction_ = direction;
}

OriginalFlared& OriginalsCluster::original(std::size_t number) {
  auto& found = originals_[number];
  if (!found) {
    const Address own{"127.0.0.1", static_cast<std::uint16_t>(12131 + number)};
    found = std::make_unique<OriginalFlared>(own, cluster_.index());
  }
  return *found;
}

void OriginalsCluster::start_original_index() { original_index_.start(); }

void OriginalsCluster::role(const Address& node, const std::string& rest) const {
  const auto line = fmt::format("node role {} {} {}", node.name, node.port, rest);
  ASSERT_EQ(cluster_.ask_index(line), "OK") << line;
}

bool OriginalsCluster::is(const Address& node, const std::string& role, const std::string& state,
                          Milliseconds limit) const {
  return eventually(
      [&] {
        const auto nodes = cluster_.map();
        const auto found = nodes.find(key_of(node));
        return found != nodes.end() && found->second.role == role && found->second.state == state;
      },
      limit);
}

void OriginalsCluster::make_master(const Address& node) const {
  role(node, "master 1 0");
  ASSERT_TRUE(is(node, "master", "active")) << key_of(node);
  ASSERT_TRUE(know_the_map({node}));
}

void OriginalsCluster::make_slave(const Address& node, int balance) const {
  role(node, fmt::format("slave {} 0", balance));
  ASSERT_TRUE(is(node, "slave", "active")) << key_of(node);
  role(node, fmt::format("slave {} 0", balance));
  ASSERT_TRUE(know_the_map({node}));
}

bool OriginalsCluster::know_the_map(const std::vector<Address>& nodes) const {
  return eventually([&] {
    const auto version = ask_stat(cluster_.index(), "stats", "node_map_version");
    return !version.empty() && std::all_of(nodes.begin(), nodes.end(), [&](const Address& node) {
      return ask_stat(node, "stats", "node_map_version") == version;
    });
  });
}

std::string OriginalsCluster::set(const Address& at, const std::string& key, const std::string& value) const {
  try {
    TextClient client{at};
    client.send(fmt::format("set {} 0 0 {}\r\n{}\r\n", key, value.size(), value));
    return client.read_line();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::string OriginalsCluster::get(const Address& at, const std::string& key) const {
  try {
    const auto lines = TextClient{at}.ask_all("get " + key);
    return lines.size() == 3 ? lines[1] : lines.back();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::map<std::string, OriginalRecord> OriginalsCluster::records_of(const Address& node) {
  std::map<std::string, OriginalRecord> records;
  TextClient client{node};
  client.send("dump\r\n");
  for (auto line = client.read_line(); line != "END"; line = client.read_line()) {
    const auto words = words_of(line);
    if (words.size() != 6 || words[0] != "VALUE") throw std::runtime_error("dump was answered '" + line + "'");
    auto data = client.read_exactly(static_cast<std::size_t>(*number_of(words[3])) + 2);
    data.resize(data.size() - 2);
    records[words[1]] = {static_cast<std::uint32_t>(*number_of(words[2])), *number_of(words[5]),
                         static_cast<std::uint64_t>(*number_of(words[4])), data};
  }
  return records;
}

bool OriginalsCluster::equal(const Address& node, OriginalFlared& original, Milliseconds limit) const {
  return eventually([&] { return records_of(node) == original.records(); }, limit);
}

}  // namespace flare::test
