#pragma once

#include "common/protocol/item_request.h"
#include "common/protocol/output_buffer.h"
#include "flared/counters.h"
#include "flared/item_marks.h"
#include "flared/storage/storage.h"

namespace flare {

/// Where an item request is done.
struct ItemPlace {
  Storage& storage;
  ItemMarks& marks;
  Counters& counters;
  std::int64_t now_s;
  bool limited;  // the store's quota holds for it
};

/// Does the request at this node's store, inside a Storage::Batch, and appends its answer; an error: nothing was
/// changed and nothing is appended.
Result<void, StorageError> execute_item(const ItemPlace& place, const ItemRequest& request, OutputBuffer& out);

}  // namespace flare
