// docs/design.md 2: in the steady state a turn reads once, writes once, writes the log once and allocates nothing.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <new>
#include <string>

#include "common/base/clock.h"
#include "flared/storage/kyoto_storage.h"
#include "flared/worker.h"
#include "unit/flared/quiet_parts.h"

namespace {

thread_local bool counts_here = false;
std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t size) {
  if (counts_here) allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc{};
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace flare {
namespace {

constexpr int requests_count = 1000;

class RequestPath : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("flare-request-path-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory_);
    StorageOptions options;
    options.data_dir = directory_;
    options.buckets = 10'007;
    storage_ = std::move(*KyotoStorage::open(options, log_, clock_));
    ASSERT_TRUE(storage_->set_epoch(Epoch{1}));
    setup_ = std::make_unique<WorkerSetup>(*storage_, control_, clock_, log_, NodeKey{"h", 1}, "", ReaderLimits{});
    worker_ = std::make_unique<Worker>(*setup_);
    worker_->start();
    worker_->publish(test::only_master());
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const int bytes = 1 << 20;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    ASSERT_EQ(setup_->places.take("test", false), Place::client);
    client_ = ends[0];
    worker_->adopt(ends[1], "test");
    on_worker([] { counts_here = true; });
  }

  void TearDown() override {
    ::close(client_);
    worker_->stop(std::chrono::seconds{5});
    worker_->join();
    ASSERT_TRUE(storage_->close());
    storage_.reset();
    std::filesystem::remove_all(directory_);
  }

  template <class F>
  void on_worker(F work) {
    std::promise<void> done;
    boost::asio::post(worker_->executor(), [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Sends all and reads `answer_bytes`; both ends in one thread, within what the socket's buffers hold.
  void exchange(const std::string& requests, std::size_t answer_bytes) {
    ASSERT_EQ(::send(client_, requests.data(), requests.size(), 0), static_cast<ssize_t>(requests.size()));
    answers_.resize(answer_bytes);
    ASSERT_EQ(::recv(client_, answers_.data(), answer_bytes, MSG_WAITALL), static_cast<ssize_t>(answer_bytes));
  }

  struct Figures {
    std::uint64_t allocations, turns, reads, writes, log_writes;
  };
  // On the worker's thread, so that what it has done so far is counted: a client has its answers before the turn ends.
  Figures figures() {
    on_worker([] {});
    const auto& counters = worker_->counters();
    return {allocations.load(), counters.turns.get(), counters.read_calls.get(), counters.write_calls.get(),
            storage_->figures().log_writes};
  }

  void expect_frugal(const Figures& before, std::uint64_t log_writes_for_each_turn,
                     std::uint64_t allocations_of_the_library) {
    const auto after = figures();
    EXPECT_EQ(after.allocations - before.allocations, allocations_of_the_library);
    const auto turns = after.turns - before.turns;
    EXPECT_GE(turns, 1U);
    EXPECT_LE(turns, 8U);  // 1,000 requests came in a few batches
    EXPECT_LE(after.reads - before.reads, turns);
    EXPECT_LE(after.writes - before.writes, turns);
    EXPECT_LE(after.log_writes - before.log_writes, turns * log_writes_for_each_turn);
  }

  // The library takes a buffer for each record above 48 bytes that it reads, and for each that collides: what it takes
  // when the store is asked without a request. That the store itself takes nothing is a test of its own.
  template <class Ask>
  std::uint64_t library_allocations(Ask ask) {
    const auto before = allocations.load();
    counts_here = true;
    {
      Storage::Batch batch{*storage_};
      for (int i = 0; i < requests_count; ++i) {
        char key[8];
        ask(std::string_view{key, static_cast<std::size_t>(std::to_chars(key, key + sizeof key, 1000 + i).ptr - key)});
      }
      EXPECT_TRUE(storage_->write_log());
    }
    counts_here = false;
    return allocations.load() - before;
  }
  std::uint64_t library_allocations_of_gets() {
    class Nothing final : public RecordSink {
      void record(std::string_view, const RecordView&) override {}
    } nothing;
    return library_allocations([&](std::string_view key) { EXPECT_TRUE(*storage_->get(key, 1, nothing)); });
  }
  std::uint64_t library_allocations_of_sets(std::string_view value) {
    return library_allocations([&](std::string_view key) {
      Operation operation;
      operation.key = key;
      operation.data = value;
      EXPECT_TRUE(storage_->execute(operation, 1, nullptr));
    });
  }

  std::filesystem::path directory_;
  test::SilentLog log_;
  SystemClock clock_;
  test::NoControl control_;
  std::unique_ptr<KyotoStorage> storage_;
  std::unique_ptr<WorkerSetup> setup_;
  std::unique_ptr<Worker> worker_;
  int client_ = -1;
  std::string answers_;
};

std::string sets(const std::string& value) {
  std::string requests;
  for (int i = 0; i < requests_count; ++i) {
    requests += "set " + std::to_string(1000 + i) + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }
  return requests;
}

std::string gets() {
  std::string requests;
  for (int i = 0; i < requests_count; ++i) requests += "get " + std::to_string(1000 + i) + "\r\n";
  return requests;
}

constexpr std::size_t stored_bytes = requests_count * (sizeof "STORED\r\n" - 1);

std::size_t value_bytes(const std::string& value) {
  return requests_count * ("VALUE 1000 0 \r\n\r\nEND\r\n" + std::to_string(value.size()) + value).size();
}

TEST_F(RequestPath, ThousandPipelinedSetsAllocateNothingAndWriteOnceForEachTurn) {
  const auto first = sets("1234");
  const auto second = sets("5678");
  answers_.reserve(stored_bytes);
  exchange(first, stored_bytes);  // warm-up: buffers grow, frames are kept
  exchange(second, stored_bytes);
  library_allocations_of_sets("1234");  // this thread warms up, too
  const auto of_library = library_allocations_of_sets("1234");
  EXPECT_LE(of_library, 20U);  // small records collide rarely
  const auto before = figures();
  exchange(first, stored_bytes);
  expect_frugal(before, 1, of_library);
  EXPECT_EQ(answers_.substr(0, 16), "STORED\r\nSTORED\r\n");
}

TEST_F(RequestPath, ThousandPipelinedGetsAllocateNothingAndWriteNoLog) {
  const std::string value = "1234";
  answers_.reserve(value_bytes(value));
  const auto requests = gets();
  exchange(sets(value), stored_bytes);
  exchange(requests, value_bytes(value));
  const auto of_library = library_allocations_of_gets();
  EXPECT_LE(of_library, 20U);
  const auto before = figures();
  exchange(requests, value_bytes(value));
  expect_frugal(before, 0, of_library);
  EXPECT_EQ(answers_.substr(0, 25), "VALUE 1000 0 4\r\n1234\r\nEND");
}

TEST_F(RequestPath, LargerValuesCostNoMoreThanTheLibraryTakes) {
  const std::string value(100, 'v');
  answers_.reserve(value_bytes(value));
  const auto requests = gets();
  exchange(sets(value), stored_bytes);
  exchange(requests, value_bytes(value));
  const auto of_library = library_allocations_of_gets();
  const auto before = figures();
  exchange(requests, value_bytes(value));
  expect_frugal(before, 0, of_library);
}

}  // namespace
}  // namespace flare
