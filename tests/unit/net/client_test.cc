#include "common/net/client.h"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "common/base/limits.h"
#include "common/net/listener.h"
#include "net_thread.h"

namespace flare::net_test {
namespace {

// A peer that the test plays: blocking sockets on the test's own thread.
class ScriptedPeer {
 public:
  ScriptedPeer() : acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}) {}
  int port() const { return acceptor_.local_endpoint().port(); }
  void accept() {
    socket_.close();
    acceptor_.accept(socket_);
  }
  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }
  void close() { socket_.close(); }
  std::string read(std::size_t size) {
    std::string bytes(size, 0);
    asio::read(socket_, asio::buffer(bytes));
    return bytes;
  }
  std::string peer_address() const { return socket_.remote_endpoint().address().to_string(); }

 private:
  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::socket socket_{context_};
};

class Client : public testing::Test {
 protected:
  Client() {
    net.run([this] { client = std::make_unique<PeerClient>(net.executor()); });
  }
  ~Client() override {
    net.run([this] { client.reset(); });
  }
  void connect() {
    ASSERT_TRUE(net.wait_for(client->connect("127.0.0.1", peer.port(), "", patience)));
    peer.accept();
  }
  // Views die with the next call, so tests take copies.
  static IoTask<Result<std::string>> line(PeerClient& from, PeerClient::Duration deadline) {
    const auto read = co_await from.read_line(deadline);
    if (!read) co_return read.error();
    co_return std::string{*read};
  }
  static IoTask<Result<std::string>> bytes(PeerClient& from, std::size_t size) {
    const auto read = co_await from.read_bytes(size, patience);
    if (!read) co_return read.error();
    co_return std::string{*read};
  }
  Result<std::string> read_line(PeerClient::Duration deadline = patience) {
    return net.wait_for(line(*client, deadline));
  }

  NetThread net;
  ScriptedPeer peer;
  std::unique_ptr<PeerClient> client;
};

TEST_F(Client, ReadsLinesAndBytesHoweverTheyArrive) {
  connect();
  peer.send("one\r\ntwo\nVALUE k 0 5\r\nab");
  EXPECT_EQ(*read_line(), "one");
  EXPECT_EQ(*read_line(), "two");
  EXPECT_EQ(*read_line(), "VALUE k 0 5");
  peer.send("cde\r\nEND\r\n");
  EXPECT_EQ(*net.wait_for(bytes(*client, 7)), "abcde\r\n");
  EXPECT_EQ(*read_line(), "END");
}

TEST_F(Client, WritesAll) {
  connect();
  const std::string request(1000, 'r');
  ASSERT_TRUE(net.wait_for(client->write(request, patience)));
  EXPECT_EQ(peer.read(1000), request);
}

TEST_F(Client, ConnectsFromTheBindAddress) {
  ASSERT_TRUE(net.wait_for(client->connect("127.0.0.1", peer.port(), "127.0.0.77", patience)));
  peer.accept();
  EXPECT_EQ(peer.peer_address(), "127.0.0.77");
}

TEST_F(Client, ResolvesNames) { ASSERT_TRUE(net.wait_for(client->connect("localhost", peer.port(), "", patience))); }

TEST_F(Client, ClosesAtAMissedDeadline) {
  connect();
  EXPECT_EQ(read_line(20ms).error(), asio::error::timed_out);
  EXPECT_FALSE(client->is_open());
  peer.send("late\r\n");  // no answer can shift to a later question
  EXPECT_FALSE(read_line());
}

TEST_F(Client, RefusesALineWithoutEnd) {
  connect();
  peer.send(std::string(limits::line_bytes_max + 100'000, 'x'));
  EXPECT_EQ(read_line().error(), asio::error::message_size);
  EXPECT_FALSE(client->is_open());
}

TEST_F(Client, SaysWhyItCannotConnect) {
  const auto refused = net.wait_for(client->connect("127.0.0.1", 1, "", patience));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), asio::error::connection_refused);
}

TEST_F(Client, ConnectsAnewAfterAFailure) {
  connect();
  EXPECT_FALSE(read_line(20ms));
  connect();
  peer.send("fresh\r\n");
  EXPECT_EQ(*read_line(), "fresh");
}

TEST_F(Client, EndsAWaitWhenClosed) {
  connect();
  std::promise<error_code> ended;
  asio::co_spawn(net.context, line(*client, patience), [&](std::exception_ptr, const Result<std::string>& read) {
    ended.set_value(read ? error_code{} : read.error());
  });
  net.run([this] { client->close(); });
  EXPECT_EQ(ended.get_future().get(), asio::error::operation_aborted);
}

TEST_F(Client, SeesThatThePeerHasGone) {
  connect();
  EXPECT_FALSE(net.run([this] { return client->closed_by_peer(); }));
  peer.close();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!net.run([this] { return client->closed_by_peer(); })) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    std::this_thread::yield();
  }
}

TEST_F(Client, GivesUpItsSocketWithWhatWasReadTooMuch) {
  connect();
  peer.send("taken\r\nleft over");
  EXPECT_EQ(*read_line(), "taken");
  const auto unread = net.run([this] { return client->take_unread(); });
  auto socket = std::make_unique<StreamSocket>(net.run([this] { return client->release(); }));
  EXPECT_TRUE(std::string{"left over"}.starts_with(unread));
  EXPECT_TRUE(socket->is_open());
  EXPECT_FALSE(client->is_open());
  net.run([&] { socket.reset(); });
}

// A timer that has run out, with its handler in the queue, must not reach a client that is gone.
TEST_F(Client, MayGoWhileADeadlineIsDue) {
  for (int round = 0; round < 50; ++round) {
    net.run([this] {
      auto brief = std::make_shared<PeerClient>(net.executor());
      auto use = [](std::shared_ptr<PeerClient> short_lived, int port) -> IoTask<> {
        const auto connected = co_await short_lived->connect("127.0.0.1", port, "", 0ms);
        (void)connected;
      };
      asio::co_spawn(net.context, use(std::move(brief), peer.port()), [](std::exception_ptr) {});
    });
  }
}

}  // namespace
}  // namespace flare::net_test
