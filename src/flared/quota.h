#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/connection_places.h"
#include "common/protocol/request.h"
#include "flared/counters.h"
#include "flared/storage/storage.h"

/// What a tenant may take of this node (docs/security.md): the answers, what counts, and `stats quota`. Pure.
namespace flare {

constexpr std::string_view too_many_items_answer = "SERVER_ERROR quota exceeded (max-items)\r\n";
constexpr std::string_view too_many_bytes_answer = "SERVER_ERROR quota exceeded (max-bytes)\r\n";
constexpr std::string_view too_many_operations_answer = "SERVER_ERROR quota exceeded (max-ops-per-second)\r\n";

/// A write that found no room; expired entries may be in its way.
constexpr bool over_quota(StorageError error) {
  return error == StorageError::too_many_items || error == StorageError::too_many_bytes ||
         error == StorageError::too_many_items_of_prefix || error == StorageError::too_many_bytes_of_prefix;
}
/// Counts the refusal of a client's write to the key, and tells its answer, which lives as long as the quota.
std::string_view refuse_over_quota(Counters& counters, StoreQuota& quota, StorageError error, std::string_view key);

/// How much of max-ops-per-second a request takes: one for each key. What other nodes pass on and what is no access to
/// data takes nothing: the node where a client came in has counted it.
std::uint64_t operations_of(const Request& request);

struct QuotaFigures {
  StoreLimits limits;
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
  std::uint64_t operations_max = 0;  // each second
  ConnectionPlaces::Figures connections;
  std::uint64_t memory_max = 0;  // of connections
  std::uint64_t memory = 0;
  std::uint64_t refused_memory = 0;
  std::uint64_t sweeps = 0;
  std::uint64_t reclaimed = 0;
};

/// The lines of `stats quota`, those of doors last, with END.
std::string quota_stats(const QuotaFigures& figures, const std::vector<const Counters*>& workers,
                        std::string_view doors = {});

}  // namespace flare
