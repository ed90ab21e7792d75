#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/cluster.h"
#include "support/temp_dir.h"

namespace flare::test {

/// Two tenants side by side on one machine, each a running cluster with one master that holds keys of its own. What a
/// hazard of docs/spec/cluster.md 8 must not touch can be compared before and after.
class Tenants {
 public:
  static constexpr std::size_t master = 0;
  static constexpr std::size_t proxy = 1;  // of user-a only

  /// `named`: both have `tenant` in their config files.
  explicit Tenants(bool named);

  [[nodiscard]] Cluster& a() { return a_; }
  [[nodiscard]] Cluster& b() { return b_; }
  [[nodiscard]] std::filesystem::path folder(const std::string& name) const;

  /// Nodes of the maps, keys of the masters and identity files, as text.
  [[nodiscard]] std::string state();
  /// True once it is what it was when both clusters had just started.
  [[nodiscard]] bool undisturbed();

 private:
  static std::string state_of(Cluster& cluster);

  TempDir folder_;
  Cluster a_;
  Cluster b_;
  std::string at_start_;
};

/// `meta` of an index: the id of its cluster; empty if it tells none.
[[nodiscard]] std::string cluster_id_of(const Address& index);

/// Names and bytes of all files of a data-dir, but for the lock and pid files, which say who looked at it last.
[[nodiscard]] std::map<std::string, std::string> files_of(const std::filesystem::path& data_dir);

/// A start that ends by itself.
[[nodiscard]] Outcome start_of(const std::string& name, const Cluster& cluster, const Address& daemon,
                               const std::vector<std::string>& more_words = {});

}  // namespace flare::test
