#include "common/protocol/output_buffer.h"

#include <algorithm>
#include <utility>

namespace flare {

namespace {
constexpr std::size_t first_bytes = 4096;
}

OutputBuffer::OutputBuffer(OutputBuffer&& other) noexcept
    : bytes_(std::move(other.bytes_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

OutputBuffer& OutputBuffer::operator=(OutputBuffer&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

void OutputBuffer::grow(std::size_t bytes_needed) {
  const std::size_t capacity = std::max({bytes_needed, capacity_ * 2, first_bytes});
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(bytes.get(), bytes_.get(), size_);
  bytes_ = std::move(bytes);
  capacity_ = capacity;
}

void OutputBuffer::clear_and_shrink(std::size_t bytes_max) {
  size_ = 0;
  if (capacity_ <= bytes_max) return;
  bytes_.reset();
  capacity_ = 0;
}

}  // namespace flare
