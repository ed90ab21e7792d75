#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace flare::test {

/// A write as an original flared has parsed it (docs/spec/cluster.md 5.2, 5.3).
struct OriginalWrite {
  std::string prefix{};  ///< names between < and >; with `prefixed`
  bool prefixed = false;
  std::string command{};
  std::string key{};
  std::string data{};
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;
  std::uint64_t version = 0;  ///< 0: none
  std::uint64_t delta = 0;
  bool noreply = false;
};

struct OriginalRecord {
  std::uint32_t flags = 0;
  std::int64_t expire_s = 0;
  std::uint64_t version = 0;
  std::string data{};
  friend bool operator==(const OriginalRecord&, const OriginalRecord&) = default;
};

/// The rules of docs/spec/protocol.md 3 and cluster.md 6 for one node's entries. Not safe from several threads.
class OriginalStore {
 public:
  /// The answer with its CRLF; `changed`: the write has to be replicated, and `write.version` is its new version.
  std::string execute(OriginalWrite& write, bool& changed);
  /// Dump mode: only what is newer, remembered deletions counted.
  void put_dumped(const std::string& key, const OriginalRecord& record);
  [[nodiscard]] const OriginalRecord* find(const std::string& key) const;
  void clear();
  [[nodiscard]] const std::map<std::string, OriginalRecord>& records() const { return records_; }

 private:
  [[nodiscard]] std::uint64_t version_of(const std::string& key) const;
  std::string store(OriginalWrite& write, std::string value, bool& changed);
  std::string remove(OriginalWrite& write, bool& changed);

  std::map<std::string, OriginalRecord> records_;
  std::map<std::string, std::uint64_t> deleted_;  // the header cache
};

}  // namespace flare::test
