// flare-bench: closed-loop load on a server of the text protocol; every byte of every answer is checked.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>

#include "flare_bench/processor_time.h"
#include "flare_bench/workload.h"

namespace flare::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

struct Settings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 12121;
  std::uint32_t connections = 50;
  double seconds = 5.0;
  double answer_limit_s = 10.0;
  bool fill = true;
  Shape shape{};
  std::vector<pid_t> server_pids{};
};

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

int connect_to(const Settings& settings) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(settings.port);
  if (::inet_pton(AF_INET, settings.host.c_str(), &name.sin_addr) != 1) fail("--host: not an IPv4 address");
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 || ::connect(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
    fail("connect " + settings.host + ":" + std::to_string(settings.port) + ": " + std::strerror(errno));
  }
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

/// One connection: a batch out, its answers in, compared as they come.
class Connection {
 public:
  explicit Connection(const Settings& settings) : descriptor_{connect_to(settings)} {}
  ~Connection() { ::close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  std::string& requests() { return requests_; }
  std::string& expected() { return expected_; }
  void clear() {
    requests_.clear();
    expected_.clear();
    sent_ = received_ = 0;
  }

  [[nodiscard]] bool answered() const { return received_ == expected_.size(); }
  [[nodiscard]] bool unsent() const { return sent_ < requests_.size(); }

  // As much as the socket takes now.
  void send() {
    while (unsent()) {
      const auto sent =
          ::send(descriptor_, requests_.data() + sent_, requests_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0) fail(std::string{"send: "} + std::strerror(errno));
      sent_ += static_cast<std::size_t>(sent);
    }
  }

  void receive() {
    static thread_local std::array<char, 1 << 16> chunk;
    const auto got = ::recv(descriptor_, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) fail("the server closed a connection");
    compare({chunk.data(), static_cast<std::size_t>(got)});
  }

 private:
  void compare(std::string_view bytes) {
    const auto wanted = std::string_view{expected_}.substr(received_, bytes.size());
    if (wanted != bytes)
      fail("wrong answer: [" + std::string{bytes.substr(0, 200)} + "], expected [" +
           std::string{wanted.substr(0, 200)} + "]");
    received_ += bytes.size();
  }

  int descriptor_;
  std::string requests_;
  std::string expected_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
};

/// All connections on one epoll.
class Load {
 public:
  Load(const Settings& settings, std::uint32_t count) : settings_{settings}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    for (std::uint32_t number = 0; number < count; ++number) {
      connections_.push_back(std::make_unique<Connection>(settings));
      watch(*connections_.back(), EPOLL_CTL_ADD);
    }
  }
  ~Load() { ::close(epoll_); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // `next` fills a connection with its next batch, or leaves it empty: then it has ended.
  template <class Next>
  void run(const Next& next) {
    std::size_t busy = 0;
    for (const auto& connection : connections_) busy += begin(*connection, next) ? 1U : 0U;
    while (busy > 0) {
      std::array<epoll_event, 256> events{};
      const int found =
          ::epoll_wait(epoll_, events.data(), events.size(), static_cast<int>(settings_.answer_limit_s * 1000));
      if (found == 0) fail("no answer within " + std::to_string(settings_.answer_limit_s) + " s");
      for (int number = 0; number < found; ++number) {
        auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(number)].data.ptr);
        if (!step(connection, events[static_cast<std::size_t>(number)].events)) continue;
        if (!begin(connection, next)) --busy;
      }
    }
  }

 private:
  template <class Next>
  bool begin(Connection& connection, const Next& next) {
    connection.clear();
    next(connection);
    if (connection.requests().empty()) return false;
    connection.send();
    if (connection.unsent()) watch(connection, EPOLL_CTL_MOD);
    return true;
  }

  // True when the batch is answered.
  bool step(Connection& connection, std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) {
      connection.send();
      if (!connection.unsent()) watch(connection, EPOLL_CTL_MOD);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) connection.receive();
    return connection.answered();
  }

  void watch(Connection& connection, int action) const {
    epoll_event event{};
    event.events = EPOLLIN | (connection.unsent() ? static_cast<unsigned>(EPOLLOUT) : 0U);
    event.data.ptr = &connection;
    ::epoll_ctl(epoll_, action, connection.descriptor(), &event);
  }

  const Settings& settings_;
  int epoll_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

void fill(const Settings& settings) {
  constexpr std::uint32_t batch = 100;
  Workload workload{settings.shape, 0};
  Load load{settings, 1};
  std::uint32_t key = 0;
  load.run([&](Connection& connection) {
    for (std::uint32_t number = 0; number < batch && key < settings.shape.keys; ++number, ++key) {
      workload.set_of(key, connection.requests(), connection.expected());
    }
  });
}

void measure(const Settings& settings) {
  Workload workload{settings.shape, static_cast<std::uint64_t>(::getpid())};
  Load load{settings, settings.connections};
  std::uint64_t operations = 0;
  const auto processor_before = processor_time(settings.server_pids);
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::round<Clock::duration>(Seconds{settings.seconds});
  load.run([&](Connection& connection) {
    if (Clock::now() >= end) return;
    workload.next_batch(connection.requests(), connection.expected());
    operations += settings.shape.pipeline;
  });
  const Seconds took = Clock::now() - begin;
  const auto processor = processor_time(settings.server_pids) - processor_before;
  std::printf("ops_per_s=%.0f operations=%llu", static_cast<double>(operations) / took.count(),
              static_cast<unsigned long long>(operations));
  if (!settings.server_pids.empty()) {
    std::printf(" server_us_per_op=%.3f", processor.count() * 1e6 / static_cast<double>(operations));
  }
  std::puts("");
}

void add_options(CLI::App& app, Settings& settings) {
  const std::map<std::string, Kind> kinds{{"get", Kind::get}, {"set", Kind::set}, {"mix", Kind::mix}};
  auto& shape = settings.shape;
  app.add_option("--host", settings.host, "IPv4 address of the server")->capture_default_str();
  app.add_option("--port", settings.port, "port of the server")->capture_default_str()->check(CLI::Range(1, 65535));
  app.add_option("--workload", shape.kind, "get, set or mix")->transform(CLI::CheckedTransformer(kinds))->required();
  app.add_option("--pipeline", shape.pipeline, "requests sent together on a connection")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  app.add_option("--set-percent", shape.set_percent, "sets among the requests of mix")
      ->capture_default_str()
      ->check(CLI::Range(0, 100));
  app.add_option("--connections", settings.connections, "clients")->capture_default_str()->check(CLI::Range(1, 20'000));
  app.add_option("--keys", shape.keys, "number of keys")->capture_default_str()->check(CLI::Range(1, 100'000'000));
  app.add_option("--key-size", shape.key_bytes, "bytes of a key")->capture_default_str()->check(CLI::Range(11, 250));
  app.add_option("--value-size", shape.value_bytes, "bytes of a value")
      ->capture_default_str()
      ->check(CLI::Range(10, 1'000'000));
  app.add_option("--seconds", settings.seconds, "length of the run")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 86400.0));
  app.add_option("--answer-limit", settings.answer_limit_s, "seconds without any answer after which the run fails")
      ->capture_default_str();
  app.add_flag("!--no-fill", settings.fill, "the keys are in the store already");
  app.add_option("--server-pid", settings.server_pids, "processes whose processor time is counted; repeatable");
}

int run(int count, char** words) {
  Settings settings;
  CLI::App app{"Closed-loop load on a memcached-protocol server; every answer is checked.", "flare-bench"};
  add_options(app, settings);
  CLI11_PARSE(app, count, words);
  try {
    if (settings.fill) fill(settings);
    measure(settings);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flare-bench: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace flare::bench

int main(int count, char** words) { return flare::bench::run(count, words); }
