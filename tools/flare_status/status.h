#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flare::status {

/// A line of the table. `items` is empty if the node did not answer.
struct NodeRow {
  std::string key{};
  std::string role{};
  std::string state{};
  int balance = 0;
  int partition = -1;
  std::optional<std::uint64_t> items{};
  std::string build{};     // how far it is while it is built from its master; empty: it is not
  std::string no_login{};  // why the node does not tell its figures to this user; empty: it does, or is silent
  std::string salvaged{};  // what an answer to `stats` says of a salvaged store; empty: nothing
};

/// The rows of an answer to `stats nodes`, in its order (by key); nothing if it is no such answer.
[[nodiscard]] std::optional<std::vector<NodeRow>> parse_nodes(const std::vector<std::string>& answer);

/// `curr_items` of an answer to `stats`.
[[nodiscard]] std::optional<std::uint64_t> parse_items(const std::vector<std::string>& answer);

/// `salvaged: 10 proven, 1 doubtful, 0 lost` of an answer to `stats`; empty if it says nothing of that.
[[nodiscard]] std::string parse_salvaged(const std::vector<std::string>& answer);

/// `1200 of 5000 records, 12 s left` of an answer to `stats`; empty if the node is not being built.
[[nodiscard]] std::string parse_build(const std::vector<std::string>& answer);

/// What is in work, one sentence each: nodes that are being built.
[[nodiscard]] std::vector<std::string> find_builds(const std::vector<NodeRow>& rows);

/// What an operator must look at, one sentence each: nodes down or silent, partitions without a master. Empty: healthy.
[[nodiscard]] std::vector<std::string> find_faults(const std::vector<NodeRow>& rows);

}  // namespace flare::status
