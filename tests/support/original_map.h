#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::test {

/// Words of a line, separated by runs of spaces.
[[nodiscard]] std::vector<std::string> words_of(std::string_view line);
/// A whole word that is a number.
[[nodiscard]] std::optional<std::int64_t> number_of(const std::string& word);

/// A node as docs/spec/cluster.md 1.1 has it, with the numbers of the wire.
struct OriginalNode {
  static constexpr int master = 0, slave = 1, proxy = 2;
  static constexpr int active = 0, prepare = 1, down = 2, ready = 3;

  std::string name{};
  int port = 0;
  int role = proxy;
  int state = active;
  int partition = -1;
  int balance = 0;
  int thread_type = 16;

  [[nodiscard]] std::string key() const { return name + ":" + std::to_string(port); }
  [[nodiscard]] std::string line() const;  ///< NODE line, without its end
};
/// Words after the seventh are ignored; nothing: a format error.
[[nodiscard]] std::optional<OriginalNode> parse_original_node(std::string_view line);

/// The map as original daemons hold it.
struct OriginalMap {
  std::uint64_t version = 0;
  std::map<std::string, OriginalNode> nodes{};
  int next_thread_type = 16;

  [[nodiscard]] std::string lines() const;  ///< NODE lines and END
  [[nodiscard]] const OriginalNode* master_of(int partition, bool preparing = false) const;
  [[nodiscard]] int active_partitions() const;
  [[nodiscard]] bool has_preparing() const;
  [[nodiscard]] std::string stats() const;  ///< the answer to `stats nodes`
};

/// Row `partitions` of the modular table with hint 1, 4096 slots, and the hash `simple` (cluster.md 2).
[[nodiscard]] int original_partition(std::string_view key, int partitions);

/// flare.xml (cluster.md 4.6): what stands after its end is dropped, as the original does.
void write_original_xml(const std::filesystem::path& file, const OriginalMap& map);
[[nodiscard]] OriginalMap read_original_xml(const std::filesystem::path& file);

}  // namespace flare::test
