#include "common/net/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace flare {

namespace {

using Generic = asio::generic::stream_protocol;

std::string text_of(const Generic::endpoint& endpoint, const std::string& unix_path) {
  if (endpoint.protocol().family() == AF_UNIX) return unix_path;
  asio::ip::tcp::endpoint tcp;
  if (endpoint.size() > tcp.capacity()) return "unknown";
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  auto address = tcp.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  return address.to_string() + ':' + std::to_string(tcp.port());
}

bool somebody_serves(const std::string& path) {
  asio::io_context context;
  asio::local::stream_protocol::socket probe{context, asio::local::stream_protocol{}};
  error_code error;
  probe.non_blocking(true, error);  // a full back-log must not hold the start up
  const asio::local::stream_protocol::endpoint endpoint{path};
  const int failed = ::connect(probe.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size()));
  return failed == 0 || errno == EAGAIN;
}

}  // namespace

Listener::Listener(IoExecutor executor) : open_(std::make_shared<Open>(Open{Acceptor{executor}, {}, {}})) {}

Listener::~Listener() { stop(); }

Result<void> Listener::listen_tcp(const std::string& bind_address, int port, int backlog, Families families) {
  using Tcp = asio::ip::tcp;
  auto& acceptor = open_->acceptor;
  error_code error;
  const auto port16 = static_cast<std::uint16_t>(port);
  Tcp::endpoint endpoint{Tcp::v6(), port16};
  if (!bind_address.empty()) {
    const auto address = asio::ip::make_address(bind_address, error);
    if (error) return error;
    endpoint = {address, port16};
  }
  acceptor.open(Generic{endpoint.protocol()}, error);
  if (error && bind_address.empty()) {  // a host without IPv6
    endpoint = {Tcp::v4(), port16};
    acceptor.open(Generic{endpoint.protocol()}, error);
  }
  if (!error) acceptor.set_option(asio::socket_base::reuse_address{true}, error);
  if (!error && bind_address.empty() && endpoint.protocol() == Tcp::v6()) {
    acceptor.set_option(asio::ip::v6_only{false}, error);
  }
  if (!error && families == Families::one && endpoint.protocol() == Tcp::v6()) {
    acceptor.set_option(asio::ip::v6_only{true}, error);  // beside 0.0.0.0 on the same port
  }
  if (!error) acceptor.bind(Generic::endpoint{endpoint}, error);
  if (!error) acceptor.listen(backlog, error);
  if (error) return error;
  return {};
}

Result<void> Listener::listen_unix(const std::string& path, int backlog) {
  using Local = asio::local::stream_protocol;
  auto& acceptor = open_->acceptor;
  error_code error;
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return error_code{asio::error::name_too_long};
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      return error_code{boost::system::errc::make_error_code(boost::system::errc::file_exists)};
    if (somebody_serves(path)) return error_code{asio::error::address_in_use};
    ::unlink(path.c_str());
  }
  const Local::endpoint endpoint{path};
  acceptor.open(Generic{endpoint.protocol()}, error);
  if (!error) acceptor.bind(Generic::endpoint{endpoint}, error);
  if (error) return error;
  open_->unix_path = path;
  ::chmod(path.c_str(), 0777);
  acceptor.listen(backlog, error);
  if (error) return error;
  return {};
}

void Listener::start(Accepted accepted) {
  open_->accepted = std::move(accepted);
  asio::co_spawn(open_->acceptor.get_executor(), accept_loop(open_), asio::detached);
}

IoTask<> Listener::accept_loop(std::shared_ptr<Open> open) {
  auto& acceptor = open->acceptor;
  Timer pause{acceptor.get_executor()};
  while (acceptor.is_open()) {
    Generic::endpoint peer;
    auto [error, socket] = co_await acceptor.async_accept(peer, use_task);
    if (!acceptor.is_open()) co_return;  // stopped: a connection that came at the same moment is closed
    if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
        error == asio::error::no_memory) {
      pause.expires_after(std::chrono::milliseconds{100});  // the kernel has none left: do not spin until it has
      co_await pause.async_wait(use_task);
      continue;
    }
    if (error) continue;  // that client left before it was accepted
    error_code ignored;
    if (peer.protocol().family() != AF_UNIX) {
      socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
      socket.set_option(asio::socket_base::keep_alive{true}, ignored);
    }
    auto text = text_of(peer, open->unix_path);
    const int descriptor = socket.release(ignored);
    if (descriptor >= 0) open->accepted(descriptor, std::move(text));
  }
}

void Listener::stop() {
  error_code ignored;
  open_->acceptor.close(ignored);
  if (!open_->unix_path.empty()) ::unlink(std::exchange(open_->unix_path, {}).c_str());
}

}  // namespace flare
