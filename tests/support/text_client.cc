#include "support/text_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace flare::test {
namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

bool wait_for(int descriptor, short events, const Deadline& deadline) {
  pollfd entry{descriptor, events, 0};
  const int found = ::poll(&entry, 1, deadline.left_ms());
  return found > 0;
}

int connect_socket(int family, const sockaddr* name, socklen_t bytes, const std::string& shown, Milliseconds limit,
                   const sockaddr_in* from = nullptr) {
  const int descriptor = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) fail(std::string{"socket: "} + std::strerror(errno));
  if (from && ::bind(descriptor, reinterpret_cast<const sockaddr*>(from), sizeof *from) != 0) {
    const int error = errno;
    ::close(descriptor);
    fail("bind for " + shown + ": " + std::strerror(error));
  }
  int error = ::connect(descriptor, name, bytes) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    if (!wait_for(descriptor, POLLOUT, Deadline{limit})) {
      error = ETIMEDOUT;
    } else {
      ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error != 0) {
    ::close(descriptor);
    fail("connect " + shown + ": " + std::strerror(error));
  }
  return descriptor;
}

sockaddr_in name_of(const Address& address) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(address.port);
  if (::inet_pton(AF_INET, address.name.c_str(), &name.sin_addr) != 1) fail("not an IPv4 address: " + address.name);
  return name;
}

int connect_tcp(const Address& address, Milliseconds limit, const std::string& from = {}) {
  const auto name = name_of(address);
  const auto source = from.empty() ? sockaddr_in{} : name_of({from, 0});
  const int descriptor = connect_socket(AF_INET, reinterpret_cast<const sockaddr*>(&name), sizeof name, key_of(address),
                                        limit, from.empty() ? nullptr : &source);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return descriptor;
}

int connect_unix(const std::string& path, Milliseconds limit) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) fail("path too long for a unix socket: " + path);
  std::memcpy(name.sun_path, path.data(), path.size());
  return connect_socket(AF_UNIX, reinterpret_cast<const sockaddr*>(&name), sizeof name, path, limit);
}

bool ends_answer(std::string_view line) {
  return line == "END" || line == "ERROR" || line.starts_with("SERVER_ERROR") || line.starts_with("CLIENT_ERROR");
}

}  // namespace

std::string key_of(const Address& address) { return address.name + ":" + std::to_string(address.port); }

TextClient::TextClient(const Address& address, Milliseconds limit)
    : descriptor_{connect_tcp(address, limit)}, limit_{limit} {}

TextClient::TextClient(const Address& address, const std::string& from, Milliseconds limit)
    : descriptor_{connect_tcp(address, limit, from)}, limit_{limit} {}

TextClient::TextClient(const std::string& socket_path, Milliseconds limit)
    : descriptor_{connect_unix(socket_path, limit)}, limit_{limit} {}

TextClient::~TextClient() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

TextClient::TextClient(TextClient&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, limit_{other.limit_}, buffer_{std::move(other.buffer_)} {}

TextClient& TextClient::operator=(TextClient&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    limit_ = other.limit_;
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

void TextClient::send(std::string_view bytes) {
  const Deadline deadline{limit_};
  while (!bytes.empty()) {
    const auto sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN && wait_for(descriptor_, POLLOUT, deadline)) {
      continue;
    } else {
      fail(std::string{"send: "} + (errno == EAGAIN ? "deadline passed" : std::strerror(errno)));
    }
  }
}

bool TextClient::receive(const Deadline& deadline) {
  std::array<char, 65536> chunk{};
  while (true) {
    const auto got = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
    if (got > 0) {
      buffer_.append(chunk.data(), static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || errno != EAGAIN) return false;
    if (!wait_for(descriptor_, POLLIN, deadline)) fail("no answer in time; so far: [" + buffer_ + "]");
  }
}

std::string TextClient::read_line() {
  const Deadline deadline{limit_};
  while (true) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      return line;
    }
    if (!receive(deadline)) fail("closed before a whole line; so far: [" + buffer_ + "]");
  }
}

std::string TextClient::read_exactly(std::size_t bytes) {
  const Deadline deadline{limit_};
  while (buffer_.size() < bytes) {
    if (!receive(deadline)) fail("closed before " + std::to_string(bytes) + " bytes; so far: [" + buffer_ + "]");
  }
  auto taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

std::vector<std::string> TextClient::read_until_end() {
  std::vector<std::string> lines;
  do {
    lines.push_back(read_line());
  } while (!ends_answer(lines.back()));
  return lines;
}

std::string TextClient::read_until_quiet(Milliseconds quiet) {
  while (wait_for(descriptor_, POLLIN, Deadline{quiet})) {
    if (!receive(Deadline{quiet})) break;
  }
  return std::exchange(buffer_, {});
}

TextClient::Received TextClient::receive_within(Milliseconds limit) {
  if (!wait_for(descriptor_, POLLIN, Deadline{limit})) return Received::nothing;
  return receive(Deadline{limit}) ? Received::bytes : Received::closed;
}

void TextClient::finish_sending() const { ::shutdown(descriptor_, SHUT_WR); }

bool TextClient::closed_by_peer() {
  const Deadline deadline{limit_};
  try {
    while (receive(deadline)) buffer_.clear();
  } catch (const std::runtime_error&) {
    return false;
  }
  return true;
}

std::string TextClient::ask(std::string_view line) {
  send(std::string{line} + "\r\n");
  return read_line();
}

std::vector<std::string> TextClient::ask_all(std::string_view line) {
  send(std::string{line} + "\r\n");
  return read_until_end();
}

std::optional<TextClient> try_connect(const Address& address, Milliseconds limit) {
  try {
    return TextClient{address, limit};
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

std::string stat_value(const std::vector<std::string>& lines, std::string_view name) {
  const auto start = "STAT " + std::string{name} + " ";
  for (const auto& line : lines) {
    if (line.starts_with(start)) return line.substr(start.size());
  }
  return {};
}

std::string ask_stat(const Address& address, std::string_view request, std::string_view name) {
  try {
    return stat_value(TextClient{address, ask_limit}.ask_all(request), name);
  } catch (const std::runtime_error&) {
    return {};
  }
}

}  // namespace flare::test
