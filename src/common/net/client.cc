#include "common/net/client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace flare {

namespace {

constexpr std::size_t read_step_bytes = 16 * 1024;

bool parse_bind_address(const std::string& text, asio::ip::address& address) {
  error_code error;
  address = asio::ip::make_address(text, error);
  return !error;
}

using Tcp = asio::ip::tcp;
using Endpoints = std::vector<Tcp::endpoint>;

// The system's resolver cannot be interrupted: past the deadline its answer finds nobody waiting.
IoTask<Result<Endpoints>> resolve(IoExecutor executor, std::string server_name, int port,
                                  PeerClient::Duration deadline) {
  struct Resolution {
    asio::ip::basic_resolver<Tcp, IoExecutor> resolver;
    Timer answered;
    std::optional<Result<Endpoints>> result;
  };
  auto resolution = std::make_shared<Resolution>(
      Resolution{asio::ip::basic_resolver<Tcp, IoExecutor>{executor}, Timer{executor, deadline}, std::nullopt});
  auto store = [resolution](const error_code& error, const auto& entries) {
    if (error) {
      resolution->result.emplace(error);
    } else {
      Endpoints endpoints;
      for (const auto& entry : entries) endpoints.push_back(entry.endpoint());
      resolution->result.emplace(std::move(endpoints));
    }
    resolution->answered.cancel();
  };
  resolution->resolver.async_resolve(server_name, std::to_string(port), Tcp::resolver::numeric_service,
                                     std::move(store));
  co_await resolution->answered.async_wait(use_task);
  if (!resolution->result) co_return error_code{asio::error::timed_out};
  co_return std::move(*resolution->result);
}

}  // namespace

// Closes the connection when the deadline passes before the guard is gone.
class PeerClient::DeadlineGuard {
 public:
  DeadlineGuard(PeerClient& client, Duration deadline) : client_(client) {
    client_.deadline_missed_ = false;
    const auto round = ++*client_.timer_round_;
    client_.timer_.expires_after(deadline);
    // The round outlives the client: a handler may be queued already when the client goes.
    client_.timer_.async_wait([&client, current = client_.timer_round_, round](const error_code& error) {
      if (error || round != *current) return;
      client.deadline_missed_ = true;
      client.close();
    });
  }
  ~DeadlineGuard() {
    ++*client_.timer_round_;
    client_.timer_.cancel();
  }
  DeadlineGuard(const DeadlineGuard&) = delete;
  DeadlineGuard& operator=(const DeadlineGuard&) = delete;

  error_code failure(error_code error) const {
    client_.close();
    return client_.deadline_missed_ ? error_code{asio::error::timed_out} : error;
  }

 private:
  PeerClient& client_;
};

PeerClient::PeerClient(IoExecutor executor) : socket_(executor), timer_(executor) {}

PeerClient::PeerClient(StreamSocket socket, std::string unread)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), buffer_(std::move(unread)) {}

IoTask<Result<void>> PeerClient::connect(std::string server_name, int port, std::string bind_address,
                                         Duration deadline) {
  close();
  buffer_.clear();
  begin_ = 0;
  DeadlineGuard guard{*this, deadline};

  error_code error;
  Endpoints endpoints;
  // A numeric name needs no resolver, and so no thread of it.
  if (const auto address = asio::ip::make_address(server_name, error); !error) {
    endpoints.emplace_back(address, static_cast<std::uint16_t>(port));
  } else {
    const auto found = co_await resolve(socket_.get_executor(), server_name, port, deadline);
    if (!found) co_return guard.failure(found.error());
    endpoints = *found;
  }

  error = asio::error::host_not_found;
  for (const auto& endpoint : endpoints) {
    if (deadline_missed_) break;
    error_code ignored;
    socket_.close(ignored);
    socket_.open(asio::generic::stream_protocol{endpoint.protocol()}, error);
    if (error) continue;
    asio::ip::address from;
    if (!bind_address.empty() && parse_bind_address(bind_address, from) && from.is_v4() == endpoint.address().is_v4()) {
      socket_.bind(asio::generic::stream_protocol::endpoint{Tcp::endpoint{from, 0}}, error);
      if (error) continue;
    }
    const auto [failed] = co_await socket_.async_connect(asio::generic::stream_protocol::endpoint{endpoint}, use_task);
    error = failed;
    if (!error) {
      socket_.set_option(Tcp::no_delay{true}, ignored);
      socket_.set_option(asio::socket_base::keep_alive{true}, ignored);
      co_return Result<void>{};
    }
  }
  co_return guard.failure(error);
}

IoTask<Result<void>> PeerClient::write(std::string_view bytes, Duration deadline) {
  DeadlineGuard guard{*this, deadline};
  const auto [error, written] = co_await asio::async_write(socket_, asio::buffer(bytes), use_task);
  if (error) co_return guard.failure(error);
  co_return Result<void>{};
}

IoTask<Result<void>> PeerClient::fill(Duration deadline) {
  DeadlineGuard guard{*this, deadline};
  buffer_.erase(0, begin_);
  begin_ = 0;
  const auto old_size = buffer_.size();
  buffer_.resize(old_size + read_step_bytes);
  const auto [error, n] =
      co_await socket_.async_read_some(asio::buffer(buffer_.data() + old_size, read_step_bytes), use_task);
  buffer_.resize(old_size + n);
  if (error) co_return guard.failure(error);
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
}

}  // namespace flare
