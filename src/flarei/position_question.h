#pragma once

#include <string>

#include "common/cluster/node.h"
#include "common/net/client.h"
#include "common/net/greeting.h"
#include "common/protocol/position.h"

namespace flare {

/// One node that is asked how far its log goes (docs/replication.md 10), once or again and again, on a connection of
/// its own: whatever else flarei has to do with the node waits for nothing here. Lives on the I/O thread.
class PositionQuestion {
 public:
  struct Answer {
    enum class Kind {
      position,
      refused,  // it cannot or may not be promoted
      failed,   // not reached, no answer in time, or it does not know the question
    };
    Kind kind = Kind::failed;
    LogPosition position{};
    std::string text;  // of refused and failed
  };

  PositionQuestion(IoExecutor executor, Node node, std::string bind_address, std::optional<OwnGreeting> own);

  /// `request`: a line with CRLF. After `failed` the next question connects anew.
  IoTask<Answer> ask(std::string request, PeerClient::Duration deadline);
  /// Ends the wait in work.
  void close() { client_.close(); }

 private:
  IoTask<Answer> connect(PeerClient::Duration deadline);

  Node node_;
  std::string bind_address_;
  std::optional<OwnGreeting> own_;
  PeerClient client_;
};

/// What an answer line means. Pure.
PositionQuestion::Answer judge_position_answer(std::string_view line);

}  // namespace flare
