#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/task.h"

namespace flare::test {

/// Another node on a loopback port that says what a test tells it to. Runs where the test's io_context runs.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(asio::io_context& context) : acceptor_(context, {asio::ip::address_v4::loopback(), 0}) {
    accept();
  }

  int port() const { return port_; }
  std::size_t connections() const { return connections_.size(); }
  /// All that came on one connection.
  const std::string& received(std::size_t connection) const { return connections_.at(connection)->received; }
  bool left(std::size_t connection) const { return connections_.at(connection)->ended; }

  /// On the newest connection.
  void say(std::string_view bytes) { asio::write(connections_.back()->socket, asio::buffer(bytes)); }
  /// On an older one, which may be closed.
  void say_on(std::size_t connection, std::string_view bytes) {
    error_code ignored;
    asio::write(connections_.at(connection)->socket, asio::buffer(bytes), ignored);
  }
  /// Nothing listens for a while; what is connected stays so.
  void pause() { acceptor_.close(); }
  void listen_again() {
    acceptor_ = asio::ip::tcp::acceptor{acceptor_.get_executor(),
                                        {asio::ip::address_v4::loopback(), static_cast<unsigned short>(port_)}};
    accept();
  }
  void hang_up() { connections_.back()->socket.close(); }
  /// Nothing listens there any more.
  void go() {
    acceptor_.close();
    for (auto& connection : connections_) connection->socket.close();
  }

 private:
  struct Connection {
    asio::ip::tcp::socket socket;
    std::string received{};
    bool ended = false;
    std::array<char, 64 * 1024> piece{};
  };

  void accept() {
    acceptor_.async_accept([this](const error_code& error, asio::ip::tcp::socket socket) {
      if (error) return;
      connections_.push_back(std::make_shared<Connection>(std::move(socket)));
      listen_to(connections_.back());
      accept();
    });
  }

  static void listen_to(std::shared_ptr<Connection> connection) {
    auto& it = *connection;
    it.socket.async_read_some(asio::buffer(it.piece),
                              [connection = std::move(connection)](const error_code& error, std::size_t n) {
                                connection->received.append(connection->piece.data(), n);
                                connection->ended = error.failed();
                                if (!error) listen_to(connection);
                              });
  }

  asio::ip::tcp::acceptor acceptor_;
  int port_ = acceptor_.local_endpoint().port();
  std::vector<std::shared_ptr<Connection>> connections_;
};

}  // namespace flare::test
