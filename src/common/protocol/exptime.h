#pragma once

#include <cstdint>

/// From the exptime that a client sends to the absolute second that is stored (docs/spec/protocol.md 3). Pure.
namespace flare {

constexpr std::int64_t relative_exptime_max_s = 60 * 60 * 24 * 30;  // 30 days inclusive; above it a time is absolute
/// An absolute time in the past whatever the clock says: how "expired at once" is stored, and told to other nodes,
/// which take no negative time (docs/replication.md 5).
constexpr std::int64_t long_past_s = relative_exptime_max_s + 1;

/// 0: never. Negative: expired at once, as memcached has it (docs/design.md 1).
constexpr std::int64_t absolute_expire_s(std::int64_t exptime, std::int64_t now_s) {
  if (exptime == 0) return 0;
  if (exptime < 0) return long_past_s;
  return exptime <= relative_exptime_max_s ? now_s + exptime : exptime;
}

}  // namespace flare
