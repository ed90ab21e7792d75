#pragma once

#include <chrono>

namespace flare {

/// A master that the index asks to go lets no write begin for a while: what it says of its position then stays true
/// until the map that names another (docs/replication.md 10). If that does not come its writes go on, and for a time no
/// further question holds them up. Pure.
class Departure {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  static constexpr Duration held_for = std::chrono::milliseconds{2000};   // after each answer: the map is on its way
  static constexpr Duration asked_for = std::chrono::milliseconds{1000};  // since the first one
  static constexpr Duration rest_for = std::chrono::milliseconds{500};    // after the writes have gone on

  /// The index asks. True: writes are to wait, from now on or still; false: they have waited long enough.
  bool asked(TimePoint now) {
    if (now >= held_until_) {
      if (now < rested_at_) return false;
      begun_ = now;
    }
    if (now - begun_ > asked_for) return false;
    held_until_ = now + held_for;
    rested_at_ = held_until_ + rest_for;
    return true;
  }
  bool holds(TimePoint now) const { return now < held_until_; }
  TimePoint ends_at() const { return held_until_; }
  /// Another master is named, or none.
  void done() { held_until_ = rested_at_ = {}; }

 private:
  TimePoint begun_{};
  TimePoint held_until_{};
  TimePoint rested_at_{};
};

}  // namespace flare
