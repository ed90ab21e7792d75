#pragma once

#include <pthread.h>

namespace flare {

/// For a lock that is held for the length of one short system call: who finds it taken looks a few microseconds long
/// whether it comes free, before it sleeps; a sleep and a wake-up cost several times as much as what it waits for. How
/// long pays is learnt by the library from the last waits.
class SpinningMutex {
 public:
  SpinningMutex() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&lock_, &attributes);
    pthread_mutexattr_destroy(&attributes);
  }
  ~SpinningMutex() { pthread_mutex_destroy(&lock_); }
  SpinningMutex(const SpinningMutex&) = delete;
  SpinningMutex& operator=(const SpinningMutex&) = delete;

  void lock() { pthread_mutex_lock(&lock_); }
  void unlock() { pthread_mutex_unlock(&lock_); }

 private:
  pthread_mutex_t lock_;
};

}  // namespace flare
