#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/protocol/item_request.h"
#include "flared/awaited_answers.h"

namespace flare {

/// An item request that outlives the bytes it was read from.
class OwnedItem {
 public:
  explicit OwnedItem(const ItemRequest& request);
  OwnedItem(const OwnedItem&) = delete;
  OwnedItem& operator=(const OwnedItem&) = delete;

  const ItemRequest& request() const { return request_; }
  /// Once it is sent only what the answer needs is kept.
  void drop_data();

 private:
  std::string key_, data_, meta_words_, key_as_sent_;
  ItemRequest request_;
};

/// An item request on its way to another node, and the form that turns that node's answer into the client's.
class ForwardedItem final : public AnswerForm {
 public:
  /// In which words the other node was asked (forward_item.h).
  enum class Wire : std::uint8_t { read, meta, classic };

  /// As a key of a classic read (PeerLink::read), until PeerLink::forward_item asks for more.
  ForwardedItem(const ItemRequest& request, std::string_view prefix, const Clock& clock)
      : item_(request), prefix_(prefix), clock_(clock) {}

  const ItemRequest& request() const { return item_.request(); }
  const std::string& prefix() const { return prefix_; }
  void sent_as(Wire wire) {
    wire_ = wire;
    item_.drop_data();
  }
  void append(OutputBuffer& out, std::string_view answer) const override;

 private:
  ItemResult result_of(std::string_view answer, std::int64_t now_s) const;

  OwnedItem item_;
  std::string prefix_;
  const Clock& clock_;
  Wire wire_ = Wire::read;
};

/// The answer of a node-local command to a binary client.
class BinaryForm final : public AnswerForm {
 public:
  explicit BinaryForm(const BinaryHeader& header) : header_(header) {}
  void append(OutputBuffer& out, std::string_view answer) const override;

 private:
  const BinaryHeader header_;
};

}  // namespace flare
