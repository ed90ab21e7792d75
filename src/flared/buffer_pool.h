#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/output_buffer.h"

namespace flare {

/// Bytes received and not consumed yet. Grows only for a request that is larger than a usual turn.
class InputBuffer {
 public:
  InputBuffer() : data_(limits::read_buffer_bytes) {}

  std::string_view unread() const { return {data_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t size) {
    begin_ += size;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Room after the unread bytes, at least one byte; `whole` is what the request at hand needs in all.
  char* room(std::size_t whole) {
    if (begin_ > 0 && end_ == data_.size()) compact();
    if (end_ == data_.size() && whole > data_.size()) {
      compact();
      // As it arrives: a claimed size alone takes no memory. And never by a few bytes: who does not know how much is to
      // come asks for one more than there is.
      data_.resize(std::min(std::max(whole, data_.size() + limits::read_buffer_bytes), data_.size() * 2));
    }
    if (end_ == data_.size()) data_.resize(data_.size() + limits::read_buffer_bytes);
    return data_.data() + end_;
  }
  std::size_t capacity() const { return data_.size(); }
  std::size_t room_bytes() const { return data_.size() - end_; }
  void received(std::size_t size) { end_ += size; }
  void clear() { begin_ = end_ = 0; }

 private:
  void compact();

  std::vector<char> data_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// A worker's buffers, lent to sessions for a turn: an idle session holds none (docs/design.md 2).
template <class Buffer>
class BufferPool {
 public:
  struct GiveBack {
    BufferPool* pool = nullptr;
    void operator()(Buffer* buffer) const { pool->give_back(std::unique_ptr<Buffer>{buffer}); }
  };
  using Lease = std::unique_ptr<Buffer, GiveBack>;

  Lease borrow() {
    if (free_.empty()) return Lease{new Buffer, GiveBack{this}};
    Lease lease{free_.back().release(), GiveBack{this}};
    free_.pop_back();
    return lease;
  }

 private:
  static constexpr std::size_t capacity_max = 2 * limits::turn_output_bytes_max;  // larger ones served a large value
  static constexpr std::size_t kept_max = 4;  // more are lent at once only while sessions wait in the middle of a turn

  void give_back(std::unique_ptr<Buffer> buffer) {
    if (buffer->capacity() > capacity_max || free_.size() >= kept_max) return;
    buffer->clear();
    free_.push_back(std::move(buffer));
  }

  std::vector<std::unique_ptr<Buffer>> free_;
};

}  // namespace flare
