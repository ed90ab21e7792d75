#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace flare {

/// Answers on their way out: contiguous bytes that grow, reserved once and used again for every turn, so that the
/// steady state allocates nothing. Owned by one session or link, on one thread.
class OutputBuffer {
 public:
  explicit OutputBuffer(std::size_t reserve_bytes = 0) {
    if (reserve_bytes > 0) grow(reserve_bytes);
  }
  OutputBuffer(OutputBuffer&& other) noexcept;
  OutputBuffer& operator=(OutputBuffer&& other) noexcept;

  void append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()), bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  void append_number(std::integral auto number) {
    constexpr std::size_t digits_max = 20;
    char* const begin = prepare(digits_max);
    commit(static_cast<std::size_t>(std::to_chars(begin, begin + digits_max, number).ptr - begin));
  }

  /// Room for `bytes` more, to be filled in place (one copy of a value: design.md 2) and then committed.
  char* prepare(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(size_ + bytes);
    return bytes_.get() + size_;
  }
  void commit(std::size_t bytes) { size_ += bytes; }

  /// Takes back what was appended behind `size`: an answer that turned out otherwise.
  void truncate(std::size_t size) { size_ = size < size_ ? size : size_; }
  void clear() { size_ = 0; }
  /// Cleared, and its memory given back when one large answer has made it grow above `bytes_max`.
  void clear_and_shrink(std::size_t bytes_max);

  std::string_view view() const { return {bytes_.get(), size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return capacity_; }

 private:
  void grow(std::size_t bytes_needed);

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace flare
