#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "flare_bench/key_names.h"

namespace flare::bench {

/// Counts the sets of a key: each writes a value of its own. 0 stands for "not known".
enum class Generation : std::uint32_t {};

/// What a key's value must be: it follows from key and generation, byte for byte, so nothing has to be remembered.
class ValueBook {
 public:
  /// Throws std::invalid_argument when the value is too short to tell whose it is.
  explicit ValueBook(std::size_t value_bytes);

  [[nodiscard]] std::size_t bytes() const { return value_bytes_; }
  void append(KeyNumber key, Generation generation, std::string& out) const;
  /// Which generation of this key it is; none if any byte is not as it was written.
  [[nodiscard]] std::optional<Generation> generation_of(KeyNumber key, std::string_view value) const;

 private:
  [[nodiscard]] std::string_view body(KeyNumber key, Generation generation) const;

  std::size_t value_bytes_;
  std::string pool_;  // bodies are pieces of it, so that neither writing nor comparing has to make bytes
};

}  // namespace flare::bench
