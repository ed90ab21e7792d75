#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/cluster.h"
#include "support/original_flared.h"
#include "support/original_flarei.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {

/// Ours and originals in one cluster: real daemons of ours, scripted originals, either kind of index at one address and
/// with one data-dir. Prints what each test showed as a row of a table.
class OriginalsCluster : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  explicit OriginalsCluster(std::vector<std::string> node_lines = {});
  void TearDown() override;

  /// The test's row: what, and who is master and who slave or index.
  void shows(const std::string& what, const std::string& direction);

  /// A scripted node at 127.0.0.1:12131 and up.
  OriginalFlared& original(std::size_t number);
  /// One of ours at 127.0.0.1:12121 and up.
  [[nodiscard]] const Address& ours(std::size_t number) const { return cluster_.node(number); }

  void start_original_index();
  /// `node role <node> <rest>`, answered OK.
  void role(const Address& node, const std::string& rest) const;
  [[nodiscard]] bool is(const Address& node, const std::string& role, const std::string& state,
                        Milliseconds limit = Milliseconds{20'000}) const;
  /// The operator's two lines, with the build between them.
  void make_slave(const Address& node, int balance = 1) const;
  void make_master(const Address& node) const;
  /// Every node given holds the index's map.
  [[nodiscard]] bool know_the_map(const std::vector<Address>& nodes) const;
  [[nodiscard]] std::string set(const Address& at, const std::string& key, const std::string& value) const;
  [[nodiscard]] std::string get(const Address& at, const std::string& key) const;
  /// What a node holds, by its own dump.
  [[nodiscard]] static std::map<std::string, OriginalRecord> records_of(const Address& node);
  [[nodiscard]] bool equal(const Address& node, OriginalFlared& original,
                           Milliseconds limit = Milliseconds{20'000}) const;

  TempDir folder_;
  Cluster cluster_;
  OriginalFlarei original_index_;
  std::map<std::size_t, std::unique_ptr<OriginalFlared>> originals_;

 private:
  std::string what_;
  std::string direction_;
};

}  // namespace flare::test
