#include "common/net/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/system/system_error.hpp>
#include <memory>
#include <stdexcept>

#include "net_thread.h"

namespace flare::net_test {
namespace {

IoTask<error_code> attempt(BlockingPool& pool) {
  auto work = [] {};
  error_code failed;
  try {
    co_await pool.run(std::move(work));
  } catch (const boost::system::system_error& error) {
    failed = error.code();
  }
  co_return failed;
}

TEST(BlockingPool, HasNoThreadBeforeTheFirstWorkAndOneForWorkInTurn) {
  NetThread net;
  BlockingPool pool{2, 8};
  EXPECT_EQ(pool.threads(), 0U);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(net.wait_for(attempt(pool)), error_code{});
  EXPECT_EQ(pool.threads(), 1U);
}

struct Threads {
  std::thread::id before;
  std::thread::id work;
  std::thread::id after;
};

IoTask<Threads> threads_of(BlockingPool& pool) {
  Threads threads;
  threads.before = std::this_thread::get_id();
  auto work = [] { return std::this_thread::get_id(); };
  threads.work = co_await pool.run(std::move(work));
  threads.after = std::this_thread::get_id();
  co_return threads;
}

TEST(BlockingPool, WorksOnItsThreadAndResumesOnTheCallersOwn) {
  NetThread net;
  BlockingPool pool{2, 8};
  const auto threads = net.wait_for(threads_of(pool));
  EXPECT_NE(threads.work, threads.before);
  EXPECT_EQ(threads.after, threads.before);
}

IoTask<std::unique_ptr<int>> move_only(BlockingPool& pool) {
  auto number = std::make_unique<int>(7);
  auto work = [number = std::move(number)]() mutable { return std::move(number); };
  co_return co_await pool.run(std::move(work));
}

TEST(BlockingPool, HandsMoveOnlyValuesThrough) {
  NetThread net;
  BlockingPool pool{1, 8};
  EXPECT_EQ(*net.wait_for(move_only(pool)), 7);
}

IoTask<std::string> failing(BlockingPool& pool) {
  auto work = [] { throw std::runtime_error{"broken"}; };
  std::string caught;
  try {
    co_await pool.run(std::move(work));
  } catch (const std::runtime_error& error) {
    caught = error.what();
  }
  co_return caught;
}

TEST(BlockingPool, HandsAnExceptionToTheCaller) {
  NetThread net;
  BlockingPool pool{1, 8};
  EXPECT_EQ(net.wait_for(failing(pool)), "broken");
}

IoTask<bool> held(BlockingPool& pool, std::shared_future<void> release) {
  auto work = [release] { return release.wait_for(patience) == std::future_status::ready; };
  co_return co_await pool.run(std::move(work));
}

TEST(BlockingPool, RefusesMoreThanItsBoundAndFinishesWhatItTook) {
  NetThread net;
  BlockingPool pool{1, 1};
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::promise<bool> running;
  std::promise<bool> waiting;
  std::promise<void> begun;
  auto first = [&begun, released] {
    begun.set_value();
    return released.wait_for(patience) == std::future_status::ready;
  };
  auto hold = [](BlockingPool& in, decltype(first) work) -> IoTask<bool> {
    co_return co_await in.run(std::move(work));
  };
  asio::co_spawn(net.context, hold(pool, first), [&](std::exception_ptr, bool done) { running.set_value(done); });
  begun.get_future().wait();
  net.run([&] {
    asio::co_spawn(net.context, held(pool, released), [&](std::exception_ptr, bool done) { waiting.set_value(done); });
  });
  EXPECT_EQ(net.wait_for(attempt(pool)), asio::error::no_buffer_space);
  release.set_value();
  pool.stop();
  EXPECT_TRUE(running.get_future().get());
  EXPECT_TRUE(waiting.get_future().get());
  EXPECT_EQ(net.wait_for(attempt(pool)), asio::error::operation_aborted);
}

}  // namespace
}  // namespace flare::net_test
