#include "flared/outgoing_queue.h"

#include <algorithm>

#include "common/base/limits.h"

namespace flare {

namespace {

constexpr std::size_t spare_max = 1024;  // 60 clients with 16 requests each; as many as have been on their way at once

}  // namespace

bool OutgoingQueue::has_room(std::size_t bytes) const {
  if (limit_ && limit_->full()) return false;
  if (sent_.size() + unsent_.size() >= limits::peer_pending_max) return false;
  return unsent_bytes_ == 0 || unsent_bytes_ + bytes <= limits::peer_pending_bytes_max;
}

OutgoingPointer OutgoingQueue::make() {
  if (spare_.empty()) return std::make_unique<Outgoing>();
  auto request = std::move(spare_.back());
  spare_.pop_back();
  return request;
}

Outgoing& OutgoingQueue::add(OutgoingPointer request) {
  count(1);
  unsent_bytes_ += request->bytes();
  unsent_.push_back(std::move(request));
  return *unsent_.back();
}

OutgoingPointer OutgoingQueue::take(OutgoingPointer& request) {
  count(-1);
  unsent_bytes_ -= request->bytes();
  return std::move(request);
}

// Its value is not needed any more and does not count.
void OutgoingQueue::next_is_sent(TimePoint deadline, std::size_t bytes_before) {
  unsent_bytes_ -= bytes_before;
  unsent_.front()->deadline = deadline;
  sent_.push_back(std::move(unsent_.front()));
  unsent_.pop_front();
}

void OutgoingQueue::answered() {
  count(-1);
  recycle(std::move(sent_.front()));
  sent_.pop_front();
}

void OutgoingQueue::drop_next_unsent() {
  recycle(take(unsent_.front()));
  unsent_.pop_front();
}

OutgoingQueue::TimePoint OutgoingQueue::next_deadline() const {
  auto first = sent_.empty() ? TimePoint::max() : sent_.front()->deadline;
  for (const auto& request : unsent_) first = std::min(first, request->deadline);
  return first;
}

std::vector<OutgoingPointer> OutgoingQueue::remove_sent() {
  std::vector<OutgoingPointer> removed{std::make_move_iterator(sent_.begin()), std::make_move_iterator(sent_.end())};
  count(-static_cast<std::int64_t>(removed.size()));
  sent_.clear();
  return removed;
}

void OutgoingQueue::put_back(std::vector<OutgoingPointer> reads) {
  count(static_cast<std::int64_t>(reads.size()));
  for (const auto& read : reads) unsent_bytes_ += read->bytes();
  unsent_.insert(unsent_.begin(), std::make_move_iterator(reads.begin()), std::make_move_iterator(reads.end()));
}

std::vector<OutgoingPointer> OutgoingQueue::remove_all_unsent() {
  return remove_unsent([](const Outgoing&) { return true; });
}

void OutgoingQueue::fail(OutgoingPointer request, std::string_view answer) {
  request->fail(answer);
  recycle(std::move(request));
}

void OutgoingQueue::recycle(OutgoingPointer request) {
  if (spare_.size() >= spare_max) return;
  request->clear();
  spare_.push_back(std::move(request));
}

}  // namespace flare
