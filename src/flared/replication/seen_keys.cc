#include "flared/replication/seen_keys.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace flare {

std::uint64_t SeenKeys::hash_of(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

}  // namespace flare
