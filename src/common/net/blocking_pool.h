#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/net/task.h"

namespace flare {

/// Threads for work that may block (snapshot, build, fsync). Only coroutines of the control thread get a reference:
/// a worker never sees it, so a request cannot wait for it by accident (docs/design.md 2). A thread is made when work
/// comes and all others are busy: an idle tenant has none.
class BlockingPool {
 public:
  /// At most `threads_max` threads; at most `waiting_max` pieces of work wait for one.
  BlockingPool(std::size_t threads_max, std::size_t waiting_max);
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `work` on a thread of the pool and goes on with the caller on its own executor. An exception of `work` is the
  /// caller's. Throws system_error: no_buffer_space when too much waits, operation_aborted after `stop`.
  template <class F>
  IoTask<std::invoke_result_t<F>> run(F work);

  /// Work already taken is done to its end (each piece is short), nothing new is taken; the threads end. Idempotent.
  void stop();

  /// Threads made so far.
  std::size_t threads() const;

 private:
  void take_place();
  void need_thread();

  const std::size_t threads_max_;
  const std::size_t waiting_max_;
  std::atomic<std::size_t> waiting_{0};  // taken, not begun
  std::atomic<std::size_t> taken_{0};    // taken, not ended
  std::atomic<bool> stopped_{false};
  asio::io_context context_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> open_;
  mutable std::mutex mutex_;
  std::vector<std::thread> threads_;
};

namespace detail {

// What a piece of work left behind, for void and for values.
template <class R>
struct WorkResult {
  std::optional<R> value;
  template <class F>
  void take(F& work) {
    value.emplace(work());
  }
  R give() { return std::move(*value); }
};

template <>
struct WorkResult<void> {
  template <class F>
  void take(F& work) {
    work();
  }
  void give() {}
};

}  // namespace detail

template <class F>
IoTask<std::invoke_result_t<F>> BlockingPool::run(F work) {
  take_place();
  const IoExecutor home = co_await asio::this_coro::executor;
  detail::WorkResult<std::invoke_result_t<F>> result;
  std::exception_ptr failure;
  // The handler owns this coroutine: its frame, and so `work`, `result` and `failure`, live while the thread uses them.
  auto start = [this, home, &work, &result, &failure](auto handler) {
    auto job = [this, guard = asio::make_work_guard(home), &work, &result, &failure,
                handler = std::move(handler)]() mutable {
      waiting_.fetch_sub(1, std::memory_order_relaxed);
      try {
        result.take(work);
      } catch (...) {
        failure = std::current_exception();
      }
      taken_.fetch_sub(1, std::memory_order_relaxed);
      asio::post(guard.get_executor(), std::move(handler));
    };
    asio::post(context_, std::move(job));
  };
  constexpr asio::use_awaitable_t<IoExecutor> token{};
  co_await asio::async_initiate<const asio::use_awaitable_t<IoExecutor>, void()>(std::move(start), token);
  if (failure) std::rethrow_exception(failure);
  co_return result.give();
}

}  // namespace flare
