#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/limits.h"
#include "common/protocol/request.h"

/// Where the answer of another node ends (docs/spec/cluster.md 5.1, 5.2). Pure.
namespace flare {

enum class AnswerShape : std::uint8_t {
  line,              // one line
  values_until_end,  // VALUE lines with data, then END; an error line in place of them or of the rest ends it too
  value_or_line,     // gat with a prefix: one VALUE line with data and no END, or one line
  item,              // of a meta command: `VA <size>...` with data, or one line
};

/// The shape of the answer to `request` as append_forwarded_write and append_forwarded_read write it.
AnswerShape answer_shape(const Request& request);

/// `VALUE <key> <flag> <size>[ <version>]`.
struct ValueLine {
  std::string_view key;
  std::uint32_t flags = 0;
  std::size_t data_bytes = 0;
  std::uint64_t version = 0;  // 0: not told
};
std::optional<ValueLine> parse_value_line(std::string_view line);

struct AnswerScan {
  enum class Kind {
    complete,   // the answer is the first `size` bytes
    need_more,  // ask again with at least `bytes_needed` bytes in all
    broken,     // not such an answer: nothing behind it can be trusted, the connection has to be closed
  };
  Kind kind = Kind::need_more;
  std::size_t size = 0;
  std::size_t bytes_needed = 1;
};

/// Where in an answer a value is: its line, its data and the line end behind it.
struct ValuePlace {
  std::size_t begin = 0;
  std::size_t bytes = 0;
  std::size_t key_begin = 0;
  std::size_t key_bytes = 0;

  std::string_view key_in(std::string_view answer) const { return answer.substr(key_begin, key_bytes); }
  std::string_view whole_in(std::string_view answer) const { return answer.substr(begin, bytes); }
};

/// Finds the end of one answer in bytes that arrive in any pieces; it remembers how far it has looked.
class AnswerReader {
 public:
  explicit AnswerReader(AnswerShape shape, std::size_t value_bytes_max = limits::value_bytes_max)
      : shape_(shape), value_bytes_max_(value_bytes_max) {}

  /// Another answer is looked for from now on.
  void begin(AnswerShape shape);
  /// `unread` begins with the answer each time, and grows from call to call.
  AnswerScan scan(std::string_view unread);
  /// The whole values of the answer, in their order.
  const std::vector<ValuePlace>& values() const { return values_; }

 private:
  AnswerScan scan_item(std::string_view unread, std::string_view line, std::size_t begin) const;
  std::optional<AnswerScan> scan_value(std::string_view unread, std::string_view line, std::size_t begin);

  AnswerShape shape_;
  std::size_t value_bytes_max_;
  std::size_t scanned_ = 0;         // whole VALUE lines with their data
  std::vector<ValuePlace> values_;  // the same, one by one
};

}  // namespace flare
