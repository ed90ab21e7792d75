#include "flare_bench/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace flare::bench {
namespace {

bool not_now() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

void Connection::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void Connection::begin() {
  batch_.clear();
  sent_ = 0;
  next_ = 0;
}

bool Connection::send() {
  while (unsent()) {
    const auto sent = ::send(descriptor_, batch_.bytes.data() + sent_, batch_.bytes.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) return not_now();
    sent_ += static_cast<std::size_t>(sent);
  }
  return true;
}

std::optional<std::string_view> Connection::receive(std::span<char> chunk) {
  const auto got = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
  if (got == 0 || (got < 0 && !not_now())) return std::nullopt;
  input_ = {chunk.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
  if (!unread_.empty()) input_ = unread_ += input_;
  return input_;
}

void Connection::take(std::size_t bytes) {
  if (!unread_.empty()) {
    unread_.erase(0, bytes);
  } else if (bytes < input_.size()) {
    unread_.assign(input_.substr(bytes));
  }
}

bool Connection::quiet_and_open() const {
  char byte = 0;
  return ::recv(descriptor_, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

}  // namespace flare::bench
