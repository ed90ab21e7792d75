#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <future>
#include <thread>

#include "common/net/task.h"

namespace flare::net_test {

using namespace std::chrono_literals;

constexpr auto patience = 20s;  // far more than any wait needs

/// An io_context with its thread, which must be empty at the end: what still waits then is a test's mistake.
class NetThread {
 public:
  NetThread() : guard_(asio::make_work_guard(context)), thread_([this] { context.run(); }) {}
  ~NetThread() {
    guard_.reset();
    thread_.join();
  }
  IoExecutor executor() { return context.get_executor(); }

  template <class Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task{std::move(work)};
    auto result = task.get_future();
    asio::post(context, [&task] { task(); });
    return result.get();
  }

  /// Starts a coroutine and waits for its end.
  template <class T>
  T wait_for(IoTask<T> task) {
    std::promise<T> result;
    asio::co_spawn(context, std::move(task), [&result](std::exception_ptr failure, auto... value) {
      if (failure) {
        result.set_exception(failure);
      } else {
        result.set_value(std::move(value)...);
      }
    });
    return result.get_future().get();
  }

  asio::io_context context{1};

 private:
  asio::executor_work_guard<IoExecutor> guard_;
  std::thread thread_;
};

}  // namespace flare::net_test
