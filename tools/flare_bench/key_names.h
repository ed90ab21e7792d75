#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flare::bench {

enum class KeyNumber : std::uint32_t {};

/// Names of keys: prefix, zeros, number; all of the same length.
class KeyNames {
 public:
  /// Throws std::invalid_argument when prefix and number do not fit.
  KeyNames(std::string prefix, std::size_t key_bytes);

  [[nodiscard]] std::size_t bytes() const { return blank_.size(); }
  void append(KeyNumber key, std::string& out) const;
  [[nodiscard]] bool is_name_of(std::string_view name, KeyNumber key) const;

 private:
  std::string blank_;  // the name of key 0
};

}  // namespace flare::bench
