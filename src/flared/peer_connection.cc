// A link's connection: one is made when something is to be sent, and bytes go and come in order (docs/design.md 2).
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/reply_writer.h"
#include "flared/peer_link.h"

namespace flare {

namespace {

constexpr std::string_view master_is_original =
    "SERVER_ERROR not done: the master of this key is an original flared, which has no command for it\r\n";
constexpr std::size_t kept_bytes_max = 256 * 1024;  // of a buffer that one large value has made grow
constexpr std::size_t write_bytes = 1024 * 1024;    // at once: what is behind can still wait for another node
// A node that says nothing for so long gets no more: what it has is in doubt, what it has not can wait.
constexpr std::chrono::seconds stalled_after{1};

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

}  // namespace

void PeerLink::connect() {
  phase_ = Phase::connecting;
  asio::co_spawn(setup_.executor, run(), [self = shared_from_this()](std::exception_ptr) {});
}

bool PeerLink::stalled(TimePoint time) const { return queue_.awaits_answer() && time - progress_ > stalled_after; }

void PeerLink::flush() {
  if (queue_.all_sent()) return;
  const auto time = now();
  while (phase_ == Phase::connected && socket_.is_open() && !writing_ && !queue_.all_sent() && !stalled(time)) {
    while (!queue_.all_sent() && sending_.size() < write_bytes) append_next(time);
    send();
  }
}

void PeerLink::append_next(TimePoint time) {
  auto& next = queue_.next_unsent();
  const bool old = time - next.taken > stalled_after;
  if (old && next.asked_by_nobody()) {
    next.fail(reply::proxy_failure);
    return queue_.drop_next_unsent();
  }
  const auto bytes = next.bytes();
  // With a name before it a slave of another cluster would keep a write for itself (docs/spec/cluster.md 5.2).
  const bool nameless = setup_.to_other_cluster && kind_ == PeerKind::original;
  if (!next.append_to(sending_, nameless ? std::string_view{} : setup_.own_name, kind_)) {
    next.fail(master_is_original);
    return queue_.drop_next_unsent();
  }
  if (!queue_.awaits_answer()) progress_ = time;
  const auto deadline = time + setup_.answer_deadline;
  queue_.next_is_sent(deadline, bytes);
  watch(deadline);
}

// At once: a node that has to read first is the exception.
void PeerLink::send() {
  while (sent_bytes_ < sending_.size()) {
    error_code error;
    const auto n = socket_.send(asio::buffer(sending_.view().substr(sent_bytes_)), 0, error);
    if (error == asio::error::would_block || error == asio::error::try_again) return wait_to_send();
    if (error) return close_socket();  // run() notices and fails what was sent
    sent_bytes_ += n;
  }
  sending_.clear_and_shrink(2 * write_bytes);
  sent_bytes_ = 0;
}

void PeerLink::wait_to_send() {
  writing_ = true;
  socket_.async_wait(StreamSocket::wait_write, [self = shared_from_this()](const error_code& error) {
    self->writing_ = false;
    if (error) return;  // closed
    self->send();
    if (!self->writing_) self->flush();
  });
}

void PeerLink::close_socket() {
  error_code ignored;
  socket_.close(ignored);
  sending_.clear();
  sent_bytes_ = 0;
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
  error_code ignored;
  socket_.non_blocking(true, ignored);
  phase_ = Phase::connected;
  input_.emplace();
  bytes_needed_ = 0;
  flush();
  for (;;) {
    char* const room = input_->room(bytes_needed_);
    const auto [error, n] = co_await socket_.async_read_some(asio::buffer(room, input_->room_bytes()), use_task);
    input_->received(n);
    if (error || !take_answers()) break;
    flush();
  }
  input_.reset();
  close_socket();
  if (phase_ != Phase::closed) connection_lost();
}

bool PeerLink::take_answers() {
  bool answered = false;
  while (!input_->unread().empty()) {
    if (!queue_.awaits_answer()) return false;  // an answer that nobody asked for: this connection has lost step
    const auto answer = scan_answer();
    if (answer.kind == AnswerScan::Kind::broken) return false;
    bytes_needed_ = answer.bytes_needed;
    if (answer.kind == AnswerScan::Kind::need_more) break;
    reading_ = false;
    queue_.oldest_sent().deliver(input_->unread().substr(0, answer.size), reader_.values());
    queue_.answered();
    input_->consume(answer.size);
    answered = true;
  }
  if (answered) progress_ = now();
  if (input_->unread().empty() && input_->capacity() > kept_bytes_max) input_.emplace();
  return true;
}

AnswerScan PeerLink::scan_answer() {
  if (!std::exchange(reading_, true)) reader_.begin(queue_.oldest_sent().shape);
  return reader_.scan(input_->unread());
}

// Only reads are sent again, once. All that is not sent waits for the next connection, or for another node.
void PeerLink::connection_lost() {
  phase_ = Phase::unconnected;
  reading_ = false;
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
