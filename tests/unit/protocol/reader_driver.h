#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/protocol/request_reader.h"
#include "unit/protocol/request_text.h"

namespace flare::test {

/// What one connection's reader said to the bytes it got: requests as text_of, answers as they are with `!` before
/// them, `closed` when the connection ends. It feeds the reader the way a session does, and checks what a session
/// relies on.
class ReaderDriver {
 public:
  explicit ReaderDriver(const ReaderLimits& limits = {}) : reader_(limits) {}

  void feed(std::string_view piece) {
    unread_ += piece;
    while (!closed_ && unread_.size() >= bytes_needed_) {
      const auto result = reader_.next(unread_);
      if (!take(result)) return;
    }
  }

  const std::vector<std::string>& said() const { return said_; }
  std::size_t unread_bytes() const { return unread_.size(); }

 private:
  bool take(const ReadResult& result) {
    switch (result.kind) {
      case ReadResult::Kind::need_more:
        EXPECT_GT(result.bytes_needed, unread_.size()) << "would be asked again for nothing";
        bytes_needed_ = result.bytes_needed;
        return false;
      case ReadResult::Kind::close:
        closed_ = true;
        if (!result.answer.empty()) said_.push_back('!' + std::string{result.answer});
        said_.push_back("closed");
        return false;
      case ReadResult::Kind::request:
        said_.push_back(text_of(result.request));
        break;
      case ReadResult::Kind::refused:
        if (!result.answer.empty()) said_.push_back('!' + std::string{result.answer});
        break;
    }
    EXPECT_GT(result.consumed, 0u) << "no progress";
    EXPECT_LE(result.consumed, unread_.size());
    bytes_needed_ = 1;
    if (result.consumed == 0 || result.consumed > unread_.size()) return false;
    unread_.erase(0, result.consumed);
    return !unread_.empty();
  }

  RequestReader reader_;
  std::string unread_;
  std::size_t bytes_needed_ = 1;
  bool closed_ = false;
  std::vector<std::string> said_;
};

inline std::vector<std::string> read_all(std::string_view bytes, const ReaderLimits& limits = {}) {
  ReaderDriver driver{limits};
  driver.feed(bytes);
  return driver.said();
}

}  // namespace flare::test
