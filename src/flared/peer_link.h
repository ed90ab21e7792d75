#pragma once

#include <boost/asio/write.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/net/client.h"
#include "common/net/greeting.h"
#include "common/net/task.h"
#include "common/protocol/answer_reader.h"
#include "common/protocol/forward_request.h"
#include "common/protocol/output_buffer.h"
#include "common/protocol/request.h"
#include "flared/awaited_answers.h"
#include "flared/forwarded_item.h"

namespace flare {

/// One worker's pipelined connection to one other node (docs/design.md 2): requests of many clients share a write,
/// answers are matched in order. A missed deadline or a broken answer closes the connection and fails what was
/// outstanding; only reads are sent again, once. `proxy failure` = surely not done, `proxy error` = unknown
/// (docs/replication.md 12). Belongs to its worker's thread; kept alive by its own operations until `close`.
class PeerLink : public std::enable_shared_from_this<PeerLink> {
 public:
  struct Setup {
    IoExecutor executor;
    std::string server_name;
    int port = 0;
    std::string own_name;      // added to the prefix of forwarded writes
    std::string bind_address;  // outgoing connections start here; may be empty
    std::chrono::milliseconds answer_deadline{10'000};
    std::size_t value_bytes_max = 0;
    Introduce introduce = nullptr;  // said at the begin of each connection; null: nothing
    Log* log = nullptr;             // for a foreign peer; null: nobody hears of it
  };

  explicit PeerLink(Setup setup);

  /// False: not taken, surely not done (bound reached, or the node was unreachable a moment ago).
  bool forward(const Request& request, std::int64_t now_s, AnswerPlace place);
  /// The same for a request of which only a value is shown, never an error or a miss.
  bool forward_value(const Request& request, std::int64_t now_s, AnswerPlace place);
  /// The same for a meta or binary request; the answer comes in the client's form.
  bool forward_item(std::shared_ptr<ForwardedItem> item, std::int64_t now_s, AnswerPlace place);
  /// Adds a key to the read that is being gathered; all keys up to `end_read` go out in one line. False as above.
  bool read(std::string_view key, bool with_version, AnswerPlace place);
  void end_read();

  /// Fails everything outstanding and takes nothing any more: the map no longer has this node as it was.
  void close();

 private:
  enum class Shown { all, value, nothing /* the client said noreply */ };
  enum class Phase { unconnected, connecting, connected, closed };

  struct Pending {
    AnswerShape shape = AnswerShape::line;
    bool is_read = false;
    Shown shown = Shown::all;
    int tries = 0;
    std::chrono::steady_clock::time_point deadline;
    std::vector<AnswerPlace> places;  // one, or one for each key of a read
    std::string keys;                 // of a read: " k1 k2", for matching and for sending again
    bool with_version = false;
    std::shared_ptr<ForwardedItem> unsent;  // not in queued_ yet: the kind of the other node decides on its words
    std::size_t queued_at = 0;              // of `unsent`: where in queued_ it belongs
  };

  bool forward_as(const Request& request, std::int64_t now_s, AnswerPlace place, Shown shown);
  bool append_item(OutputBuffer& out, Pending& pending);
  void append_unsent();
  bool takes_more(std::size_t bytes);
  Pending& add_pending();
  void queued();  // bytes were appended to queued_
  void flush();
  void written(const error_code& error);
  IoTask<> run();
  IoTask<bool> greet(PeerClient& client);
  bool take_answers();
  void deliver(Pending& pending, std::string_view answer);
  static void deliver_value(const AnswerPlace& place, std::string_view answer);
  static void deliver_read(const Pending& pending, std::string_view answer);
  void fail(Pending& pending, std::string_view answer);
  void connection_lost();
  void watch_deadline();
  void recycle_front();
  void append_read(const Pending& pending);

  Setup setup_;
  StreamSocket socket_;
  Timer deadline_timer_;
  bool watching_ = false;
  Phase phase_ = Phase::unconnected;
  PeerKind kind_ = PeerKind::unknown;                    // of the present or the last connection
  std::size_t unsent_count_ = 0;                         // of pending_
  std::size_t unsent_bytes_ = 0;                         // of their data
  std::int64_t now_s_ = 0;                               // when the newest item was taken
  bool foreign_said_ = false;                            // in the log, since the last good greeting
  std::chrono::steady_clock::time_point retry_after_{};  // after a failed connect
  bool gathering_ = false;                               // the newest pending is a read without its line end
  bool flush_posted_ = false;
  bool writing_ = false;
  OutputBuffer queued_;
  OutputBuffer sending_;
  std::size_t sent_ = 0;  // of pending_, from the front: handed to a write
  std::deque<Pending> pending_;
  std::vector<Pending> spare_;
  std::string input_;
  std::optional<AnswerReader> reader_;  // of the answer at the begin of input_
};

}  // namespace flare
