#pragma once

#include <atomic>
#include <cstdint>

namespace flare {

/// A number that one thread raises and any thread reads.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// What one worker has done (docs/spec/protocol.md 5). Raised by the worker, summed by whoever answers `stats`.
struct alignas(64) Counters {
  Counter curr_connections, total_connections;
  Counter total_items;
  Counter cmd_get, cmd_set, cmd_touch, get_hits, get_misses;
  Counter delete_hits, delete_misses;
  Counter incr_hits, incr_misses, decr_hits, decr_misses;
  Counter cas_hits, cas_misses, cas_badval;
  Counter touch_hits, touch_misses;
  Counter bytes_read, bytes_written;
  Counter read_calls, write_calls;  // receive and send calls for clients
  Counter turns;                    // of sessions: each at most one receive, one send and one log write
  Counter refused_items, refused_bytes, refused_operations;  // by the quota
  Counter forwarded;                                         // requests sent to other nodes
};

}  // namespace flare
