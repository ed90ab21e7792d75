#pragma once

namespace flare {

/// Failed probes of one node in a row (docs/spec/cluster.md 4.1). Pure.
class ProbeCounter {
 public:
  enum class Event { none, down, up };

  /// `is_down`: in the map now, whoever said so; so a node marked down by an operator returns with its next good probe,
  /// and one marked active by an operator has all its tries again.
  Event failed(bool is_down, int threshold);
  Event succeeded(bool is_down, int threshold);

  int failures() const { return failures_; }

 private:
  void follow_map(bool is_down, int threshold);

  int failures_ = 0;
};

}  // namespace flare
