#include "common/net/listener.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>
#include <filesystem>
#include <fstream>

#include "net_thread.h"

namespace flare::net_test {
namespace {

// Below those that the kernel gives to connections, and no other process's of these tests: a port that was free a
// moment ago may be somebody's.
int own_port() {
  constexpr int first = 15'000;
  constexpr int count = 15'000;
  constexpr int of_a_process = 37;
  static int taken = 0;
  return first + (::getpid() * of_a_process + taken++ % of_a_process) % count;
}

class Folder {
 public:
  Folder() {
    auto name = (std::filesystem::temp_directory_path() / "flare-listener-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string socket() const { return (path_ / "flared.sock").string(); }

 private:
  std::filesystem::path path_;
};

class Listening : public testing::Test {
 protected:
  Listening() { make(); }
  ~Listening() override {
    net.run([this] { listener.reset(); });
  }
  void make() {
    net.run([this] { listener = std::make_unique<Listener>(net.executor()); });
  }
  void start() {
    net.run([this] {
      listener->start([this](int descriptor, std::string peer) {
        ::close(descriptor);
        accepted.set_value(std::move(peer));
      });
    });
  }

  NetThread net;
  std::unique_ptr<Listener> listener;
  std::promise<std::string> accepted;
  asio::io_context client_context;
};

TEST_F(Listening, HandsOutConnectionsWithTheAddressOfThePeer) {
  const int port = own_port();
  ASSERT_TRUE(listener->listen_tcp("127.0.0.1", port, 16));
  start();
  asio::ip::tcp::socket client{client_context};
  client.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)});
  EXPECT_EQ(accepted.get_future().get(), "127.0.0.1:" + std::to_string(client.local_endpoint().port()));
}

TEST_F(Listening, ListensOnAllAddressesWithoutABindAddressAndShowsIPv4AsSuch) {
  const int port = own_port();
  ASSERT_TRUE(listener->listen_tcp("", port, 16));
  start();
  asio::ip::tcp::socket client{client_context};
  client.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)});
  EXPECT_TRUE(accepted.get_future().get().starts_with("127.0.0.1:"));
}

TEST_F(Listening, SaysThatAPortIsInUse) {
  const int port = own_port();
  ASSERT_TRUE(listener->listen_tcp("127.0.0.1", port, 16));
  net.run([&] {
    Listener second{net.executor()};
    EXPECT_EQ(second.listen_tcp("127.0.0.1", port, 16).error(), asio::error::address_in_use);
    Listener third{net.executor()};
    EXPECT_FALSE(third.listen_tcp("no address", port, 16));
  });
}

TEST_F(Listening, ServesAUnixSocketThatEverybodyMayUse) {
  const Folder folder;
  ASSERT_TRUE(listener->listen_unix(folder.socket(), 16));
  struct stat found {};
  ASSERT_EQ(::stat(folder.socket().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0777u);
  start();
  asio::local::stream_protocol::socket client{client_context};
  client.connect({folder.socket()});
  EXPECT_EQ(accepted.get_future().get(), folder.socket());
  net.run([this] { listener->stop(); });
  EXPECT_FALSE(std::filesystem::exists(folder.socket()));
}

TEST_F(Listening, TakesThePlaceOfAStaleUnixSocket) {
  const Folder folder;
  { asio::local::stream_protocol::acceptor stale{client_context, {folder.socket()}}; }
  ASSERT_TRUE(std::filesystem::exists(folder.socket()));
  EXPECT_TRUE(listener->listen_unix(folder.socket(), 16));
}

TEST_F(Listening, LeavesAUnixSocketInUseAndOtherFilesAlone) {
  const Folder folder;
  asio::local::stream_protocol::acceptor other{client_context, {folder.socket()}};
  EXPECT_EQ(listener->listen_unix(folder.socket(), 16).error(), asio::error::address_in_use);
  EXPECT_TRUE(std::filesystem::exists(folder.socket()));

  const auto file = folder.socket() + ".txt";
  std::ofstream{file} << "somebody's";
  make();
  EXPECT_EQ(listener->listen_unix(file, 16).error(),
            boost::system::errc::make_error_code(boost::system::errc::file_exists));
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(Listening, SeesASocketInUseWhoseBacklogIsFull) {
  const Folder folder;
  asio::local::stream_protocol::acceptor other{client_context, asio::local::stream_protocol{}};
  other.bind({folder.socket()});
  other.listen(0);
  std::vector<asio::local::stream_protocol::socket> waiting;
  const asio::local::stream_protocol::endpoint endpoint{folder.socket()};
  for (int failed = 0; failed == 0;) {
    waiting.emplace_back(client_context, asio::local::stream_protocol{});
    waiting.back().non_blocking(true);
    failed = ::connect(waiting.back().native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  }
  EXPECT_EQ(listener->listen_unix(folder.socket(), 16).error(), asio::error::address_in_use);
}

TEST_F(Listening, MayEndWhileItAccepts) {
  ASSERT_TRUE(listener->listen_tcp("127.0.0.1", own_port(), 16));
  start();
  net.run([this] { listener.reset(); });  // the coroutine sees it later, and the thread ends
}

}  // namespace
}  // namespace flare::net_test
