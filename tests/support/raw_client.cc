#include "support/raw_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace flare::test {
namespace {

constexpr std::size_t kept_bytes = 1024 * 1024;

sockaddr_in name_of(const std::string& address, std::uint16_t port) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &name.sin_addr) != 1) {
    throw std::runtime_error{"not an IPv4 address: " + address};
  }
  return name;
}

}  // namespace

RawClient::RawClient(const Address& address, const std::string& from) {
  const auto to = name_of(address.name, address.port);
  descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto attempt = [&] {
    if (descriptor_ < 0) return false;
    if (!from.empty()) {
      const auto source = name_of(from, 0);
      if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) return false;
    }
    return ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  };
  if (!attempt()) {
    const std::string reason = std::strerror(errno);
    if (descriptor_ >= 0) ::close(descriptor_);
    throw std::runtime_error{"connect " + key_of(address) + ": " + reason};
  }
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
}

RawClient::~RawClient() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

RawClient::RawClient(RawClient&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)}, ended_{other.ended_}, received_{std::move(other.received_)} {}

RawClient& RawClient::operator=(RawClient&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(ended_, other.ended_);
  std::swap(received_, other.received_);
  return *this;
}

bool RawClient::ready(short events, int wait_ms) const {
  pollfd entry{descriptor_, events, 0};
  return ::poll(&entry, 1, wait_ms) > 0;
}

bool RawClient::receive() {
  std::array<char, 64 * 1024> bytes;
  const auto n = ::recv(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const auto room = kept_bytes - std::min(kept_bytes, received_.size());
  received_.append(bytes.data(), std::min(static_cast<std::size_t>(n), room));
  return n > 0;
}

std::size_t RawClient::send(std::string_view bytes, Milliseconds limit) {
  const Deadline deadline{limit};
  std::size_t sent = 0;
  while (sent < bytes.size() && !deadline.passed() && !ended_) {
    if (!ready(POLLIN | POLLOUT, deadline.left_ms())) break;
    if (ready(POLLIN, 0) && !receive()) ended_ = true;
    const auto n = ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) sent += static_cast<std::size_t>(n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) break;
  }
  return sent;
}

std::size_t RawClient::send_deaf(std::string_view bytes) {
  const auto n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

void RawClient::end_sending() { ::shutdown(descriptor_, SHUT_WR); }

bool RawClient::reads_to_end(Milliseconds limit) {
  const Deadline deadline{limit};
  while (!ended_) {
    if (!ready(POLLIN, deadline.left_ms())) return false;
    if (!receive()) ended_ = true;
  }
  return true;
}

bool RawClient::reads(std::string_view text, Milliseconds limit) {
  const Deadline deadline{limit};
  while (received_.find(text) == std::string::npos) {
    if (ended_ || !ready(POLLIN, deadline.left_ms())) return false;
    if (!receive()) ended_ = true;
  }
  return true;
}

void RawClient::reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(std::exchange(descriptor_, -1));
  ended_ = true;
}

}  // namespace flare::test
