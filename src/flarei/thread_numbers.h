#pragma once

namespace flare {

/// The ids that `stats threads` shows and `kill` takes (docs/spec/protocol.md 5): one for each session and monitor,
/// which were threads in the original.
class ThreadNumbers {
 public:
  int next() { return next_++; }

 private:
  int next_ = 1;
};

}  // namespace flare
