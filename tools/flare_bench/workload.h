#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace flare::bench {

enum class Kind : std::uint8_t { get, set, mix };

struct Shape {
  Kind kind = Kind::get;
  std::uint32_t keys = 100'000;
  std::size_t key_bytes = 16;
  std::size_t value_bytes = 100;
  std::uint32_t pipeline = 1;      ///< requests sent together
  std::uint32_t set_percent = 10;  ///< of mix
};

/// Requests, and the bytes a right server answers: a value follows from its key, so each answer is known in advance.
class Workload {
 public:
  Workload(const Shape& shape, std::uint64_t seed);

  /// Appends `pipeline` requests and what must come back.
  void next_batch(std::string& requests, std::string& answers);
  /// Appends the set of one key, to fill the store.
  void set_of(std::uint32_t key, std::string& requests, std::string& answers);

 private:
  void get_of(std::uint32_t key, std::string& requests, std::string& answers);
  [[nodiscard]] std::string key_name(std::uint32_t key) const;
  std::string_view value_of(std::uint32_t key);

  Shape shape_;
  std::mt19937_64 random_;
  std::string value_;
};

}  // namespace flare::bench
