#pragma once

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/net/task.h"

namespace flare::test {

/// A node as flarei sees one: accepts, answers version, ping and node sync, and can hang, die and come back. Runs on
/// the test's own context.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(asio::io_context& context) : script_(std::make_shared<Script>(context.get_executor())) {
    script_->listen(0);
  }
  ~ScriptedPeer() { die(); }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  int port() const { return script_->port; }
  std::string name() const { return "127.0.0.1"; }

  /// Like a stopped process: the kernel accepts and takes bytes, nobody answers.
  void freeze() { script_->frozen = true; }
  void thaw();
  void freeze_maps_only() { script_->maps_frozen = true; }
  /// Like a killed process.
  void die() { script_->close_all(); }
  void revive() { script_->listen(script_->port); }

  /// A map has come that it does not answer yet.
  bool holds_a_map() const {
    return std::any_of(script_->connections.begin(), script_->connections.end(),
                       [](const auto& connection) { return connection->input.starts_with("node sync"); });
  }
  const std::vector<std::string>& maps() const { return script_->maps; }  // first lines: `node sync <version>`
  int pings() const { return script_->pings; }
  int accepted() const { return script_->accepted; }
  void answer_version_with(std::string answer) { script_->version_answer = std::move(answer); }
  void answer_hello_with(std::string answer) { script_->hello_answer = std::move(answer); }
  /// To `position`: one answer after the other, the last one again and again. None: it stays silent.
  void answer_position_with(std::vector<std::string> answers) { script_->position_answers = std::move(answers); }
  const std::vector<std::string>& positions_asked() const { return script_->positions_asked; }
  void answer_ping_with(std::string answer) { script_->ping_answer = std::move(answer); }

 private:
  using Tcp = asio::ip::tcp;
  using Acceptor = asio::basic_socket_acceptor<Tcp, IoExecutor>;
  using Socket = asio::basic_stream_socket<Tcp, IoExecutor>;

  struct Connection {
    explicit Connection(IoExecutor executor) : socket(executor) {}
    Socket socket;
    std::string input;
    bool in_map = false;
  };

  struct Script : std::enable_shared_from_this<Script> {
    explicit Script(IoExecutor given) : executor(given), acceptor(given) {}

    void listen(int at) {
      acceptor.open(Tcp::v4());
      acceptor.set_option(asio::socket_base::reuse_address{true});
      acceptor.bind({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(at)});
      acceptor.listen();
      port = acceptor.local_endpoint().port();
      auto task = accept(shared_from_this());
      asio::co_spawn(executor, std::move(task), asio::detached);
    }

    void close_all() {
      error_code ignored;
      acceptor.close(ignored);
      for (const auto& connection : connections) connection->socket.close(ignored);
      connections.clear();
    }

    static IoTask<> accept(std::shared_ptr<Script> self) {
      while (self->acceptor.is_open()) {
        auto connection = std::make_shared<Connection>(self->executor);
        const auto [error] = co_await self->acceptor.async_accept(connection->socket, use_task);
        if (error) co_return;
        self->accepted += 1;
        self->connections.insert(connection);
        auto task = serve(self, connection);
        asio::co_spawn(self->executor, std::move(task), asio::detached);
      }
    }

    static IoTask<> serve(std::shared_ptr<Script> self, std::shared_ptr<Connection> connection) {
      std::string block(4096, '\0');
      for (;;) {
        const auto [error, n] = co_await connection->socket.async_read_some(asio::buffer(block), use_task);
        if (error) break;
        connection->input.append(block, 0, n);
        self->answer(*connection);
      }
      self->connections.erase(connection);
    }

    void answer(Connection& connection) {
      for (;;) {
        if (frozen || (maps_frozen && connection.input.starts_with("node sync"))) return;
        const auto end = connection.input.find("\r\n");
        if (end == std::string::npos) return;
        const auto line = connection.input.substr(0, end);
        const auto reply = reply_to(connection, line);
        connection.input.erase(0, end + 2);
        error_code ignored;
        if (!reply.empty()) asio::write(connection.socket, asio::buffer(reply + "\r\n"), ignored);
      }
    }

    std::string reply_to(Connection& connection, const std::string& line) {
      if (line == "ping") {
        pings += 1;
        return ping_answer;
      }
      if (line == "version") return version_answer;
      if (line.starts_with("hello ")) return hello_answer;
      if (line.starts_with("position ")) return position_answer(line);
      if (line.starts_with("node sync")) {
        maps.push_back(line);
        connection.in_map = true;
      } else if (line == "END" && connection.in_map) {
        connection.in_map = false;
        return "OK";
      }
      return "";
    }

    std::string position_answer(const std::string& line) {
      positions_asked.push_back(line);
      if (position_answers.empty()) return "";
      return position_answers[std::min(positions_asked.size(), position_answers.size()) - 1];
    }

    IoExecutor executor;
    Acceptor acceptor;
    int port = 0;
    bool frozen = false;
    bool maps_frozen = false;
    std::string version_answer = "VERSION 2.0.0";
    std::string hello_answer = "ERROR";  // as a node that knows no hello
    std::string ping_answer = "OK";
    std::set<std::shared_ptr<Connection>> connections;
    std::vector<std::string> maps;
    std::vector<std::string> position_answers;
    std::vector<std::string> positions_asked;
    int pings = 0;
    int accepted = 0;
  };

  std::shared_ptr<Script> script_;
};

inline void ScriptedPeer::thaw() {
  script_->frozen = false;
  script_->maps_frozen = false;
  for (const auto& connection : script_->connections) script_->answer(*connection);
}

}  // namespace flare::test
