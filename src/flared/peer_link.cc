// What a link takes, and how long it waits there. The connection is in peer_connection.cc.
#include "flared/peer_link.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "common/base/limits.h"
#include "common/protocol/reply_writer.h"

namespace flare {

namespace {

constexpr std::chrono::milliseconds reconnect_pause{200};
constexpr int read_tries_max = 2;  // nodes that are asked for a key after the first has failed

std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }

}  // namespace

PeerLink::PeerLink(Setup setup)
    : setup_(std::move(setup)),
      socket_(setup_.executor),
      deadline_timer_(setup_.executor),
      retry_timer_(setup_.executor),
      queue_(setup_.limit),
      reader_(AnswerShape::line, setup_.value_bytes_max) {}

bool PeerLink::takes(std::size_t bytes, bool waits) const {
  if (phase_ == Phase::closed || stopping_ || !queue_.has_room(bytes)) return false;
  if (phase_ != Phase::unconnected || waits_for_itself()) return true;
  return now() >= retry_after_ || (waits && setup_.failover_wait.count() > 0);
}

OutgoingPointer PeerLink::make(bool waits) {
  auto request = queue_.make();
  request->waits = waits;
  request->taken = now();
  const auto patience = waits && setup_.failover_wait.count() > 0 ? setup_.failover_wait : setup_.answer_deadline;
  request->deadline = request->taken + patience;
  return request;
}

bool PeerLink::forward(const Request& request, std::int64_t now_s, AnswerPlace place) {
  using enum Outgoing::Shown;
  return forward_as(request, now_s, std::move(place), request.noreply ? nothing : all);
}

bool PeerLink::forward_value(const Request& request, std::int64_t now_s, AnswerPlace place) {
  return forward_as(request, now_s, std::move(place), Outgoing::Shown::value);
}

bool PeerLink::forward_as(const Request& request, std::int64_t now_s, AnswerPlace place, Outgoing::Shown shown) {
  if (!takes(request.data.size(), true)) return false;
  end_read();
  auto made = make(true);
  made->shown = shown;
  made->taken_s = now_s;
  made->write.assign(request);
  made->places.push_back(std::move(place));
  queue_.add(std::move(made));
  queued();
  return true;
}

bool PeerLink::forward_item(const Request& request, std::shared_ptr<ForwardedItem> item, std::int64_t now_s,
                            AnswerPlace place, bool waits) {
  if (!takes(item->request().data.size(), waits)) return false;
  end_read();
  auto made = make(waits);
  made->taken_s = now_s;
  place.form = item;  // it knows what a quiet request is not told
  made->write.assign(request, std::move(item));
  made->places.push_back(std::move(place));
  queue_.add(std::move(made));
  queued();
  return true;
}

bool PeerLink::read(std::string_view key, ReadKind kind, AnswerPlace place) {
  if (gathering_ && ReadKind{gathered_->with_version, gathered_->waits, gathered_->tries} != kind) end_read();
  if (!gathering_) {
    if (!takes(key.size(), kind.waits)) return false;
    auto made = make(kind.waits);
    made->is_read = true;
    made->with_version = kind.with_version;
    made->tries = kind.tries;
    gathered_ = &queue_.add(std::move(made));
    gathering_ = true;
  }
  gathered_->keys += ' ';
  gathered_->keys += key;
  queue_.grew(key.size() + 1);
  gathered_->places.push_back(std::move(place));
  if (gathered_->keys.size() > limits::line_bytes_max / 2) end_read();
  return true;
}

void PeerLink::end_read() {
  if (!std::exchange(gathering_, false)) return;
  gathered_ = nullptr;
  queued();
}

OutgoingPointer PeerLink::take(OutgoingPointer request) {
  if (!takes(request->bytes(), request->waits)) return request;
  end_read();
  queue_.add(std::move(request));
  queued();
  return nullptr;
}

void PeerLink::queued() {
  watch(queue_.newest_deadline());
  if (waits_for_itself()) return look_again_soon();
  if (phase_ == Phase::unconnected) now() >= retry_after_ ? connect() : look_again_soon();
  if (std::exchange(flush_posted_, true)) return;
  // After the turns of all sessions that are ready now: their requests share one write.
  asio::post(setup_.executor, [self = shared_from_this()] {
    self->flush_posted_ = false;
    self->flush();
  });
}

void PeerLink::give_back(std::vector<OutgoingPointer> requests) {
  if (requests.empty()) return;
  if (setup_.give_back && !stopping_) return setup_.give_back(std::move(requests));
  for (auto& request : requests) queue_.fail(std::move(request), reply::proxy_failure);
}

void PeerLink::fail_unsent(std::string_view answer) {
  for (auto& request : queue_.remove_all_unsent()) queue_.fail(std::move(request), answer);
}

// The node cannot be reached. Who only reads has other nodes to ask; who must have this one waits, if anybody does.
void PeerLink::unreachable() {
  retry_after_ = now() + reconnect_pause;
  const bool nobody_waits = setup_.failover_wait.count() == 0 || stopping_;
  std::vector<OutgoingPointer> reads;
  for (auto& request : queue_.remove_unsent([&](const auto& one) { return nobody_waits || !one.waits; })) {
    if (request->is_read && !request->waits && request->tries++ < read_tries_max) {
      reads.push_back(std::move(request));
    } else {
      queue_.fail(std::move(request), reply::proxy_failure);
    }
  }
  if (!queue_.empty()) look_again_soon();
  give_back(std::move(reads));
}

// One timer for the link: it wakes for the request that is due first, however many there are.
void PeerLink::watch(TimePoint deadline) {
  if (deadline >= watched_until_) return;
  watched_until_ = deadline;
  deadline_timer_.expires_at(deadline);
  deadline_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (error) return;  // or set anew
    self->watched_until_ = TimePoint::max();
    self->look_at_deadlines();
  });
}

void PeerLink::look_at_deadlines() {
  const auto time = now();
  for (auto& request : queue_.remove_unsent([&](const auto& one) { return one.deadline <= time; })) {
    queue_.fail(std::move(request), reply::proxy_failure);
  }
  if (queue_.awaits_answer() && queue_.oldest_sent().deadline <= time) {
    close_socket();  // run() fails what was sent
    if (phase_ == Phase::connected) return;
  }
  if (!queue_.empty()) watch(queue_.next_deadline());
}

// While requests wait: has the node come back, or their clients gone?
void PeerLink::look_again_soon() {
  if (std::exchange(retrying_, true)) return;
  retry_timer_.expires_after(reconnect_pause);
  retry_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    self->retrying_ = false;
    if (error || self->phase_ != Phase::unconnected) return;
    for (auto& request : self->queue_.remove_unsent([](const auto& one) { return one.asked_by_nobody(); })) {
      self->queue_.fail(std::move(request), reply::proxy_failure);
    }
    if (self->queue_.empty()) return;
    self->waits_for_itself() ? self->look_again_soon() : self->connect();
  });
}

void PeerLink::close() {
  if (phase_ == Phase::closed) return;
  assert(!gathering_);  // a turn gathers without suspending
  phase_ = Phase::closed;
  close_socket();
  deadline_timer_.cancel();
  retry_timer_.cancel();
  std::vector<OutgoingPointer> left;
  for (auto& request : queue_.remove_sent()) {
    if (request->may_repeat() && setup_.give_back && request->tries++ == 0) {
      left.push_back(std::move(request));
    } else {
      queue_.fail(std::move(request), reply::proxy_error);
    }
  }
  auto unsent = queue_.remove_all_unsent();
  left.insert(left.end(), std::make_move_iterator(unsent.begin()), std::make_move_iterator(unsent.end()));
  give_back(std::move(left));
}

void PeerLink::stop_waiting() {
  stopping_ = true;
  if (phase_ != Phase::connected) fail_unsent(reply::proxy_failure);
}

}  // namespace flare
