#include "flared/owned_request.h"

#include <utility>

namespace flare {

namespace {

constexpr std::size_t kept_bytes_max = 4 * 1024;  // of room, for the next request

}  // namespace

void OwnedRequest::assign(const Request& request) {
  shape_ = request;
  key_bytes_ = request.key.size();
  prefix_bytes_ = request.prefix.size();
  data_bytes_ = request.data.size();
  bytes_.clear();
  bytes_.append(request.key).append(request.prefix).append(request.data);
  item_.reset();
}

void OwnedRequest::assign(const Request& request, std::shared_ptr<ForwardedItem> item) {
  Request without_data = request;
  without_data.data = {};
  without_data.key = {};
  assign(without_data);
  item_ = std::move(item);
}

Request OwnedRequest::request() const {
  const std::string_view bytes{bytes_};
  Request request = shape_;
  request.key = bytes.substr(0, key_bytes_);
  request.prefix = bytes.substr(key_bytes_, prefix_bytes_);
  request.data = bytes.substr(key_bytes_ + prefix_bytes_, data_bytes_);
  request.rest = {};
  request.binary = nullptr;
  request.item = nullptr;
  if (item_) {
    request.item = &item_->request();
    request.key = request.item->key;
  }
  return request;
}

void OwnedRequest::drop_data() {
  bytes_.resize(key_bytes_ + prefix_bytes_);
  if (bytes_.capacity() > kept_bytes_max) bytes_.shrink_to_fit();
  data_bytes_ = 0;
}

void OwnedRequest::clear() {
  drop_data();
  item_.reset();
}

}  // namespace flare
