#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/base/limits.h"

namespace flare {

/// max-connection-memory: the bytes of input and output that the sessions of all workers hold while they wait for their
/// clients. Within a turn a worker has one turn's buffers beside that. Safe from any thread.
class ConnectionMemory {
 public:
  void change_max(std::size_t bytes) { max_.store(bytes, std::memory_order_relaxed); }
  std::size_t max() const { return max_.load(std::memory_order_relaxed); }
  std::size_t used() const { return used_.load(std::memory_order_relaxed); }
  /// Values of one get: beyond it the answer ends with an error, but for the first value.
  std::size_t answer_bytes_max() const { return max() / 2; }

  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  void count_refused() { refused_.fetch_add(1, std::memory_order_relaxed); }

 private:
  friend class MemoryAccount;

  std::atomic<std::size_t> max_{limits::connection_memory_max};
  std::atomic<std::size_t> used_{0};
  std::atomic<std::uint64_t> refused_{0};
};

/// One worker's part of it. A share of an eighth of all is each worker's own, whatever the others hold: what fills the
/// memory at one thread does not stop small requests at the next. So all together hold at most max + max / 8.
class MemoryAccount {
 public:
  MemoryAccount(ConnectionMemory& all, int workers) : all_(all), workers_(workers > 0 ? workers : 1) {}
  MemoryAccount(const MemoryAccount&) = delete;
  MemoryAccount& operator=(const MemoryAccount&) = delete;

  /// False: there is not so much left, and nothing is taken.
  bool take(std::size_t bytes) {
    const auto max = all_.max();
    const auto before = all_.used_.fetch_add(bytes, std::memory_order_relaxed);
    if (before + bytes <= max || own_ + bytes <= max / 8 / static_cast<std::size_t>(workers_)) {
      own_ += bytes;
      return true;
    }
    all_.used_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  void give(std::size_t bytes) {
    own_ -= bytes;
    all_.used_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  ConnectionMemory& all() { return all_; }

 private:
  ConnectionMemory& all_;
  int workers_;
  std::size_t own_ = 0;
};

}  // namespace flare
