#include "flared/replication/primary.h"

#include <fmt/format.h>

#include <algorithm>

namespace flare {

namespace {

// A slave counts as caught up while it is at most this far behind: under constant writes it is never exactly level.
constexpr std::uint64_t caught_up_lag_max = 256;

}  // namespace

Primary::Primary(Sequence start, bool after_snapshot, TimePoint now, StreamTimes times)
    : times_(times),
      sent_(start),
      acknowledged_(after_snapshot ? Sequence{0} : start),
      durable_(acknowledged_),
      must_reach_(start),
      heard_(!after_snapshot),
      last_heard_(now),
      last_ping_(now),
      confirm_not_before_(now) {}

void Primary::on_sent(Sequence last) { sent_ = std::max(sent_, last); }

std::uint64_t Primary::lag(Sequence written) const {
  return written > acknowledged_ ? raw(written) - raw(acknowledged_) : 0;
}

// Only an ACK counts as a proof: the hello says where the slave stood, not that it follows.
bool Primary::wants_confirm(Sequence written, TimePoint now) const {
  return confirm_ == Confirm::due && acked_once_ && acknowledged_ >= must_reach_ && lag(written) <= caught_up_lag_max &&
         now >= confirm_not_before_;
}

Primary::Actions Primary::on_message(const stream::Ack& ack, Sequence written, TimePoint now) {
  Actions actions;
  if (ack.sequence > sent_ || (acked_once_ && ack.sequence < acknowledged_) || ack.durable > ack.sequence) {
    actions.close = fmt::format("ACK {} (durable {}) does not fit: acknowledged {}, sent {}", raw(ack.sequence),
                                raw(ack.durable), raw(acknowledged_), raw(sent_));
    return actions;
  }
  acknowledged_ = ack.sequence;
  durable_ = ack.durable;
  last_heard_ = now;
  heard_ = true;
  acked_once_ = true;
  actions.confirm = wants_confirm(written, now);
  if (actions.confirm) confirm_ = Confirm::asked;
  return actions;
}

Primary::Actions Primary::on_timer(Sequence written, TimePoint now) {
  Actions actions;
  if (now - last_heard_ > silent_max()) {
    actions.close =
        fmt::format("no ACK for {} s", std::chrono::duration_cast<std::chrono::seconds>(now - last_heard_).count());
    return actions;
  }
  actions.ping = now - last_ping_ >= times_.ping_each;
  if (actions.ping) last_ping_ = now;
  actions.confirm = wants_confirm(written, now);
  if (actions.confirm) confirm_ = Confirm::asked;
  return actions;
}

Primary::Actions Primary::on_confirmed(bool told, TimePoint now) {
  Actions actions;
  actions.insync = told;
  confirm_ = told ? Confirm::done : Confirm::due;
  confirm_not_before_ = now + times_.confirm_again_after;
  return actions;
}

}  // namespace flare
