#include "common/net/blocking_pool.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace flare {

BlockingPool::BlockingPool(std::size_t threads, std::size_t waiting_max)
    : waiting_max_(waiting_max), threads_(threads) {}

BlockingPool::~BlockingPool() { stop(); }

void BlockingPool::take_place() {
  if (stopped_.load()) throw boost::system::system_error{asio::error::operation_aborted, "the blocking pool has ended"};
  if (waiting_.fetch_add(1, std::memory_order_relaxed) < waiting_max_) return;
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  throw boost::system::system_error{asio::error::no_buffer_space, "too much work waits for the blocking pool"};
}

void BlockingPool::stop() {
  stopped_.store(true);
  threads_.join();
}

}  // namespace flare
