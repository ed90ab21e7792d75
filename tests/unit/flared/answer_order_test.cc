// design.md 3.3: no answer, a get's included, leaves before the log is written.
#include <gtest/gtest.h>

#include <atomic>

#include "unit/flared/worker_fixture.h"

namespace flare::test {
namespace {

/// A store whose log can be made to fail.
class FailingLogStorage final : public MemoryStorage {
 public:
  Result<void, StorageError> write_log() override {
    if (fails) return StorageError::io;
    return MemoryStorage::write_log();
  }
  std::atomic<bool> fails{false};
};

class AnswerOrder : public testing::Test {
 protected:
  void SetUp() override {
    worker_.start();
    worker_.publish(only_master());
  }
  void TearDown() override {
    worker_.stop(std::chrono::seconds{5});
    worker_.join();
  }

  // What comes back on a connection of its own, up to `bytes`; less if the other side closes it.
  std::string ask(std::string_view requests, std::size_t bytes) {
    const Client client{worker_, setup_};
    client.send(requests);
    return client.read(bytes);
  }

  SilentLog log_;
  SystemClock clock_;
  NoControl control_;
  FailingLogStorage storage_;
  WorkerSetup setup_{storage_, control_, clock_, log_, NodeKey{"h", 1}, "", ReaderLimits{}};
  Worker worker_{setup_};
};

TEST_F(AnswerOrder, NeitherAWriteNorAReadIsAnsweredBeforeTheLogIsWritten) {
  EXPECT_EQ(ask("set k 0 0 3\r\nold\r\n", 8), "STORED\r\n");
  storage_.fails = true;
  EXPECT_EQ(ask("set k 0 0 3\r\nnew\r\n", 8), "");
  EXPECT_EQ(ask("get k\r\n", 5), "") << "it would show what a kill takes back";
  EXPECT_EQ(ask("set l 0 0 1 noreply\r\nx\r\nget l\r\n", 5), "");
  storage_.fails = false;
  const std::string shown = "VALUE k 0 3\r\nnew\r\nEND\r\n";
  EXPECT_EQ(ask("get k\r\n", shown.size()), shown);
}

}  // namespace
}  // namespace flare::test
