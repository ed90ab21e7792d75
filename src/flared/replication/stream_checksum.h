#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

struct XXH3_state_s;

namespace flare::stream {

/// XXH3 (64 bits) over bytes that come in pieces. Pure.
class Checksum {
 public:
  Checksum();
  void reset();
  void add(std::string_view bytes);
  std::uint64_t value() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace flare::stream
