#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "flare_bench/answer.h"
#include "flare_bench/key_names.h"
#include "flare_bench/shape.h"

namespace flare::bench {

/// How requests and answers look on the wire. Pure: bytes in, bytes out; an answer is read from its beginning each
/// time.
class Wire {
 public:
  virtual ~Wire() = default;

  virtual void write_get(std::span<const KeyNumber> keys, std::string& out) const = 0;
  /// What stands before the value and behind it.
  virtual void write_set_head(KeyNumber key, std::size_t value_bytes, std::string& out) const = 0;
  [[nodiscard]] virtual std::string_view set_tail() const = 0;

  /// The answer to a get of so many keys; `answer` is empty before.
  virtual AnswerState read_get(std::string_view input, std::size_t keys, Answer& answer) const = 0;
  virtual AnswerState read_set(std::string_view input, Answer& answer) const = 0;
};

/// `names` must outlive it.
[[nodiscard]] std::unique_ptr<Wire> make_wire(Protocol protocol, const KeyNames& names);

}  // namespace flare::bench
