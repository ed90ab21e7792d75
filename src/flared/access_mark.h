#pragma once

#include <atomic>
#include <cstdint>

namespace flare {

/// Whether a worker is in the store, for the time watcher: raised when it goes in and when it comes out, so it is odd
/// inside. Written by the worker alone; costs it no call of a clock.
class AccessMark {
 public:
  class Inside {
   public:
    explicit Inside(AccessMark& mark) : mark_(mark) { mark_.raise(); }
    ~Inside() { mark_.raise(); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    AccessMark& mark_;
  };

  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  void raise() { value_.store(value() + 1, std::memory_order_relaxed); }

  std::atomic<std::uint64_t> value_{0};
};

constexpr bool is_inside(std::uint64_t mark) { return mark % 2 == 1; }

}  // namespace flare
