#include "common/net/client.h"

#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/net/tls_keeper.h"

namespace flare {

namespace {

constexpr std::size_t read_step_bytes = 16 * 1024;

bool parse_bind_address(const std::string& text, asio::ip::address& address) {
  error_code error;
  address = asio::ip::make_address(text, error);
  return !error;
}

}  // namespace

PeerClient::PeerClient(IoExecutor executor) : socket_(executor), deadline_(executor, [this] { close(); }) {}

PeerClient::PeerClient(StreamSocket socket, std::string unread)
    : socket_(std::move(socket)), deadline_(socket_.get_executor(), [this] { close(); }), buffer_(std::move(unread)) {}

error_code PeerClient::failure(error_code error) {
  deadline_.disarm();
  close();
  return deadline_.missed() ? error_code{asio::error::timed_out} : error;
}

IoTask<Result<void>> PeerClient::connect(std::string server_name, int port, std::string bind_address,
                                         Duration deadline) {
  close();
  buffer_.clear();
  begin_ = 0;
  const auto until = std::chrono::steady_clock::now() + deadline;
  const auto endpoints = co_await resolve(std::move(server_name), port, deadline);
  if (!endpoints) co_return endpoints.error();

  deadline_.arm(until - std::chrono::steady_clock::now());
  error_code error = asio::error::host_not_found;
  for (const auto& endpoint : *endpoints) {
    const auto connected = co_await connect_one(endpoint, bind_address);
    if (connected) {
      deadline_.disarm();
      co_return Result<void>{};
    }
    error = connected.error();
    if (deadline_.missed() || error == asio::error::operation_aborted) break;
  }
  co_return failure(error);
}

// getaddrinfo cannot be broken off: its answer comes into a state that outlives the wait for it.
IoTask<Result<std::vector<PeerClient::Tcp::endpoint>>> PeerClient::resolve(std::string server_name, int port,
                                                                           Duration deadline) {
  error_code error;
  // A numeric name needs no resolver, and so no thread of it.
  if (const auto address = asio::ip::make_address(server_name, error); !error) {
    co_return std::vector<Tcp::endpoint>{Tcp::endpoint{address, static_cast<std::uint16_t>(port)}};
  }
  struct Answer {
    Answer(IoExecutor executor, Duration after) : resolver(executor), waiting(executor, after) {}
    asio::ip::basic_resolver<Tcp, IoExecutor> resolver;
    Timer waiting;
    std::optional<error_code> error;
    std::vector<Tcp::endpoint> endpoints;
  };
  const auto answer = std::make_shared<Answer>(socket_.get_executor(), deadline);
  resolving_ = {answer, &answer->waiting};
  answer->resolver.async_resolve(server_name, std::to_string(port), Tcp::resolver::numeric_service,
                                 [answer](const error_code& failed, const auto& found) {
                                   answer->error = failed;
                                   for (const auto& entry : found) answer->endpoints.push_back(entry.endpoint());
                                   answer->waiting.cancel();
                                 });
  const auto [closed] = co_await answer->waiting.async_wait(use_task);
  resolving_.reset();
  if (!answer->error)
    co_return closed ? error_code{asio::error::operation_aborted} : error_code{asio::error::timed_out};
  if (*answer->error) co_return *answer->error;
  co_return std::move(answer->endpoints);
}

IoTask<Result<void>> PeerClient::connect_one(Tcp::endpoint endpoint, std::string bind_address) {
  error_code error;
  socket_.close(error);
  socket_.open(asio::generic::stream_protocol{endpoint.protocol()}, error);
  if (error) co_return error;
  asio::ip::address from;
  if (!bind_address.empty() && parse_bind_address(bind_address, from) && from.is_v4() == endpoint.address().is_v4()) {
    socket_.bind(asio::generic::stream_protocol::endpoint{Tcp::endpoint{from, 0}}, error);
    if (error) co_return error;
  }
  const auto [failed] = co_await socket_.async_connect(asio::generic::stream_protocol::endpoint{endpoint}, use_task);
  if (failed) co_return failed;
  if (!socket_.is_open()) co_return error_code{asio::error::operation_aborted};  // closed as it was about to succeed
  socket_.set_option(Tcp::no_delay{true}, error);
  socket_.set_option(asio::socket_base::keep_alive{true}, error);
  auto tls = tls_to_daemons(socket_.get_executor());
  if (!tls) co_return Result<void>{};
  socket_.start_tls(std::move(tls), TlsConnection::Side::client);
  const auto [not_made] = co_await socket_.async_handshake(use_task);
  if (not_made) co_return not_made;
  if (!socket_.is_open()) co_return error_code{asio::error::operation_aborted};
  co_return Result<void>{};
}

IoTask<Result<void>> PeerClient::write(std::string_view bytes, Duration deadline) {
  deadline_.arm(deadline);
  const auto [error, written] = co_await asio::async_write(socket_, asio::buffer(bytes), use_task);
  if (error) co_return failure(error);
  deadline_.disarm();
  co_return Result<void>{};
}

IoTask<Result<void>> PeerClient::fill(Duration deadline) {
  deadline_.arm(deadline);
  buffer_.erase(0, begin_);
  begin_ = 0;
  const auto old_size = buffer_.size();
  buffer_.resize(old_size + read_step_bytes);
  const auto [error, n] =
      co_await socket_.async_read_some(asio::buffer(buffer_.data() + old_size, read_step_bytes), use_task);
  buffer_.resize(old_size + n);
  if (error) co_return failure(error);
  deadline_.disarm();
  co_return Result<void>{};
}

IoTask<Result<std::string_view>> PeerClient::read_line(Duration deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::size_t searched = 0;
  for (;;) {
    const auto unread = std::string_view{buffer_}.substr(begin_);
    if (const auto end = unread.find('\n', searched); end != std::string_view::npos) {
      begin_ += end + 1;
      auto line = unread.substr(0, end);
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
      co_return line;
    }
    searched = unread.size();
    if (searched > limits::line_bytes_max) {
      close();
      co_return error_code{asio::error::message_size};
    }
    const auto filled = co_await fill(until - std::chrono::steady_clock::now());
    if (!filled) co_return filled.error();
  }
}

IoTask<Result<std::string_view>> PeerClient::read_bytes(std::size_t size, Duration deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (buffer_.size() - begin_ < size) {
    const auto filled = co_await fill(until - std::chrono::steady_clock::now());
    if (!filled) co_return filled.error();
  }
  const auto bytes = std::string_view{buffer_}.substr(begin_, size);
  begin_ += size;
  co_return bytes;
}

bool PeerClient::closed_by_peer() {
  if (!socket_.is_open()) return true;
  if (begin_ < buffer_.size()) return false;
  char byte = 0;
  error_code error;
  socket_.non_blocking(true, error);
  const auto n = socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
  if (error == asio::error::would_block || error == asio::error::try_again) return false;
  return error || n == 0;
}

void PeerClient::close() {
  error_code ignored;
  socket_.close(ignored);
  if (resolving_) resolving_->cancel();
}

std::string PeerClient::take_unread() {
  auto unread = buffer_.substr(begin_);
  buffer_.clear();
  begin_ = 0;
  return unread;
}

}  // namespace flare
