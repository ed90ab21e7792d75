#pragma once

#include <pthread.h>

#include <mutex>

namespace flare {

/// The store's gate (docs/design.md 2): workers pass it shared, once for a batch; checkpoint, flush, swap and scan
/// slices take it exclusively. A waiting exclusive holder is let in before new shared ones: the library's own lock
/// prefers readers, which held a checkpoint up for 328 ms. Not recursive: a thread inside must not enter again. The
/// names are those of std::shared_mutex, so that std::unique_lock and std::shared_lock work with it.
class Gate {
 public:
  Gate() {
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&lock_, &attributes);
    pthread_rwlockattr_destroy(&attributes);
  }
  ~Gate() { pthread_rwlock_destroy(&lock_); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void lock_shared() { pthread_rwlock_rdlock(&lock_); }
  void unlock_shared() { pthread_rwlock_unlock(&lock_); }
  void lock() { pthread_rwlock_wrlock(&lock_); }
  void unlock() { pthread_rwlock_unlock(&lock_); }

  /// Exclusively for a slice of a scan. Scans wait for each other outside, so that between two slices those get in who
  /// wait at the gate: of many dumps at once, one would always stand before the workers.
  class Slice {
   public:
    explicit Slice(Gate& gate) : turn_(gate.slices_), inside_(gate) {}

   private:
    const std::lock_guard<std::mutex> turn_;
    const std::lock_guard<Gate> inside_;  // left first
  };

 private:
  pthread_rwlock_t lock_;
  std::mutex slices_;
};

}  // namespace flare
