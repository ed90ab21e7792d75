#include "flare_backup/connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "common/base/limits.h"
#include "common/protocol/peer_hello.h"

namespace flare::backup {
namespace {

constexpr std::size_t read_bytes = 256 * 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

}  // namespace

Result<Connection, std::string> Connection::open(const status::Target& target, std::chrono::milliseconds patience) {
  Connection connection;
  connection.peer_ = status::to_string(target);
  connection.patience_ = patience;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found)) {
    return fmt::format("{}: {}", connection.peer_, ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses{found};
  std::string refused;
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    connection.socket_ =
        FileDescriptor{::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, each->ai_protocol)};
    if (!connection.socket_) continue;
    const int result = ::connect(connection.socket_.get(), each->ai_addr, each->ai_addrlen);
    if (result != 0 && errno != EINPROGRESS) {
      refused = connection.failure("cannot connect", errno);
      continue;
    }
    if (const auto ready = connection.wait(POLLOUT); !ready) return ready.error();
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(connection.socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return connection;
    refused = connection.failure("cannot connect", error);
  }
  return refused.empty() ? fmt::format("{}: no address to connect to", connection.peer_) : refused;
}

std::string Connection::failure(std::string_view what, int error) const {
  return fmt::format("{}: {}: {}", peer_, what, error_text(error));
}

Result<void, std::string> Connection::wait(short events) const {
  pollfd waited{socket_.get(), events, 0};
  const int ready = ::poll(&waited, 1, static_cast<int>(patience_.count()));
  if (ready < 0) return failure("waiting", errno);
  if (ready == 0) return fmt::format("{}: nothing came for {} ms", peer_, patience_.count());
  return {};
}

Result<void, std::string> Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) return failure("sending", errno);
    if (const auto ready = wait(POLLOUT); !ready) return ready;
  }
  return {};
}

Result<void, std::string> Connection::read_more(std::string& unread) {
  const auto before = unread.size();
  for (;;) {
    if (const auto ready = wait(POLLIN); !ready) return ready;
    unread.resize(before + read_bytes);
    const auto got = ::recv(socket_.get(), unread.data() + before, read_bytes, 0);
    const int error = errno;
    unread.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return {};
    if (got == 0) return fmt::format("{}: closed the connection", peer_);
    if (error != EAGAIN && error != EINTR) return failure("reading", error);
  }
}

Result<std::string, std::string> Connection::read_line() {
  for (;;) {
    if (const auto end = unread_.find("\r\n"); end != std::string::npos) {
      auto line = unread_.substr(0, end);
      unread_.erase(0, end + 2);
      return Result<std::string, std::string>{boost::system::in_place_value, std::move(line)};
    }
    if (unread_.size() > limits::line_bytes_max)
      return Result<std::string, std::string>{boost::system::in_place_error,
                                              fmt::format("{}: a line without end", peer_)};
    if (const auto more = read_more(unread_); !more)
      return Result<std::string, std::string>{boost::system::in_place_error, more.error()};
  }
}

Result<std::string, std::string> Connection::ask(std::string_view line) {
  using Answer = Result<std::string, std::string>;
  if (const auto sent = send(std::string{line} + "\r\n"); !sent)
    return Answer{boost::system::in_place_error, sent.error()};
  std::string answer;
  for (;;) {
    const auto next = read_line();
    if (!next) return next;
    if (*next == "END") return Answer{boost::system::in_place_value, std::move(answer)};
    if (!next->starts_with("STAT ")) {
      return Answer{boost::system::in_place_error, fmt::format("{}: {}: {}", peer_, line, *next)};
    }
    answer += *next + "\n";
  }
}

ClusterIdentity Connection::identity() {
  const auto answer = ask("stats durability");
  const auto told = [&](std::string_view name) {
    const auto start = fmt::format("STAT {} ", name);
    const auto at = answer ? answer->find(start) : std::string::npos;
    if (at == std::string::npos) return std::string{};
    const auto word = answer->substr(at + start.size(), answer->find('\n', at) - at - start.size());
    return word == "-" ? std::string{} : word;
  };
  return {told("cluster"), told("tenant")};
}

Result<bool, std::string> Connection::introduce() {
  if (const auto sent = send("version\r\n"); !sent) return sent.error();
  const auto version = read_line();
  if (!version) return version.error();
  if (version->find("flare-") != std::string::npos) return false;
  const PeerHello hello{identity(), NodeKey{"flare-backup"}, std::to_string(::getpid())};
  if (const auto sent = send(fmt::format("hello {}\r\n", hello_words(hello))); !sent) return sent.error();
  const auto answer = read_line();
  if (!answer) return answer.error();
  if (!answer->starts_with("HELLO ")) return fmt::format("{}: refuses this tool: {}", peer_, *answer);
  return true;
}

}  // namespace flare::backup
