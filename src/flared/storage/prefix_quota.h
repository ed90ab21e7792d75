#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "flared/storage/quota_number.h"
#include "flared/storage/store_limits.h"

namespace flare {

/// What clients may store under one prefix of keys. No two prefixes of a store begin one another.
struct PrefixLimit {
  std::string prefix;
  std::string owner;  // named in answers: `door.NAME`
  StoreLimits limits;
};

/// How many records and bytes a store holds under each of some prefixes, against what clients may store there
/// (docs/security.md). Told as StoreQuota is, which holds it. Counts nothing until one of the limits is set.
class PrefixQuotas {
 public:
  /// One prefix.
  class Share {
   public:
    explicit Share(const PrefixLimit& limit);

    const std::string& prefix() const { return prefix_; }
    StoreLimits limits() const;
    std::uint64_t items() const { return quota_number::as_count(items_); }
    std::uint64_t bytes() const { return quota_number::as_count(bytes_); }
    std::uint64_t refused_items() const { return refused_items_.load(relaxed); }
    std::uint64_t refused_bytes() const { return refused_bytes_.load(relaxed); }

   private:
    friend class PrefixQuotas;
    using Number = quota_number::Number;
    static constexpr auto relaxed = quota_number::relaxed;

    const std::string prefix_;
    const std::string too_many_items_, too_many_bytes_;  // answers, with their line ends
    Number items_{0}, bytes_{0}, items_max_{0}, bytes_max_{0};
    std::atomic<std::uint64_t> refused_items_{0}, refused_bytes_{0};
  };

  enum class Refusal : std::uint8_t { items, bytes };

  /// The prefixes are those of the first call; later ones change limits. Nobody writes meanwhile. True: the records
  /// are to be counted anew, since counting begins now.
  bool set(const std::vector<PrefixLimit>& limits);
  bool counts() const { return counts_.load(std::memory_order_relaxed); }
  /// All are 0 then.
  void begin_count();

  /// As StoreQuota::reserve.
  std::optional<Refusal> reserve(std::string_view key, std::int64_t items, std::int64_t bytes);
  void add(std::string_view key, std::int64_t items, std::int64_t bytes);

  /// Counts a refusal of a client's write, and tells its answer.
  std::string_view refuse(std::string_view key, Refusal refusal);
  /// Null: there is none, or none is counted.
  const Share* of_prefix(std::string_view prefix) const;

 private:
  Share* of(std::string_view key) const;

  std::vector<std::unique_ptr<Share>> shares_;  // by prefix
  std::atomic<bool> counts_{false};
};

}  // namespace flare
