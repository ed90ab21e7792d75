#include "flared/storage/rewrite_rules.h"

#include <algorithm>

namespace flare {
namespace {

constexpr std::uint64_t records_per_bucket_max = 4;  // design.md 3: a tenth of the keys is 2.3 times slower
constexpr std::uint64_t buckets_per_record = 2;
constexpr std::uint64_t buckets_made_max = std::uint64_t{1} << 28;  // beyond the wish; whatever a peer has announced
constexpr std::uint64_t library_bytes = 12;                         // of a record: mark, chain, two lengths

// daemons.md 3.6: a pattern is to stay below twice its records; the rest is for what comes while it is rewritten.
constexpr bool clearly_more(std::uint64_t used, std::uint64_t needed) { return used / 8 * 5 >= needed; }  // 1.6 times
// Less cannot lead from a store that was left alone to one of twice its records.
constexpr std::int64_t suspicious_share = 8;

bool may_waste(const StoreShape& shape, const RewritePace& pace) {
  const auto used = static_cast<std::int64_t>(shape.used_bytes);
  const auto wasted = shape.used_grown - shape.live_grown;
  return wasted >= std::max(static_cast<std::int64_t>(pace.waste_bytes_min), used / suspicious_share);
}

}  // namespace

std::uint64_t room_of_records(std::uint64_t items, std::uint64_t live_bytes, std::uint64_t alignment_bytes) {
  return live_bytes + items * (library_bytes + alignment_bytes / 2);
}

RewriteCause rewrite_cause(const StoreShape& shape, const RewritePace& pace) {
  if (shape.items >= pace.items_min && shape.items / records_per_bucket_max > shape.buckets) {
    return RewriteCause::few_buckets;
  }
  if (shape.used_bytes < pace.waste_bytes_min) return RewriteCause::none;
  if (!shape.live_bytes) return may_waste(shape, pace) ? RewriteCause::unknown : RewriteCause::none;
  const auto needed = room_of_records(shape.items, *shape.live_bytes, shape.alignment_bytes);
  const bool worth = shape.used_bytes >= needed + pace.waste_bytes_min && clearly_more(shape.used_bytes, needed);
  return worth ? RewriteCause::waste : RewriteCause::none;
}

std::int64_t buckets_for(std::uint64_t items, std::int64_t wished) {
  const auto made = std::min(items, buckets_made_max / buckets_per_record) * buckets_per_record;
  return std::max(wished, static_cast<std::int64_t>(made));
}

}  // namespace flare
