#include "flared/buffer_pool.h"

#include <cstring>

namespace flare {

void InputBuffer::compact() {
  std::memmove(data_.data(), data_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace flare
