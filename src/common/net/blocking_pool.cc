#include "common/net/blocking_pool.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <system_error>

namespace flare {

BlockingPool::BlockingPool(std::size_t threads_max, std::size_t waiting_max)
    : threads_max_(threads_max), waiting_max_(waiting_max), open_(context_.get_executor()) {}

BlockingPool::~BlockingPool() { stop(); }

void BlockingPool::take_place() {
  if (stopped_.load()) throw boost::system::system_error{asio::error::operation_aborted, "the blocking pool has ended"};
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= waiting_max_) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    throw boost::system::system_error{asio::error::no_buffer_space, "too much work waits for the blocking pool"};
  }
  taken_.fetch_add(1, std::memory_order_relaxed);
  need_thread();
}

// One more if all are busy. Where the system gives none the work waits for the threads that there are.
void BlockingPool::need_thread() {
  const std::lock_guard alone{mutex_};
  if (threads_.size() >= threads_max_ || taken_.load(std::memory_order_relaxed) <= threads_.size()) return;
  try {
    threads_.emplace_back([this] { context_.run(); });
  } catch (const std::system_error&) {
    if (!threads_.empty()) return;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    taken_.fetch_sub(1, std::memory_order_relaxed);
    throw;
  }
}

std::size_t BlockingPool::threads() const {
  const std::lock_guard alone{mutex_};
  return threads_.size();
}

void BlockingPool::stop() {
  stopped_.store(true);
  std::vector<std::thread> ending;
  {
    const std::lock_guard alone{mutex_};
    open_.reset();
    ending.swap(threads_);
  }
  for (auto& thread : ending) thread.join();
}

}  // namespace flare
