#include "flared/peer_link.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/forward_item.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"

namespace flare {

namespace {

constexpr std::string_view master_is_original =
    "SERVER_ERROR not done: the master of this key is an original flared, which has no command for it\r\n";
constexpr std::chrono::milliseconds reconnect_pause{200};
constexpr std::size_t read_step_bytes = 64 * 1024;
constexpr std::size_t spare_max = 256;

// The first VALUE line of a complete answer with its data; empty where none stands.
std::string_view first_value(std::string_view answer) {
  const auto end = answer.find("\r\n");
  if (end == std::string_view::npos) return {};
  const auto line = parse_value_line(answer.substr(0, end));
  return line ? answer.substr(0, end + 2 + line->data_bytes + 2) : std::string_view{};
}

// Of a get, gat or gats: no value is left out for an error. Behind data stands a line end, so the last line is a line.
bool is_whole(std::string_view answer) {
  return answer == reply::end || answer == reply::not_found || answer.ends_with("\r\nEND\r\n");
}

// The other node has the key and cannot read it (daemons.md 3.5): such an answer is told as it is, unlike that of a
// node that has no answer (cluster.md 9.11), for no client may take it for a miss.
bool tells_damage(std::string_view answer) {
  return answer == reply::io_error || (answer.ends_with(reply::io_error) && answer.starts_with("VALUE ") &&
                                       answer.substr(0, answer.size() - reply::io_error.size()).ends_with("\r\n"));
}

void fail_key(const AnswerPlace& place, std::string_view answer) {
  tells_damage(answer) ? place.fail_damaged(reply::io_error) : place.fail_read(reply::proxy_error);
}

std::string_view key_of(std::string_view value) {
  Words words{value.substr(0, value.find("\r\n"))};
  words.next();
  return words.next();
}

}  // namespace

PeerLink::PeerLink(Setup setup)
    : setup_(std::move(setup)), socket_(setup_.executor), deadline_timer_(setup_.executor) {}

bool PeerLink::takes_more(std::size_t bytes) {
  if (phase_ == Phase::closed) return false;
  if (pending_.size() >= limits::peer_pending_max) return false;
  const auto waiting = queued_.size() + unsent_bytes_;
  if (waiting + bytes > limits::peer_pending_bytes_max && waiting > 0) return false;
  return phase_ != Phase::unconnected || std::chrono::steady_clock::now() >= retry_after_;
}

PeerLink::Pending& PeerLink::add_pending() {
  if (spare_.empty()) {
    pending_.emplace_back();
  } else {
    pending_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  auto& pending = pending_.back();
  pending.tries = 0;
  pending.deadline = std::chrono::steady_clock::now() + setup_.answer_deadline;
  return pending;
}

bool PeerLink::forward(const Request& request, std::int64_t now_s, AnswerPlace place) {
  return forward_as(request, now_s, std::move(place), request.noreply ? Shown::nothing : Shown::all);
}

bool PeerLink::forward_value(const Request& request, std::int64_t now_s, AnswerPlace place) {
  return forward_as(request, now_s, std::move(place), Shown::value);
}

bool PeerLink::forward_as(const Request& request, std::int64_t now_s, AnswerPlace place, Shown shown) {
  if (!takes_more(request.data.size())) return false;
  end_read();
  auto& pending = add_pending();
  pending.is_read = false;
  pending.shown = shown;
  pending.shape = answer_shape(request);
  pending.places.push_back(std::move(place));
  append_forwarded_write(queued_, request, setup_.own_name, now_s);
  queued();
  return true;
}

bool PeerLink::forward_item(std::shared_ptr<ForwardedItem> item, std::int64_t now_s, AnswerPlace place) {
  const auto data_bytes = item->request().data.size();
  if (!takes_more(data_bytes)) return false;
  end_read();
  auto& pending = add_pending();
  pending.is_read = false;
  pending.shown = Shown::all;  // the form knows what a quiet request is not told
  place.form = item;
  pending.places.push_back(std::move(place));
  pending.unsent = std::move(item);
  pending.queued_at = queued_.size();
  ++unsent_count_;
  unsent_bytes_ += data_bytes;
  now_s_ = now_s;
  if (phase_ == Phase::connected && !append_item(queued_, pending)) {
    fail(pending, master_is_original);
    pending_.pop_back();
    return true;
  }
  queued();
  return true;
}

// False: an original has no words for it.
bool PeerLink::append_item(OutputBuffer& out, Pending& pending) {
  const auto item = std::move(pending.unsent);
  pending.unsent.reset();
  --unsent_count_;
  unsent_bytes_ -= item->request().data.size();
  if (kind_ != PeerKind::original) {
    pending.shape = AnswerShape::item;
    append_forwarded_item(out, item->request(), item->prefix(), setup_.own_name, now_s_);
    item->sent_as(ForwardedItem::Wire::meta);
    return true;
  }
  auto classic = classic_form(item->request());
  if (!classic) return false;
  classic->prefix = item->prefix();
  pending.shape = answer_shape(*classic);
  if (classic->command == Command::gets) {
    append_forwarded_read(out, true, std::span{&classic->key, 1});
  } else {
    append_forwarded_write(out, *classic, setup_.own_name, now_s_);
  }
  item->sent_as(ForwardedItem::Wire::classic);
  return true;
}

// The others were queued in their words at once: each item goes to its place between them.
void PeerLink::append_unsent() {
  if (unsent_count_ == 0) return;
  OutputBuffer whole;
  std::size_t done = 0;
  for (auto pending = pending_.begin(); unsent_count_ > 0;) {
    assert(pending != pending_.end());
    if (!pending->unsent) {
      ++pending;
      continue;
    }
    whole.append(queued_.view().substr(done, pending->queued_at - done));
    done = pending->queued_at;
    if (append_item(whole, *pending)) {
      ++pending;
    } else {
      fail(*pending, master_is_original);
      pending = pending_.erase(pending);
    }
  }
  whole.append(queued_.view().substr(done));
  queued_ = std::move(whole);
}

bool PeerLink::read(std::string_view key, bool with_version, AnswerPlace place) {
  if (gathering_ && pending_.back().with_version != with_version) end_read();
  if (!gathering_) {
    if (!takes_more(key.size())) return false;
    auto& pending = add_pending();
    pending.is_read = true;
    pending.shown = Shown::all;
    pending.with_version = with_version;
    pending.shape = AnswerShape::values_until_end;
    gathering_ = true;
  }
  auto& pending = pending_.back();
  pending.keys += ' ';
  pending.keys += key;
  pending.places.push_back(std::move(place));
  if (pending.keys.size() > limits::line_bytes_max / 2) end_read();
  return true;
}

void PeerLink::append_read(const Pending& pending) {
  queued_.append(pending.with_version ? "gets" : "get");
  queued_.append(pending.keys);
  queued_.append("\r\n");
}

void PeerLink::end_read() {
  if (!std::exchange(gathering_, false)) return;
  append_read(pending_.back());
  queued();
}

void PeerLink::queued() {
  if (phase_ == Phase::unconnected) {
    phase_ = Phase::connecting;
    asio::co_spawn(setup_.executor, run(), [self = shared_from_this()](std::exception_ptr) {});
  }
  if (!watching_) watch_deadline();
  if (std::exchange(flush_posted_, true)) return;
  // After the turns of all sessions that are ready now: their requests share one write.
  asio::post(setup_.executor, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void PeerLink::flush() {
  if (phase_ != Phase::connected || writing_ || queued_.size() == 0) return;
  std::swap(queued_, sending_);
  queued_.clear();
  sent_ = pending_.size() - (gathering_ ? 1 : 0);
  writing_ = true;
  asio::async_write(socket_, asio::buffer(sending_.view()),
                    [self = shared_from_this()](const error_code& error, std::size_t) { self->written(error); });
}

void PeerLink::written(const error_code& error) {
  writing_ = false;
  sending_.clear();
  if (error) {
    error_code ignored;
    socket_.close(ignored);  // run() notices and fails what was outstanding
    return;
  }
  flush();
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
    retry_after_ = std::chrono::steady_clock::now() + reconnect_pause;
    connection_lost();
    co_return;
  }
  socket_ = client.release();
  phase_ = Phase::connected;
  input_.clear();
  append_unsent();
  flush();
  for (;;) {
    const auto old_size = input_.size();
    input_.resize(old_size + read_step_bytes);
    const auto [error, n] =
        co_await socket_.async_read_some(asio::buffer(input_.data() + old_size, read_step_bytes), use_task);
    input_.resize(old_size + n);
    if (error || !take_answers()) break;
  }
  error_code ignored;
  socket_.close(ignored);
  if (phase_ != Phase::closed) connection_lost();
}

bool PeerLink::take_answers() {
  std::size_t done = 0;
  bool whole = true;
  while (whole) {
    const auto unread = std::string_view{input_}.substr(done);
    if (unread.empty()) break;
    if (sent_ == 0) return false;  // an answer that nobody asked for: this connection has lost step
    if (!reader_) reader_.emplace(pending_.front().shape, setup_.value_bytes_max);
    const auto answer = reader_->scan(unread);
    switch (answer.kind) {
      case AnswerScan::Kind::broken:
        return false;
      case AnswerScan::Kind::need_more:
        whole = false;
        break;
      case AnswerScan::Kind::complete:
        reader_.reset();
        deliver(pending_.front(), unread.substr(0, answer.size));
        recycle_front();
        --sent_;
        done += answer.size;
        break;
    }
  }
  input_.erase(0, done);
  return true;
}

void PeerLink::deliver(Pending& pending, std::string_view answer) {
  if (pending.is_read) return deliver_read(pending, answer);
  const auto& place = pending.places.front();
  switch (pending.shown) {
    case Shown::all:
      return place.fill(answer);
    case Shown::value:  // of gats, whose END is for the client's last key only
      return deliver_value(place, answer);
    case Shown::nothing:
      return place.fill({});
  }
}

void PeerLink::deliver_value(const AnswerPlace& place, std::string_view answer) {
  const auto value = first_value(answer);
  if (value.empty() && !is_whole(answer)) return fail_key(place, answer);
  place.fill(value);
}

// The values come in the order of the keys; a key without one is a miss, or an error of the other side.
void PeerLink::deliver_read(const Pending& pending, std::string_view answer) {
  Words keys{pending.keys};
  const auto all = answer;
  const bool whole = is_whole(all);
  for (const auto& place : pending.places) {
    const auto key = keys.next();
    const auto value = first_value(answer);
    const bool hit = !value.empty() && key_of(value) == key;
    hit || whole ? place.fill(hit ? value : std::string_view{}) : fail_key(place, all);
    if (hit) answer.remove_prefix(value.size());
  }
}

void PeerLink::fail(Pending& pending, std::string_view answer) {
  for (const auto& place : pending.places) {
    switch (pending.shown) {
      case Shown::all:
        pending.is_read ? place.fail_read(answer) : place.fill(answer);
        break;
      case Shown::value:
        place.fail_read(answer);
        break;
      case Shown::nothing:
        place.fill({});
        break;
    }
  }
}

void PeerLink::recycle_front() {
  auto& front = pending_.front();
  if (front.unsent) {
    --unsent_count_;
    unsent_bytes_ -= front.unsent->request().data.size();
    front.unsent.reset();
  }
  front.places.clear();
  front.keys.clear();
  if (spare_.size() < spare_max) spare_.push_back(std::move(front));
  pending_.pop_front();
}

void PeerLink::connection_lost() {
  const bool was_connected = phase_ == Phase::connected;
  phase_ = Phase::unconnected;
  std::deque<Pending> again;
  const auto now = std::chrono::steady_clock::now();
  assert(!gathering_);  // a turn gathers without suspending
  for (std::size_t index = 0; !pending_.empty(); ++index) {
    auto& front = pending_.front();
    if (front.is_read && was_connected && front.tries == 0 && front.deadline > now) {
      front.tries = 1;
      again.push_back(std::move(front));
      pending_.pop_front();
      continue;
    }
    fail(front, index < sent_ ? reply::proxy_error : reply::proxy_failure);
    recycle_front();
  }
  sent_ = 0;
  reader_.reset();
  queued_.clear();
  pending_ = std::move(again);
  if (pending_.empty()) return;
  for (const auto& pending : pending_) append_read(pending);
  queued();
}

// One timer for the link: it wakes for the oldest request, however many follow.
void PeerLink::watch_deadline() {
  watching_ = true;
  deadline_timer_.expires_at(pending_.front().deadline);
  deadline_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    self->watching_ = false;
    if (error || self->pending_.empty()) return;
    if (self->pending_.front().deadline <= std::chrono::steady_clock::now()) {
      error_code ignored;
      self->socket_.close(ignored);
      if (self->phase_ == Phase::connected) return;  // run() fails them
    }
    self->watch_deadline();
  });
}

void PeerLink::close() {
  if (phase_ == Phase::closed) return;
  assert(!gathering_);
  phase_ = Phase::closed;
  error_code ignored;
  socket_.close(ignored);
  deadline_timer_.cancel();
  for (std::size_t index = 0; !pending_.empty(); ++index) {
    fail(pending_.front(), index < sent_ ? reply::proxy_error : reply::proxy_failure);
    recycle_front();
  }
  sent_ = 0;
}

}  // namespace flare
