// A link's connection: one is made when something is to be sent, and bytes go and come in order (docs/design.md 2).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/reply_writer.h"
#include "flared/peer_link.h"

namespace flare {

namespace {

constexpr std::string_view master_is_original =
    "SERVER_ERROR not done: the master of this key is an original flared, which has no command for it\r\n";
constexpr std::size_t read_step_bytes = 64 * 1024;
constexpr std::size_t write_bytes = 1024 * 1024;  // at once: what is behind can still wait for another node
// A node that says nothing for so long gets no more: what it has is in doubt, what it has not can wait.
constexpr std::chrono::seconds stalled_after{1};

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

}  // namespace

void PeerLink::connect() {
  phase_ = Phase::connecting;
  asio::co_spawn(setup_.executor, run(), [self = shared_from_this()](std::exception_ptr) {});
}

bool PeerLink::stalled() const { return queue_.awaits_answer() && now() - progress_ > stalled_after; }

void PeerLink::flush() {
  if (phase_ != Phase::connected || writing_ || stalled()) return;
  while (!queue_.all_sent() && sending_.size() < write_bytes) append_next();
  if (sending_.size() == 0) return;
  writing_ = true;
  asio::async_write(socket_, asio::buffer(sending_.view()),
                    [self = shared_from_this()](const error_code& error, std::size_t) { self->written(error); });
}

void PeerLink::append_next() {
  auto& next = queue_.next_unsent();
  const auto time = now();
  const bool old = time - next.taken > stalled_after;
  if (old && next.asked_by_nobody()) {
    next.fail(reply::proxy_failure);
    return queue_.drop_next_unsent();
  }
  const auto bytes = next.bytes();
  if (!next.append_to(sending_, setup_.own_name, kind_)) {
    next.fail(master_is_original);
    return queue_.drop_next_unsent();
  }
  if (!queue_.awaits_answer()) progress_ = time;
  const auto deadline = time + setup_.answer_deadline;
  queue_.next_is_sent(deadline, bytes);
  watch(deadline);
}

void PeerLink::written(const error_code& error) {
  writing_ = false;
  sending_.clear();
  if (error) return close_socket();  // run() notices and fails what was sent
  flush();
}

void PeerLink::close_socket() {
  error_code ignored;
  socket_.close(ignored);
}

// docs/design.md 5: a request goes only to a node of this cluster, however its address came into the map.
IoTask<bool> PeerLink::greet(PeerClient& client) {
  if (!setup_.introduce) co_return true;
  auto own = setup_.introduce();
  NodeKey expected{setup_.server_name, setup_.port};
  const auto text = expected.text;
  const auto greeted = co_await greet_peer(client, std::move(own), std::move(expected), limits::connect_deadline);
  kind_ = greeted ? greeted->kind : PeerKind::unknown;
  const bool foreign = !greeted && greeted.error().foreign;
  if (foreign && !foreign_said_ && setup_.log)
    setup_.log->warning("no request is sent to {}: {}", text, greeted.error().text);
  foreign_said_ = foreign;
  co_return greeted.has_value();
}

IoTask<> PeerLink::run() {
  const auto self = shared_from_this();
  PeerClient client{setup_.executor};
  const auto connected =
      co_await client.connect(setup_.server_name, setup_.port, setup_.bind_address, limits::connect_deadline);
  if (phase_ == Phase::closed) co_return;
  const bool greeted = connected && co_await greet(client);
  if (phase_ == Phase::closed) co_return;
  if (!greeted) {
    phase_ = Phase::unconnected;
    unreachable();
    co_return;
  }
  socket_ = client.release();
  phase_ = Phase::connected;
  input_.clear();
  flush();
  for (;;) {
    const auto old_size = input_.size();
    input_.resize(old_size + read_step_bytes);
    const auto [error, n] =
        co_await socket_.async_read_some(asio::buffer(input_.data() + old_size, read_step_bytes), use_task);
    input_.resize(old_size + n);
    if (error || !take_answers()) break;
    flush();
  }
  close_socket();
  if (phase_ != Phase::closed) connection_lost();
}

bool PeerLink::take_answers() {
  std::size_t done = 0;
  bool whole = true;
  while (whole) {
    const auto unread = std::string_view{input_}.substr(done);
    if (unread.empty()) break;
    if (!queue_.awaits_answer()) return false;  // an answer that nobody asked for: this connection has lost step
    if (!reader_) reader_.emplace(queue_.oldest_sent().shape, setup_.value_bytes_max);
    const auto answer = reader_->scan(unread);
    switch (answer.kind) {
      case AnswerScan::Kind::broken:
        return false;
      case AnswerScan::Kind::need_more:
        whole = false;
        break;
      case AnswerScan::Kind::complete:
        reader_.reset();
        queue_.oldest_sent().deliver(unread.substr(0, answer.size));
        queue_.answered();
        progress_ = now();
        done += answer.size;
        break;
    }
  }
  input_.erase(0, done);
  return true;
}

// Only reads are sent again, once. All that is not sent waits for the next connection, or for another node.
void PeerLink::connection_lost() {
  phase_ = Phase::unconnected;
  reader_.reset();
  std::vector<OutgoingPointer> again;
  std::vector<OutgoingPointer> elsewhere;
  const auto time = now();
  for (auto& request : queue_.remove_sent()) {
    const bool in_time = request->deadline > time;
    if (request->may_repeat() && in_time && request->tries++ == 0) {
      again.push_back(std::move(request));
    } else if (request->is_read && in_time && !request->waits && request->tries == 2 && setup_.give_back) {
      elsewhere.push_back(std::move(request));
    } else {
      queue_.fail(std::move(request), reply::proxy_error);
    }
  }
  queue_.put_back(std::move(again));
  if (!queue_.empty()) {
    watch(queue_.next_deadline());
    connect();
  }
  give_back(std::move(elsewhere));
}

}  // namespace flare
