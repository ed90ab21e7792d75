#include "common/net/handshakes.h"

#include <fmt/format.h>

#include "common/net/tls_error.h"

namespace flare {
namespace {

void close(StreamSocket& socket) {
  error_code ignored;
  socket.close(ignored);
}

}  // namespace

IoTask<Handshakes::Outcome> Handshakes::make(StreamSocket& socket) {
  const auto work = works_.insert(works_.end(), Work{socket});
  if (works_.size() > most_) give_way();
  Deadline deadline{executor_, [&socket] { close(socket); }};
  deadline.arm(patience_);
  error_code error;
  while (socket.handshaking()) {
    const auto [not_ready] = co_await socket.async_wait(StreamSocket::wait_read, use_task);
    error = not_ready;
    if (error || !socket.is_open()) break;
    co_await async_turn(use_task);
    if (!socket.is_open()) break;
    socket.handshake(error);
    if (error && !would_block(error)) break;
  }
  Outcome outcome;
  if (socket.is_open() && !socket.handshaking()) outcome.end = End::made;
  if (is_tls_failure(error)) outcome = {End::failed, error.message()};
  if (deadline.missed()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_).count();
    outcome = {End::failed, fmt::format("it made no handshake within {} s", seconds)};
  }
  if (work->displaced) outcome = {End::failed, "too many others have begun a handshake"};
  works_.erase(work);
  co_return outcome;
}

void Handshakes::give_way() {
  for (auto& work : works_) {
    if (work.displaced) continue;
    work.displaced = true;
    return close(work.socket);
  }
}

// Posted anew each time: what became ready meanwhile is in the queue before it.
void Handshakes::next_turn() {
  asio::post(executor_, [this] {
    const auto turn = std::move(turns_.front());
    turns_.pop_front();
    turn();
    if (!turns_.empty()) next_turn();
  });
}

}  // namespace flare
