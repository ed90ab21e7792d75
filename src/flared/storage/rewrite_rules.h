#pragma once

#include <cstdint>
#include <optional>

#include "flared/storage/storage_options.h"

/// When a store is worth rewriting, and into how many buckets (docs/design.md 3.11). Pure.
namespace flare {

struct StoreShape {
  std::uint64_t items = 0;
  std::uint64_t buckets = 1;
  std::uint64_t used_bytes = 0;                  // of the file, behind its head and buckets
  std::optional<std::uint64_t> live_bytes = {};  // keys and records, where they are known
  std::int64_t used_grown = 0;                   // since the start
  std::int64_t live_grown = 0;                   // since the start
  std::uint64_t alignment_bytes = 1;
};

enum class RewriteCause : std::uint8_t {
  none,
  few_buckets,  // a chain of more than four records at each
  waste,        // the file takes clearly more than its records
  unknown,      // it may waste room: the records have to be counted
};

/// What the file takes for so many records, without gaps and without its head.
std::uint64_t room_of_records(std::uint64_t items, std::uint64_t live_bytes, std::uint64_t alignment_bytes);

RewriteCause rewrite_cause(const StoreShape& shape, const RewritePace& pace);

/// For a new file: at least `wished`, and two for each record, so that it serves until there are eight times as many.
std::int64_t buckets_for(std::uint64_t items, std::int64_t wished);

}  // namespace flare
