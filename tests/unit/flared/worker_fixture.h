#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "flared/storage/memory_storage.h"
#include "flared/worker.h"
#include "unit/flared/quiet_parts.h"

namespace flare::test {

/// A port on loopback, with nobody behind it or with somebody who takes connections and says nothing.
class Port {
 public:
  Port() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    number_ = ntohs(address.sin_port);
  }
  ~Port() {
    if (connection_ >= 0) ::close(connection_);
    ::close(descriptor_);
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  int number() const { return number_; }
  void listen_in_silence() const { EXPECT_EQ(::listen(descriptor_, 16), 0); }
  /// Takes the next connection and what comes on it, until that has `last` in it; false after 30 s of nothing.
  bool hears(std::string_view last) {
    connection_ = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
    const timeval limit{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(connection_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::string heard;
    char bytes[1024];
    while (heard.find(last) == std::string::npos) {
      const auto got = ::recv(connection_, bytes, sizeof bytes, 0);
      if (got <= 0) return false;
      heard.append(bytes, static_cast<std::size_t>(got));
    }
    return true;
  }

 private:
  int descriptor_;
  int connection_ = -1;
  int number_ = 0;
};

/// A client's end of a connection to a worker.
class Client {
 public:
  Client(Worker& worker, WorkerSetup& setup) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const timeval limit{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(setup.places.take("test", false), Place::client);
    worker.adopt(ends[1], "test");
    descriptor_ = ends[0];
  }
  ~Client() { leave(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(std::string_view requests) const {
    EXPECT_EQ(::send(descriptor_, requests.data(), requests.size(), 0), static_cast<ssize_t>(requests.size()));
  }
  /// So many bytes; less if the other side closes.
  std::string read(std::size_t bytes) const {
    std::string answers(bytes, '\0');
    const auto got = ::recv(descriptor_, answers.data(), bytes, MSG_WAITALL);
    EXPECT_GE(got, 0) << "neither an answer nor an end of the connection";
    answers.resize(static_cast<std::size_t>(std::max<ssize_t>(0, got)));
    return answers;
  }
  bool has_answer() const {
    char one;
    return ::recv(descriptor_, &one, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }
  void leave() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_ = -1;
};

/// One worker over a store in memory; the test publishes its maps.
class WorkerTest : public testing::Test {
 protected:
  void SetUp() override { worker_.start(); }
  void TearDown() override {
    worker_.stop(std::chrono::seconds{5});
    worker_.join();
  }
  void publish(const std::vector<Node>& nodes, int own_port) { worker_.publish(view_of(nodes, own_port)); }

  SilentLog log_;
  SystemClock clock_;
  NoControl control_;
  MemoryStorage storage_;
  WorkerSetup setup_{storage_, control_, clock_, log_, NodeKey{"127.0.0.1", 1}, "", ReaderLimits{}};
  Worker worker_{setup_};
};

}  // namespace flare::test
