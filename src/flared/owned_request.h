#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/protocol/request.h"
#include "flared/forwarded_item.h"

namespace flare {

/// A client's write that outlives the bytes it was read from: it is on its way to another node, or waits.
class OwnedRequest {
 public:
  void assign(const Request& request);
  /// A meta or binary request: `item` owns what `request.item` points to.
  void assign(const Request& request, std::shared_ptr<ForwardedItem> item);

  /// Views into this object, until it changes or moves.
  Request request() const;
  /// Null for a classic request.
  ForwardedItem* item() const { return item_.get(); }
  std::size_t data_bytes() const { return item_ ? item_->request().data.size() : data_bytes_; }
  /// Only the answer is awaited now: the value is not needed any more.
  void drop_data();
  void clear();

 private:
  Request shape_;      // its views mean nothing
  std::string bytes_;  // key, prefix, data: one behind the other
  std::size_t key_bytes_ = 0;
  std::size_t prefix_bytes_ = 0;
  std::size_t data_bytes_ = 0;
  std::shared_ptr<ForwardedItem> item_;
};

}  // namespace flare
