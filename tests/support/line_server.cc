#include "support/line_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace flare::test {
namespace {

int listen_at(const Address& address) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  if (::inet_pton(AF_INET, address.name.c_str(), &name.sin_addr) != 1 ||
      ::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 || ::listen(descriptor, 64) != 0) {
    const std::string why = std::strerror(errno);
    ::close(descriptor);
    throw std::runtime_error("listen at " + key_of(address) + ": " + why);
  }
  return descriptor;
}

}  // namespace

LineConnection::~LineConnection() { ::close(descriptor_); }

void LineConnection::shut() { ::shutdown(descriptor_, SHUT_RDWR); }

bool LineConnection::receive() {
  std::array<char, 64 * 1024> piece{};
  const auto bytes = ::recv(descriptor_, piece.data(), piece.size(), 0);
  if (bytes <= 0) return false;
  buffer_.append(piece.data(), static_cast<std::size_t>(bytes));
  return true;
}

std::optional<std::string> LineConnection::read_line() {
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      return line;
    }
    if (!receive()) return std::nullopt;
  }
}

std::optional<std::string> LineConnection::read_exactly(std::size_t bytes) {
  while (buffer_.size() < bytes) {
    if (!receive()) return std::nullopt;
  }
  auto taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

bool LineConnection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

LineServer::LineServer(const Address& address, Serve serve)
    : serve_{std::move(serve)}, listener_{listen_at(address)}, thread_{[this] { accept_all(); }} {}

LineServer::~LineServer() { stop(); }

void LineServer::accept_all() {
  for (;;) {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    const std::lock_guard lock{mutex_};
    if (stopped_) {
      ::close(descriptor);
      return;
    }
    forget_ended();
    auto& session = *sessions_.emplace_back(std::make_unique<Session>(descriptor));
    session.thread = std::thread{[this, &session] {
      serve_(session.connection);
      session.connection.shut();
      session.ended = true;
    }};
  }
}

void LineServer::forget_ended() {
  std::erase_if(sessions_, [](const auto& session) {
    if (!session->ended) return false;
    session->thread.join();
    return true;
  });
}

void LineServer::stop() {
  if (stopped_.exchange(true)) return;
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  {
    const std::lock_guard lock{mutex_};
    for (auto& session : sessions_) session->connection.shut();
  }
  for (auto& session : sessions_) session->thread.join();
  sessions_.clear();
}

}  // namespace flare::test
