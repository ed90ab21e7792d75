#pragma once

#include <pthread.h>

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

 private:
  pthread_rwlock_t lock_;
};

}  // namespace flare
