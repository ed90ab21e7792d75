#pragma once

#include <cstdint>

#include "common/protocol/item_request.h"
#include "common/protocol/output_buffer.h"

/// The answer to a meta command or binary packet for one key, in the form in which it was asked. Pure.
namespace flare {

/// Nothing at all where the request is quiet about this result. `result.data` may lie in the store: it is copied once.
void append_item_answer(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s);

/// The part of the two forms; append_item_answer chooses.
void append_meta_answer(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s);
void append_binary_item_answer(OutputBuffer& out, const ItemRequest& request, const ItemResult& result);

}  // namespace flare
