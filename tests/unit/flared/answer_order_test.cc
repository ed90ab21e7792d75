// design.md 3.3: no answer, a get's included, leaves before the log is written.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "flared/storage/memory_storage.h"
#include "flared/worker.h"

namespace flare {
namespace {

class SilentLog final : public Log {
 public:
  void write(Level, std::string_view) override {}
};

class NoControl final : public Control {
 public:
  void install_map(std::string, std::uint64_t, Reply reply) override { reply("ERROR\r\n"); }
  void flush_all(std::int64_t, bool, Reply reply) override { reply("ERROR\r\n"); }
  void adopt_stream(int descriptor, std::string, std::string, std::string) override { ::close(descriptor); }
  std::shared_ptr<Dump> begin_dump(const Request&) override { return nullptr; }
  void stats(std::string, Reply reply) override { reply("END\r\n"); }
  std::string_view ailment() override { return {}; }
  void kill(std::int32_t, Reply reply) override { reply("ERROR\r\n"); }
  void variables(Reply reply) override { reply("END\r\n"); }
};

/// A store whose log can be made to fail.
class FailingLogStorage final : public MemoryStorage {
 public:
  Result<void, StorageError> write_log() override {
    if (fails) return StorageError::io;
    return MemoryStorage::write_log();
  }
  std::atomic<bool> fails{false};
};

std::shared_ptr<RoutingView> only_master() {
  auto view = std::make_shared<RoutingView>();
  const Node own{"h", 1, Role::master, State::active, PartitionId{0}, 1, ThreadType{16}};
  view->map.nodes.emplace(own.key(), own);
  view->partitions = *PartitionMap::make(view->map, PartitionMeta{}, KeyHashAlgorithm::simple);
  view->self = 0;
  return view;
}

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
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(setup_.places.take("test", false), Place::client);
    worker_.adopt(ends[1], "test");
    EXPECT_EQ(::send(ends[0], requests.data(), requests.size(), 0), static_cast<ssize_t>(requests.size()));
    std::string answers(bytes, '\0');
    const auto got = ::recv(ends[0], answers.data(), bytes, MSG_WAITALL);
    EXPECT_GE(got, 0) << "neither an answer nor an end of the connection";
    answers.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    ::close(ends[0]);
    return answers;
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
}  // namespace flare
