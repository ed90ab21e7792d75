#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/text_client.h"

namespace flare::test {

/// A record as `dump` shows it.
struct StoredItem {
  std::string data{};
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;
  std::uint64_t version = 0;
  friend bool operator==(const StoredItem&, const StoredItem&) = default;
};
using StoredItems = std::map<std::string, StoredItem>;

/// All records of a node, by `dump`.
[[nodiscard]] StoredItems dump_of(const Address& node);

/// What the writers of one node share: a counter that all of them raise, and when the newest answer came.
struct WritersShare {
  std::atomic<int> ready = 0;  // writers who know their keys' versions: what they do before is in nobody's account
  std::atomic<std::uint64_t> raises_sent{0};
  std::atomic<std::uint64_t> raises_answered{0};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::int64_t> newest_answer_ns{0};  // of the steady clock
  std::atomic<bool> killed{false};                // set before the kill: who loses its connection earlier has failed
};

/// A client that writes to keys of its own and keeps account: what was answered, and what was sent behind that. Writes
/// without an answer count as answered once a later one on the same connection is.
class RecordedWriter {
 public:
  static constexpr const char* shared_key = "shared";

  RecordedWriter(int number, std::uint64_t seed, WritersShare& share);

  /// Sends batches until the connection is gone.
  void run(const Address& node);
  /// Takes what a node holds after a kill: everything answered and, of what was sent behind it, a first part in order.
  /// Empty, or what is wrong.
  [[nodiscard]] std::string settle(const StoredItems& stored);
  /// What went wrong while it ran; empty if nothing did.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  struct Known {
    bool present = false;
    StoredItem item{};  // its version is remembered when the record is gone
    friend bool operator==(const Known&, const Known&) = default;
  };
  using Account = std::map<std::string, Known>;
  struct Write {
    std::string key{};  // empty: the shared counter
    Known after{};
    std::string request{};
    std::string answer{};  // empty: noreply, or any number for the shared counter
    bool answered = true;
  };

  Write draw(bool may_be_silent);
  Write store(const std::string& key, const Known& before, bool may_be_silent);
  Write compare_and_store(const std::string& key, const Known& before);
  Write touch(const std::string& key, const Known& before);
  Write remove(const std::string& key, const Known& before, bool may_be_silent);
  Write raise(const std::string& key, const Known& before);
  Write raise_shared();
  void fill(Known& known, const std::string& key);
  void send_batch(TextClient& client);
  void take_answers(TextClient& client);
  void acknowledge(std::size_t writes);
  void learn_versions(TextClient& client);
  [[nodiscard]] std::string own_key(std::uint64_t number) const;
  [[nodiscard]] static std::string difference(const Account& account, const StoredItems& stored);

  const std::string prefix_;
  std::mt19937_64 random_;
  WritersShare& share_;
  Account known_;                    // answered
  Account tip_;                      // with everything that was sent
  std::vector<Write> unsure_;        // sent, not answered
  std::set<std::string> forgotten_;  // keys that are gone, and it cannot be told with which version
  std::uint64_t numbered_ = 0;
  std::string failure_;
};

}  // namespace flare::test
