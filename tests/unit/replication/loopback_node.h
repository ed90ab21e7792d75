#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "common/base/clock.h"
#include "common/net/client.h"
#include "flared/replication/follower.h"
#include "flared/replication/sources.h"
#include "flared/storage/kyoto_storage.h"

/// Real Sources and Follower over loopback, each node with a real store in a folder of its own.
namespace flare::loopback {

using namespace std::chrono_literals;

constexpr auto patience = 20s;  // of a condition; far more than any of them needs

/// Waits for a condition, at most `patience`.
template <class Condition>
bool eventually(Condition condition) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Keeps what was said, for messages of failed tests.
class KeptLog final : public Log {
 public:
  void write(Level, std::string_view text) override {
    const std::lock_guard lock{mutex_};
    text_.append(text).append("\n");
  }
  std::string text() const {
    const std::lock_guard lock{mutex_};
    return text_;
  }
  bool says(std::string_view part) const { return text().find(part) != std::string::npos; }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto name = (std::filesystem::temp_directory_path() / "flare-replication-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The control thread.
class Control {
 public:
  Control() : guard_(asio::make_work_guard(context)), thread_([this] { context.run(); }) {}
  ~Control() {
    guard_.reset();
    context.stop();
    thread_.join();
  }
  /// Runs `work` there and waits for it.
  template <class Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task{std::move(work)};
    auto result = task.get_future();
    asio::post(context, [&task] { task(); });
    return result.get();
  }

  asio::io_context context{1};

 private:
  asio::executor_work_guard<IoExecutor> guard_;
  std::thread thread_;
};

/// All records, as one comparable value.
class Content final : public RecordSink {
 public:
  void record(std::string_view key, const RecordView& record) override {
    records[std::string{key}] = std::to_string(raw(record.version)) + ' ' + std::to_string(record.flags) + ' ' +
                                std::to_string(record.expire_s) + ' ' + std::string{record.data};
  }
  std::map<std::string, std::string> records;
};

struct NodeOptions {
  LogId log_id{0};
  Epoch epoch{1};
  StreamTimes times;
  std::uint64_t bandwidth_kb_s = 0;
  std::size_t slaves_max = 8;
  std::uint64_t log_max_bytes = 64 * 1024 * 1024;
  std::function<PartitionId(std::string_view, int)> future_partition;
};

/// One node: a store, a door that knows `version` and `repl`, sources and a follower.
class Node {
 public:
  explicit Node(NodeOptions options = {}) : options_(std::move(options)) { open_store(); }
  ~Node() {
    close_door();
    stop();
  }

  /// As a master does: a request, its batch, its log write.
  void set(const std::string& key, const std::string& data) {
    change({.kind = OperationKind::set, .key = key, .data = data, .flags = 7});
  }
  void remove(const std::string& key) { change({.kind = OperationKind::remove, .key = key}); }
  void change(const Operation& operation) {
    Storage::Batch batch{*storage};
    EXPECT_TRUE(storage->execute(operation, clock.unix_s(), nullptr));
    EXPECT_TRUE(storage->write_log());
  }
  std::map<std::string, std::string> content() {
    Content content;
    auto scan = storage->begin_scan();
    if (!scan) return {};
    while (true) {
      const auto more = (*scan)->next_slice(content);
      if (!more || !*more) return content.records;
    }
  }

  void follow(int port, Epoch epoch_known = Epoch{0}) {
    control->run([&] {
      follower->follow({"127.0.0.1", port, PartitionId{0}, 1, NodeKey{"127.0.0.1:1"}, "127.0.0.1", epoch_known});
    });
  }
  FollowFigures follow_figures() {
    return control->run([&] { return follower->figures(); });
  }
  std::vector<SourceFigures> source_figures() {
    return control->run([&] { return sources->figures(); });
  }
  std::uint64_t snapshots_served() {
    return control->run([&] { return sources->snapshots_served(); });
  }

  /// Listens, on the port it had before or on a free one.
  int open_door();
  void close_door();
  /// Ends replication and closes the store; `start` begins again with what is in the folder.
  void stop();
  void start() { open_store(); }

  KeptLog log;
  SystemClock clock;
  TemporaryFolder folder;
  std::unique_ptr<KyotoStorage> storage;
  std::unique_ptr<BlockingPool> pool;
  std::unique_ptr<Control> control;
  std::unique_ptr<Sources> sources;
  std::unique_ptr<Follower> follower;
  std::atomic<bool> is_master{true};
  std::atomic<bool> index_answers{true};
  std::atomic<int> confirms{0};   // questions to the index
  std::atomic<int> confirmed{0};  // INSYNC at the follower
  std::string version = "VERSION 2.0.0\r\n";
  std::atomic<int> greeted{0};  // connections that sent `version`

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol, IoExecutor>;

  void open_store();
  IoTask<> accept(std::shared_ptr<Acceptor> acceptor);
  IoTask<> greet(StreamSocket socket);
  IoTask<bool> confirm();

  NodeOptions options_;
  int port_ = 0;
  std::shared_ptr<Acceptor> acceptor_;
};

inline IoTask<bool> Node::confirm() {
  ++confirms;
  co_return index_answers.load();
}

inline void Node::open_store() {
  auto opened = KyotoStorage::open(
      {.data_dir = folder.path(), .buckets = 1000, .map_bytes = 1 << 26, .log_max_bytes = options_.log_max_bytes}, log,
      clock);
  ASSERT_TRUE(opened) << opened.error().text;
  storage = std::move(*opened);
  ASSERT_TRUE(storage->set_epoch(options_.epoch));
  pool = std::make_unique<BlockingPool>(1, 64);
  control = std::make_unique<Control>();
  control->run([&] {
    const auto executor = control->context.get_executor();
    Sources::Callbacks callbacks{[this](PartitionId partition) { return is_master && partition == PartitionId{0}; },
                                 [this](NodeKey, Epoch) { return confirm(); }};
    callbacks.epoch = [this] { return options_.epoch; };
    callbacks.future_partition = options_.future_partition;
    SourcesOptions source_options;
    source_options.slaves_max = options_.slaves_max;
    source_options.bandwidth_kb_s = options_.bandwidth_kb_s;
    source_options.times = options_.times;
    sources = std::make_unique<Sources>(executor, *storage, *pool, log, std::move(callbacks), source_options);
    FollowerOptions follower_options;
    follower_options.data_bytes_max = 1024 * 1024;
    follower_options.pause_min = 5ms;
    follower_options.pause_max = 50ms;
    follower_options.original_pause = 100ms;
    follower_options.times = options_.times;
    follower = std::make_unique<Follower>(
        executor, *storage, *pool,
        Follower::Callbacks{[this] { ++confirmed; }, [this](const std::string& text) { log.warning("{}", text); }},
        follower_options);
  });
}

inline void Node::stop() {
  if (!storage) return;
  if (control) {
    control->run([this] {
      follower.reset();
      sources.reset();
    });
    pool->stop();
    control.reset();
  }
  EXPECT_TRUE(storage->close());
  storage.reset();
}

inline int Node::open_door() {
  control->run([this] {
    asio::ip::tcp::endpoint endpoint{asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port_)};
    acceptor_ = std::make_shared<Acceptor>(control->context.get_executor());
    acceptor_->open(asio::generic::stream_protocol{endpoint.protocol()});
    acceptor_->set_option(asio::socket_base::reuse_address{true});
    acceptor_->bind(endpoint);
    acceptor_->listen();
    asio::ip::tcp::endpoint bound;
    const auto generic = acceptor_->local_endpoint();
    std::memcpy(bound.data(), generic.data(), generic.size());
    port_ = bound.port();
    asio::co_spawn(control->context, accept(acceptor_), asio::detached);
  });
  return port_;
}

inline void Node::close_door() {
  if (!acceptor_ || !control) return;
  control->run([this] { acceptor_->close(); });
  acceptor_.reset();
}

inline IoTask<> Node::accept(std::shared_ptr<Acceptor> acceptor) {
  while (acceptor->is_open()) {
    auto [error, socket] = co_await acceptor->async_accept(use_task);
    if (error) co_return;
    asio::co_spawn(control->context, greet(std::move(socket)), asio::detached);
  }
}

inline IoTask<> Node::greet(StreamSocket socket) {
  PeerClient client{std::move(socket), {}};
  for (;;) {
    const auto line = co_await client.read_line(5s);
    if (!line) co_return;
    if (*line == "version") {
      ++greeted;
      const auto sent = co_await client.write(version, 5s);
      if (!sent) co_return;
      continue;
    }
    std::string words{*line};
    auto unread = client.take_unread();
    sources->adopt(client.release(), std::move(unread), std::move(words), "127.0.0.1:0");
    co_return;
  }
}

}  // namespace flare::loopback
