#include "flarei/probe_counter.h"

namespace flare {

ProbeCounter::Event ProbeCounter::failed(bool is_down, int threshold) {
  follow_map(is_down, threshold);
  if (is_down) return Event::none;
  failures_ += 1;
  return failures_ == threshold ? Event::down : Event::none;
}

ProbeCounter::Event ProbeCounter::succeeded(bool is_down, int threshold) {
  follow_map(is_down, threshold);
  const bool returned = failures_ >= threshold;
  failures_ = 0;
  return returned ? Event::up : Event::none;
}

void ProbeCounter::follow_map(bool is_down, int threshold) {
  if (is_down) {
    failures_ = threshold;
  } else if (failures_ >= threshold) {
    failures_ = 0;
  }
}

}  // namespace flare
