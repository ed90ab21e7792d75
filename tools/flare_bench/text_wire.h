#pragma once

#include "flare_bench/wire.h"

namespace flare::bench {

/// memcached's classic text protocol: get and set.
class TextWire final : public Wire {
 public:
  explicit TextWire(const KeyNames& names) : names_{names} {}

  void write_get(std::span<const KeyNumber> keys, std::string& out) const override;
  void write_set_head(KeyNumber key, std::size_t value_bytes, std::string& out) const override;
  [[nodiscard]] std::string_view set_tail() const override { return "\r\n"; }
  AnswerState read_get(std::string_view input, std::size_t keys, Answer& answer) const override;
  AnswerState read_set(std::string_view input, Answer& answer) const override;

 private:
  const KeyNames& names_;
};

}  // namespace flare::bench
