#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/net/client.h"
#include "common/net/greeting.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"
#include "common/protocol/answer_reader.h"
#include "common/protocol/output_buffer.h"
#include "common/protocol/request.h"
#include "flared/buffer_pool.h"
#include "flared/outgoing_queue.h"

namespace flare {

/// One worker's pipelined connection to one other node (docs/design.md 2): requests of many clients share a write,
/// answers are matched in order. A missed deadline or a broken answer closes the connection and fails what was
/// sent; only reads are sent again. What is not sent yet waits for the node, or for a map that shows another one, at
/// most `failover_wait`. `proxy failure` = surely not done, `proxy error` = unknown (docs/replication.md 12). Belongs
/// to its worker's thread; kept alive by its own operations until `close`.
class PeerLink : public std::enable_shared_from_this<PeerLink> {
 public:
  struct Setup {
    IoExecutor executor;
    std::string server_name;
    int port = 0;              // 0: this node itself, which is not ready: all wait until `close`
    std::string own_name;      // added to the prefix of forwarded writes
    std::string bind_address;  // outgoing connections start here; may be empty
    std::chrono::milliseconds answer_deadline{10'000};
    std::chrono::milliseconds failover_wait{0};  // 0: writes do not wait for a node that cannot be reached
    std::size_t value_bytes_max = 0;
    bool to_other_cluster = false;  // this node is none of it: an original there gets plain requests of a client
    Introduce introduce = nullptr;  // said at the begin of each connection; null: nothing
    Log* log = nullptr;             // for a foreign peer; null: nobody hears of it
    QueueLimit* limit = nullptr;
    /// Takes what another node may still do: reads that failed here, and at `close` all that is not sent. Null: fails.
    std::function<void(std::vector<OutgoingPointer>)> give_back = nullptr;
  };

  explicit PeerLink(Setup setup);

  /// False: not taken, surely not done (bound reached, or the node cannot be reached and nothing waits for it).
  bool forward(const Request& request, std::int64_t now_s, AnswerPlace place);
  /// The same for a request of which only a value is shown, never an error or a miss.
  bool forward_value(const Request& request, std::int64_t now_s, AnswerPlace place);
  /// The same for a meta or binary request; the answer comes in the client's form.
  /// `waits`: it writes, or reads what the connection has lately written.
  bool forward_item(const Request& request, std::shared_ptr<ForwardedItem> item, std::int64_t now_s, AnswerPlace place,
                    bool waits = true);
  /// How a key is read: with its version or not; `waits`: it is one that the connection has lately written.
  struct ReadKind {
    bool with_version = false;
    bool waits = false;
    int tries = 0;  // made elsewhere
    bool operator==(const ReadKind&) const = default;
  };
  /// Adds a key to the read that is being gathered; all keys up to `end_read` go out in one line. False as above.
  bool read(std::string_view key, ReadKind kind, AnswerPlace place);
  void end_read();
  /// What another link gave back. Null: taken.
  OutgoingPointer take(OutgoingPointer request);

  /// Takes nothing any more. What was sent fails; what was not is given back: the map no longer has this node as it
  /// was.
  void close();
  /// The worker stops: nothing waits any more.
  void stop_waiting();

 private:
  enum class Phase { unconnected, connecting, connected, closed };
  using TimePoint = Outgoing::TimePoint;

  // peer_link.cc: what is taken, and how long it waits.
  bool forward_as(const Request& request, std::int64_t now_s, AnswerPlace place, Outgoing::Shown shown);
  bool takes(std::size_t bytes, bool waits) const;
  OutgoingPointer make(bool waits);
  void queued();
  void give_back(std::vector<OutgoingPointer> requests);
  void fail_unsent(std::string_view answer);
  void watch(TimePoint deadline);
  void look_at_deadlines();
  void look_again_soon();
  bool waits_for_itself() const { return setup_.port == 0; }

  // peer_connection.cc: the bytes.
  void connect();
  void flush();
  bool stalled(TimePoint time) const;
  void append_next(TimePoint time);
  void send();
  void wait_to_send();
  IoTask<> run();
  IoTask<bool> greet(PeerClient& client);
  bool take_answers();
  AnswerScan scan_answer();
  void unreachable();
  void connection_lost();
  void close_socket();

  Setup setup_;
  StreamSocket socket_;
  Timer deadline_timer_;
  TimePoint watched_until_ = TimePoint::max();
  Timer retry_timer_;
  bool retrying_ = false;
  Phase phase_ = Phase::unconnected;
  PeerKind kind_ = PeerKind::unknown;  // of the present or the last connection
  bool foreign_said_ = false;          // in the log, since the last good greeting
  TimePoint retry_after_{};            // after a failed connect
  TimePoint progress_{};               // the last answer, or the first request that waits for one
  bool gathering_ = false;             // the newest request is a read without its line end
  bool stopping_ = false;
  bool flush_posted_ = false;
  bool writing_ = false;  // the node has to read before more is sent
  OutputBuffer sending_;
  std::size_t sent_bytes_ = 0;  // of sending_
  OutgoingQueue queue_;
  std::optional<InputBuffer> input_;  // while connected
  AnswerReader reader_;               // of the answer at the begin of input_
  bool reading_ = false;              // it has looked at a part of it
  std::size_t bytes_needed_ = 0;      // in all, for that answer
  Outgoing* gathered_ = nullptr;      // while gathering_
};

}  // namespace flare
