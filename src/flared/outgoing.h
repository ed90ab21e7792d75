#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/greeting.h"
#include "common/protocol/answer_reader.h"
#include "common/protocol/output_buffer.h"
#include "flared/awaited_answers.h"
#include "flared/owned_request.h"

namespace flare {

/// A request of clients on its way to another node, with the places for its answer. Belongs to a worker's thread.
struct Outgoing {
  using TimePoint = std::chrono::steady_clock::time_point;
  enum class Shown : std::uint8_t { all, value, nothing /* the client said noreply */ };

  bool is_read = false;
  bool waits = false;  // for a master that cannot be reached now: a write, or a read of what the connection has written
  bool with_version = false;  // of a read
  Shown shown = Shown::all;
  AnswerShape shape = AnswerShape::line;  // of the answer, once it is sent
  int tries = 0;                          // connections on which it was lost
  TimePoint taken;
  TimePoint deadline;
  std::int64_t taken_s = 0;         // relative times count from here
  OwnedRequest write;               // of no meaning for a read
  std::string keys;                 // of a read: " k1 k2"
  std::vector<AnswerPlace> places;  // one, or one for each key of a read

  /// It changes nothing: when its answer is lost it is sent again.
  bool may_repeat() const;
  std::size_t bytes() const { return is_read ? keys.size() : write.data_bytes(); }
  /// In the words that a node of this kind understands. False: it has none; nothing is appended.
  bool append_to(OutputBuffer& out, std::string_view own_name, PeerKind kind);
  /// `values`: where they are in the answer.
  void deliver(std::string_view answer, std::span<const ValuePlace> values) const;
  void fail(std::string_view answer) const;
  /// Whether every client that asked has gone.
  bool asked_by_nobody() const;
  /// For another request; the room of its strings is kept.
  void clear();

 private:
  bool append_item(OutputBuffer& out, std::string_view own_name, PeerKind kind);
  void deliver_read(std::string_view answer, std::span<const ValuePlace> values) const;
};
using OutgoingPointer = std::unique_ptr<Outgoing>;

/// A value as another node gives it to a get; empty where there is none.
std::string_view first_value(std::string_view answer);

/// max-total-thread-queue: of the requests that all workers have on their way to other nodes.
struct QueueLimit {
  std::atomic<std::int64_t> queued{0};
  std::atomic<std::int64_t> most{0};  // 0: no limit; changed by HUP

  bool full() const {
    const auto limit = most.load(std::memory_order_relaxed);
    return limit > 0 && queued.load(std::memory_order_relaxed) >= limit;
  }
};

}  // namespace flare
