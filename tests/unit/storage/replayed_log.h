#pragma once

#include "flared/storage/memory_storage.h"
#include "unit/storage/storage_helpers.h"

namespace flare {

// What the whole log makes of an empty store.
inline Contents replayed(const Storage& storage) {
  MemoryStorage model;
  for (const auto& entry : log_after(storage, Sequence{0}, 1 << 20)) {
    if (!apply(model, entry)) return {{"the log has a gap", ""}};
  }
  return contents_of(model);
}

}  // namespace flare
