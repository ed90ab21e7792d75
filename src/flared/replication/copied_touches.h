#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace flare {

/// The touches that another cluster has passed on to this master lately, and that its own sender has not seen in the
/// log yet. Two clusters that send to each other would hand two different touches of one key back and forth for ever,
/// since a touch has no version of its own: so it does not go back to where it came from (docs/spec/cluster.md 7).
/// Bounded: the oldest are forgotten, and go round once more. Safe from any thread.
class CopiedTouches {
 public:
  static constexpr std::size_t kept_max = 65536;

  /// Whether somebody takes them; off at first.
  void listen(bool wanted);
  void clear();
  /// `source`: the node of the other cluster that sent it. Before its log entry can be read.
  void note(std::string_view key, std::int64_t expire_s, std::string_view source);
  /// The source of a touch that was noted; each is told once.
  std::optional<std::string> take(std::string_view key, std::int64_t expire_s);

 private:
  std::atomic<bool> wanted_{false};
  std::mutex mutex_;
  std::unordered_multimap<std::uint64_t, std::string> sources_;
  std::deque<std::uint64_t> order_;  // of what was noted, the oldest first
};

}  // namespace flare
