#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "flared/outgoing.h"

namespace flare {

/// The requests for one other node in the order in which they came: those that are sent and await their answers, then
/// those that are not (docs/design.md 2). Bounded in number and in bytes that are not sent. Holds no socket and no
/// timer.
class OutgoingQueue {
 public:
  using TimePoint = Outgoing::TimePoint;

  explicit OutgoingQueue(QueueLimit* limit) : limit_(limit) {}
  ~OutgoingQueue() {
    if (!empty()) count(-static_cast<std::int64_t>(sent_.size() + unsent_.size()));
  }
  OutgoingQueue(const OutgoingQueue&) = delete;
  OutgoingQueue& operator=(const OutgoingQueue&) = delete;

  /// Whether so many bytes more may come.
  bool has_room(std::size_t bytes) const;
  /// An empty one for `add`.
  OutgoingPointer make();
  Outgoing& add(OutgoingPointer request);

  bool empty() const { return sent_.empty() && unsent_.empty(); }
  bool all_sent() const { return unsent_.empty(); }
  bool awaits_answer() const { return !sent_.empty(); }
  Outgoing& oldest_sent() { return *sent_.front(); }
  Outgoing& next_unsent() { return *unsent_.front(); }
  /// More bytes of the newest one, a read that is being gathered.
  void grew(std::size_t bytes) { unsent_bytes_ += bytes; }

  void next_is_sent(TimePoint deadline, std::size_t bytes_before);
  void answered();
  void drop_next_unsent();

  TimePoint newest_deadline() const { return unsent_.back()->deadline; }
  /// When the first of all is due; max() for none.
  TimePoint next_deadline() const;
  /// Those that `unwanted` names go; the others keep their order.
  template <class Unwanted>
  std::vector<OutgoingPointer> remove_unsent(const Unwanted& unwanted) {
    std::vector<OutgoingPointer> removed;
    std::deque<OutgoingPointer> kept;
    for (auto& request : unsent_)
      (unwanted(*request) ? removed.push_back(take(request)) : kept.push_back(std::move(request)));
    unsent_ = std::move(kept);
    return removed;
  }
  /// The connection is lost: all that was sent, for the caller to judge.
  std::vector<OutgoingPointer> remove_sent();
  /// Reads that were sent and are to be sent again: before all others, in this order.
  void put_back(std::vector<OutgoingPointer> reads);
  std::vector<OutgoingPointer> remove_all_unsent();

  /// Fails it and keeps its memory for another.
  void fail(OutgoingPointer request, std::string_view answer);

 private:
  OutgoingPointer take(OutgoingPointer& request);
  void recycle(OutgoingPointer request);
  void count(std::int64_t more) {
    if (limit_) limit_->queued.fetch_add(more, std::memory_order_relaxed);
  }

  QueueLimit* limit_;
  std::deque<OutgoingPointer> sent_;
  std::deque<OutgoingPointer> unsent_;
  std::size_t unsent_bytes_ = 0;
  std::vector<OutgoingPointer> spare_;
};

}  // namespace flare
