#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "flared/storage/prefix_quota.h"
#include "flared/storage/quota_number.h"
#include "flared/storage/store_limits.h"

namespace flare {

/// How many records and bytes a store holds, against what clients may store (docs/security.md). The storage tells every
/// change under the record's lock, so the limits hold exactly with any number of threads. Without locks.
class StoreQuota {
 public:
  enum class Refusal : std::uint8_t { items, bytes, prefix_items, prefix_bytes };

  /// A client's write of the key would add so much; what does not grow is never refused. It is counted at once: `add`
  /// takes it back if the write fails.
  std::optional<Refusal> reserve(std::string_view key, std::int64_t items, std::int64_t bytes) {
    if (const auto refused = prefixes_.reserve(key, items, bytes)) {
      return *refused == PrefixQuotas::Refusal::items ? Refusal::prefix_items : Refusal::prefix_bytes;
    }
    const auto refused = reserve_of_store(items, bytes);
    if (refused) prefixes_.add(key, -items, -bytes);
    return refused;
  }
  /// What is never refused: replicated writes, builds, deletes.
  void add(std::string_view key, std::int64_t items, std::int64_t bytes) {
    prefixes_.add(key, items, bytes);
    if (items != 0) items_.fetch_add(items, relaxed);
    if (bytes != 0) bytes_.fetch_add(bytes, relaxed);
  }
  PrefixQuotas& prefixes() { return prefixes_; }
  const PrefixQuotas& prefixes() const { return prefixes_; }

  /// Nobody writes meanwhile. The bytes are to be counted anew when `counts_bytes` has become true.
  void set_limits(const StoreLimits& limits) {
    items_max_.store(quota_number::as_signed(limits.items), relaxed);
    bytes_max_.store(quota_number::as_signed(limits.bytes), relaxed);
  }
  /// `bytes`: nullopt if only their changes are counted from here on.
  void recounted(std::uint64_t items, std::optional<std::uint64_t> bytes) {
    items_.store(quota_number::as_signed(items), relaxed);
    bytes_.store(quota_number::as_signed(bytes.value_or(0)), relaxed);
    bytes_before_.store(bytes || items == 0 ? 0 : unknown, relaxed);
    earliest_expiry_s_.store(0, relaxed);  // unknown
  }
  /// So many bytes were found by somebody who looked while others wrote: about so many are there.
  void measured(std::uint64_t bytes) {
    bytes_before_.store(quota_number::as_signed(bytes) - bytes_.load(relaxed), relaxed);
  }
  /// About; nullopt: nobody has looked.
  std::optional<std::uint64_t> live_bytes() const {
    const auto before = bytes_before_.load(relaxed);
    if (before == unknown) return std::nullopt;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, before + bytes_.load(relaxed)));
  }
  std::int64_t change_of_bytes() const { return bytes_.load(relaxed); }           // since they were counted
  std::uint64_t counted_bytes() const { return quota_number::as_count(bytes_); }  // of a store that began empty
  bool counts_bytes() const { return bytes_max_.load(relaxed) > 0; }

  StoreLimits limits() const { return {quota_number::as_count(items_max_), quota_number::as_count(bytes_max_)}; }
  std::uint64_t items() const { return quota_number::as_count(items_); }
  std::uint64_t bytes() const {
    return counts_bytes() ? quota_number::as_count(bytes_) : 0;
  }  // 0 while they are not counted

  /// A record that expires then (0: never) was stored or found.
  void note_expiry(std::int64_t expire_s) {
    if (expire_s == 0) return;
    auto earliest = earliest_expiry_s_.load(relaxed);
    while (expire_s < earliest && !earliest_expiry_s_.compare_exchange_weak(earliest, expire_s, relaxed)) {
    }
  }
  /// Whether a sweep could find anything: a full store without expired records is not searched again and again.
  bool may_have_expired(std::int64_t now_s) const {
    return sweeping_.load(relaxed) || earliest_expiry_s_.load(relaxed) <= now_s;
  }
  /// A sweep looks at all records, and notes the expiry of those that stay.
  void sweep_begins() {
    sweeping_.store(true, relaxed);
    earliest_expiry_s_.store(std::numeric_limits<std::int64_t>::max(), relaxed);
  }
  void sweep_ends(bool complete) {
    if (!complete) earliest_expiry_s_.store(0, relaxed);
    sweeping_.store(false, relaxed);
  }

 private:
  using Number = quota_number::Number;
  static constexpr auto relaxed = quota_number::relaxed;

  static constexpr auto unknown = std::numeric_limits<std::int64_t>::min();

  std::optional<Refusal> reserve_of_store(std::int64_t items, std::int64_t bytes) {
    if (!quota_number::grow(items_, items, items_max_)) return Refusal::items;
    if (quota_number::grow(bytes_, bytes, bytes_max_)) return std::nullopt;
    items_.fetch_sub(items, relaxed);
    return Refusal::bytes;
  }

  Number items_{0};
  Number bytes_{0};         // since `recounted`; from the first byte on where they are limited
  Number bytes_before_{0};  // that were there before, or unknown
  Number items_max_{0};
  Number bytes_max_{0};
  Number earliest_expiry_s_{0};
  std::atomic<bool> sweeping_{false};
  PrefixQuotas prefixes_;
};

}  // namespace flare
