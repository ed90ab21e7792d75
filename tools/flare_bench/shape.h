#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace flare::bench {

enum class Kind : std::uint8_t { get, set, mix, fill };
enum class Protocol : std::uint8_t { text, meta, binary, redis };

constexpr std::size_t number_digits = 10;     // of a key: any 32-bit number
constexpr std::size_t value_head_bytes = 16;  // of a value: which key, which generation
constexpr std::uint32_t keys_per_get_max = 1'000;
constexpr std::uint32_t pipeline_max = 10'000;

/// What is asked for: the kind of requests and the size of things.
struct Shape {
  Kind kind = Kind::get;
  Protocol protocol = Protocol::text;
  std::uint32_t reads = 9;  ///< of mix: so many gets ...
  std::uint32_t sets = 1;   ///< ... for so many sets
  std::uint32_t keys = 100'000;
  std::size_t key_bytes = 32;
  std::size_t value_bytes = 100;
  std::string key_prefix = "k";
  std::uint32_t pipeline = 1;      ///< requests that a connection may have on the way
  std::uint32_t keys_per_get = 1;  ///< more than one: multi-get
};

}  // namespace flare::bench
