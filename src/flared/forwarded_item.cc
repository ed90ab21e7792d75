#include "flared/forwarded_item.h"

#include "common/protocol/binary_answer.h"
#include "common/protocol/forward_item.h"
#include "common/protocol/item_answer.h"

namespace flare {

OwnedItem::OwnedItem(const ItemRequest& request)
    : key_(request.key),
      data_(request.data),
      meta_words_(request.meta_words),
      key_as_sent_(request.key_as_sent),
      request_(request) {
  request_.key = key_;
  request_.data = data_;
  request_.meta_words = meta_words_;
  request_.key_as_sent = key_as_sent_;
}

void OwnedItem::drop_data() {
  request_.data = {};
  data_ = std::string{};
}

ItemResult ForwardedItem::result_of(std::string_view answer, std::int64_t now_s) const {
  if (wire_ == Wire::meta) return parse_item_answer(request(), answer, now_s);
  if (wire_ == Wire::classic || !answer.empty()) return parse_classic_answer(request(), answer);
  return with_status(ItemStatus::missing);  // the key's part of a multi-get (docs/spec/cluster.md 5.1)
}

void ForwardedItem::append(OutputBuffer& out, std::string_view answer) const {
  const auto now_s = clock_.unix_s();
  append_item_answer(out, request(), result_of(answer, now_s), now_s);
}

void BinaryForm::append(OutputBuffer& out, std::string_view answer) const {
  append_binary_of_text(out, header_, answer);
}

}  // namespace flare
