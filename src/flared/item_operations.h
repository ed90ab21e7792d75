#pragma once

#include <cstdint>

#include "common/protocol/item_request.h"
#include "flared/counters.h"
#include "flared/storage/operation.h"
#include "flared/storage/storage.h"

/// From item requests to storage operations, and from outcomes to item results and counters (docs/design.md 1). Pure.
namespace flare {

/// Such a request is for the master. A plain get changes nothing.
bool changes_entry(const ItemRequest& request);
/// Its answer depends on marks, which only the master has.
bool needs_master(const ItemRequest& request);

/// `number`: room for the digits of an initial value; lives as long as the operation.
Operation to_operation(const ItemRequest& request, std::int64_t now_s, NumberText& number);

/// Without the data of a get, which the storage shows to a sink.
ItemResult to_result(const ItemRequest& request, const Outcome& outcome);
ItemResult to_result(const ItemRequest& request, const RecordView& record);

/// protocol.md 5: counted where it is executed, as the classic commands are.
void count(Counters& counters, const ItemRequest& request, const ItemResult& result);

}  // namespace flare
