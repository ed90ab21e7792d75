#include "flared/session.h"

#include <cstring>
#include <utility>

#include "common/base/limits.h"
#include "common/net/descriptor.h"
#include "common/net/tls_error.h"
#include "common/protocol/reply_writer.h"
#include "flared/door_tenants.h"
#include "flared/turn.h"
#include "flared/worker.h"

namespace flare {

namespace {

constexpr std::string_view out_of_memory =
    "SERVER_ERROR out of memory: the clients of this node hold all of max-connection-memory\r\n";

// The key that another node sees is not longer than others either.
ReaderLimits limits_for(ReaderLimits limits, const DoorTenant* tenant) {
  if (tenant) limits.key_bytes -= tenant->key_prefix.size();  // options.cc: it is shorter than a key
  return limits;
}

}  // namespace

Session::Session(Worker& worker, StreamSocket socket, std::string peer, std::int32_t id, Passage passage, Place place)
    : worker_(worker),
      socket_(std::move(socket)),
      passage_(passage),
      tenant_(worker.setup().tenant_of_door(passage.door)),
      reader_(limits_for(worker.setup().reader_limits, tenant_)),
      last_active_s_(worker.setup().clock.unix_s()),
      id_(id) {
  peer_.address = std::move(peer);
  peer_.place = place;
}

// The usual turn suspends once, to wait for the client, and enters no other coroutine: their frames would be allocated.
IoTask<> Session::serve() {
  const auto self = shared_from_this();
  bool more_input = false;
  if (socket_.handshaking()) co_await shake_hands();
  while (open()) {
    if (!more_input) {
      if ((input_ || held_bytes_ > 0) && !hold(input_ ? input_->capacity() : 0)) {
        part_with(out_of_memory);
        break;
      }
      idle_ = true;
      const auto [failed] = co_await socket_.async_wait(StreamSocket::wait_read, use_task);
      idle_ = false;
      if (failed || !open()) break;
      const auto received = receive();
      if (received == Received::nothing) continue;
      if (received == Received::end) break;
    }
    Turn turn{worker_, reader_, *input_, {passage_, peer_, tenant_}};
    turn.run();
    operation_ = turn.last_operation();
    if (turn.awaited()) {
      if (!begin_wait(turn)) break;
      while (!turn.awaited()->complete()) co_await turn.awaited()->filled();
      if (!end_wait(turn)) break;
    }
    if (!send_now(turn.output().view()) && !co_await send(turn.output().view().substr(unsent_from_))) break;
    if (turn.after() != Turn::After::go_on && !co_await go_on_after(turn)) break;
    bytes_needed_ = turn.bytes_needed();
    if (input_ && input_->unread().empty()) input_.reset();
    more_input = input_ && turn.stopped_early();
  }
  input_.reset();
  let_go();
  if (parting_) worker_.partings().part(std::move(socket_));
  error_code ignored;
  socket_.close(ignored);
}

// Borrows one of the worker's buffers for what has arrived: one receive call for a turn.
Session::Received Session::receive() {
  if (!input_) input_ = worker_.inputs().borrow();
  if (!parked_.empty()) unpark();
  char* room = input_->room(bytes_needed_);
  error_code error;
  const auto n = socket_.receive(asio::buffer(room, input_->room_bytes()), 0, error);
  worker_.counts().read_calls.add();
  if (would_block(error)) return Received::nothing;
  if (error || n == 0) return end_of_input(error);
  input_->received(n);
  worker_.counts().bytes_read.add(n);
  last_active_s_ = worker_.setup().clock.unix_s();
  return Received::bytes;
}

Session::Received Session::end_of_input(const error_code& error) const {
  if (is_tls_failure(error)) passage_.tell_tls_failed(peer_.address, error.message());
  return Received::end;
}

// It may be ended meanwhile as one that waits for a request. Not made: it is closed.
IoTask<> Session::shake_hands() {
  idle_ = true;
  const auto outcome = co_await worker_.handshakes().make(socket_);
  idle_ = false;
  last_active_s_ = worker_.setup().clock.unix_s();
  if (outcome.end == Handshakes::End::made) co_return passage_.tell_tls_made();
  if (outcome.end == Handshakes::End::failed) passage_.tell_tls_failed(peer_.address, outcome.why);
  ending_ = true;
}

// One send call; false when the client has not taken all: `send` goes on from `unsent_from_`.
bool Session::send_now(std::string_view bytes) {
  unsent_from_ = 0;
  if (bytes.empty()) return true;
  error_code error;
  const auto n = socket_.send(asio::buffer(bytes), 0, error);
  worker_.counts().write_calls.add();
  if (error) return false;
  worker_.counts().bytes_written.add(n);
  unsent_from_ = n;
  return n == bytes.size();
}

// Others give a part of the answers. False: there is no memory for this session's part.
bool Session::begin_wait(Turn& turn) {
  if (input_->unread().empty()) input_.reset();  // others may need it while this session waits
  if (!hold_unsent(turn.output().size())) {
    part_with(out_of_memory);
    return false;
  }
  turn.give_empty_output_back();
  turn.awaited()->watch_asker([this] { return !open() || has_hung_up(socket_.native_handle()); });
  return true;
}

bool Session::end_wait(Turn& turn) {
  auto& awaited = *turn.awaited();
  awaited.watch_asker(nullptr);
  last_active_s_ = worker_.setup().clock.unix_s();
  if (awaited.overflowed()) {
    worker_.setup().memory.count_refused();
    part_with(out_of_memory);
    return false;
  }
  if (awaited.lost()) return false;
  turn.take_awaited();
  return true;
}

IoTask<bool> Session::go_on_after(Turn& turn) {
  switch (turn.after()) {
    case Turn::After::go_on:
      co_return true;
    case Turn::After::close:
      co_return false;
    case Turn::After::part:
      parting_ = true;
      co_return false;
    case Turn::After::dump: {
      dumping_ = true;
      const bool go_on = co_await dump(turn);
      dumping_ = false;
      co_return go_on;
    }
    case Turn::After::stream:
      hand_over(turn);
      co_return false;
  }
  co_return false;
}

// A client that does not read is waited for here, for net-write-timeout without a byte taken; what it holds is counted.
IoTask<bool> Session::send(std::string_view bytes) {
  const auto whole = bytes.size();
  while (!bytes.empty()) {
    error_code error;
    const auto n = socket_.send(asio::buffer(bytes), 0, error);
    worker_.counts().write_calls.add();
    if (error && !would_block(error)) co_return false;
    if (!error) {
      bytes.remove_prefix(n);
      worker_.counts().bytes_written.add(n);
      last_active_s_ = worker_.setup().clock.unix_s();
      continue;
    }
    if (!hold_unsent(whole)) co_return false;
    writing_ = true;
    const auto [failed] = co_await socket_.async_wait(StreamSocket::wait_write, use_task);
    writing_ = false;
    if (failed) co_return false;
  }
  co_return true;
}

IoTask<bool> Session::dump(const Turn& turn) {
  const auto source = turn.dump();
  for (;;) {
    auto chunk = std::make_shared<Control::Dump::Chunk>();
    const auto arrived = std::make_shared<AwaitedAnswers>(worker_.executor());
    arrived->reserve(0);
    source->next([chunk, arrived, executor = worker_.executor()](Control::Dump::Chunk next) {
      asio::post(executor, [chunk, arrived, next = std::move(next)]() mutable {
        *chunk = std::move(next);
        arrived->fill(0, {});
      });
    });
    while (!arrived->complete()) co_await arrived->filled();
    if (!co_await send(chunk->bytes)) co_return false;
    if (chunk->last) co_return true;
    if (!open() || !passage_.allows(classes_for(Command::dump))) co_return false;
  }
}

void Session::hand_over(Turn& turn) {
  error_code error;
  auto loose = socket_.detach(error);
  if (error || loose.descriptor < 0) return;
  std::string unread{input_ ? input_->unread() : std::string_view{}};  // `answer` has given an empty buffer back
  worker_.setup().control.adopt_stream(std::move(loose), std::move(unread), turn.stream_words(), peer_.address);
}

bool Session::hold(std::size_t bytes) {
  if (bytes > held_bytes_ && !worker_.take_memory(*this, bytes - held_bytes_, bytes)) {
    worker_.setup().memory.count_refused();
    return false;
  }
  if (bytes < held_bytes_) worker_.give_memory(held_bytes_ - bytes);
  held_bytes_ = bytes;
  return true;
}

void Session::let_go() {
  if (held_bytes_ > 0) worker_.give_memory(held_bytes_);
  held_bytes_ = 0;
}

bool Session::hold_unsent(std::size_t bytes) { return hold(bytes + (input_ ? input_->capacity() : 0)); }

void Session::park() {
  if (!idle_ || !input_ || input_->unread().size() > limits::parked_bytes_max) return;
  parked_.assign(input_->unread());
  parked_.shrink_to_fit();
  input_.reset();
  hold(parked_.capacity());  // less than before: it cannot fail
}

void Session::unpark() {
  std::memcpy(input_->room(parked_.size()), parked_.data(), parked_.size());
  input_->received(parked_.size());
  parked_ = {};
}

// Of a session that waits for its client.
void Session::part_with(std::string_view last_words) {
  parting_ = send_now(last_words);
  input_.reset();
  parked_ = {};
  let_go();
}

void Session::refuse_memory() {
  worker_.setup().memory.count_refused();
  if (writing_) {  // in the middle of an answer there is nothing to be said
    let_go();
    return abort();
  }
  part_with(out_of_memory);
  end();
}

void Session::refuse_place() {
  if (idle_) part_with(reply::too_many_connections);
  end();
}

void Session::end() {
  ending_ = true;
  if (!idle_) return;
  if (socket_.handshaking()) return abort();  // it may wait for its turn
  socket_.cancel();
}

void Session::renew_passage(const Doors& doors, const UserTable* users) {
  if (!passage_.renew(doors, users)) end();
}

void Session::abort() {
  ending_ = true;
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace flare
