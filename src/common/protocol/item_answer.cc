#include "common/protocol/item_answer.h"

namespace flare {

void append_item_answer(OutputBuffer& out, const ItemRequest& request, const ItemResult& result, std::int64_t now_s) {
  switch (request.form) {
    case ItemRequest::Form::meta:
      return append_meta_answer(out, request, result, now_s);
    case ItemRequest::Form::binary:
      return append_binary_item_answer(out, request, result);
  }
}

}  // namespace flare
