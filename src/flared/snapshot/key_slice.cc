#include "flared/snapshot/key_slice.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace flare::snapshot {

KeyHash hash_of(std::string_view key) {
  const auto hash = XXH3_128bits(key.data(), key.size());
  return {hash.high64, hash.low64};
}

}  // namespace flare::snapshot
