#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/limits.h"
#include "common/base/result.h"
#include "flared/storage/record.h"

namespace flare {

/// Reads the answer to `dump` of an original (docs/spec/cluster.md 6.1) from bytes that arrive in any pieces. Pure.
class DumpReader {
 public:
  struct Record {
    std::string_view key;
    RecordView record;
  };
  struct End {};  // the source has told everything
  /// `SERVER_ERROR database busy`: another dump runs there.
  struct Busy {};
  using Piece = std::variant<Record, End, Busy>;

  explicit DumpReader(std::size_t data_bytes_max = limits::value_bytes_max) : data_bytes_max_(data_bytes_max) {}

  /// The next whole piece, cut off the front of `unread`; its views point there. nullopt: more bytes are needed. The
  /// error is a sentence; nothing behind it can be trusted.
  Result<std::optional<Piece>, std::string> next(std::string_view& unread) const;

 private:
  std::size_t data_bytes_max_;
};

}  // namespace flare
