// docs/design.md 3.3: no answer leaves before the log is written, not even one that another thread or node gives.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "flared/storage/memory_storage.h"
#include "flared/worker.h"
#include "unit/flared/quiet_parts.h"

namespace flare {
namespace {

class EndingControl final : public test::NoControl {
 public:
  void stats(std::string, Reply reply) override { reply("STAT pid 1\r\nEND\r\n"); }
};

class FailingLogStorage final : public MemoryStorage {
 public:
  using MemoryStorage::MemoryStorage;
  Result<void, StorageError> write_log() override {
    if (fails) return StorageError::io;
    return MemoryStorage::write_log();
  }
  std::atomic<bool> fails{false};
};

class LostLog : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    worker_.start();
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    client_ = ends[0];
    const timeval patience{10, 0};
    ::setsockopt(client_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ASSERT_EQ(setup_.places.take("test", false), Place::client);
    worker_.adopt(ends[1], "test");
  }
  void TearDown() override {
    ::close(client_);
    worker_.stop(std::chrono::seconds{5});
    worker_.join();
  }

  // All that comes until the other end closes.
  std::string answers_to(std::string_view requests) {
    EXPECT_EQ(::send(client_, requests.data(), requests.size(), 0), static_cast<ssize_t>(requests.size()));
    std::string all;
    std::array<char, 4096> bytes;
    for (;;) {
      const auto n = ::recv(client_, bytes.data(), bytes.size(), 0);
      EXPECT_GE(n, 0) << "the connection stays open";
      if (n <= 0) return all;
      all.append(bytes.data(), static_cast<std::size_t>(n));
    }
  }

  std::size_t memory_used() {
    std::promise<std::size_t> used;
    boost::asio::post(worker_.executor(), [&] { used.set_value(setup_.memory.used()); });
    return used.get_future().get();
  }

  FailingLogStorage storage_;
  EndingControl control_;
  SystemClock clock_;
  test::SilentLog log_;
  WorkerSetup setup_{storage_, control_, clock_, log_, NodeKey{"h", 1}, "", ReaderLimits{}};
  Worker worker_{setup_};
  int client_ = -1;
};

TEST_P(LostLog, ClosesTheClientWithItsAnswersUnsent) {
  storage_.fails = true;
  EXPECT_EQ(answers_to(GetParam()), "");
  EXPECT_EQ(memory_used(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Design_3_3, LostLog,
                         testing::Values("get k\r\n", "stats\r\n", "get k\r\nstats\r\n",
                                         "get k\r\nget k\r\nstats\r\n"));

}  // namespace
}  // namespace flare
