#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/net/authenticator.h"
#include "common/net/door_keeper.h"
#include "common/protocol/key_prefix.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/request.h"
#include "common/protocol/request_reader.h"
#include "flared/awaited_answers.h"
#include "flared/buffer_pool.h"
#include "flared/control.h"
#include "flared/peer_link.h"
#include "flared/routing.h"
#include "flared/session_peer.h"
#include "flared/storage/storage.h"

namespace flare {

class Worker;
struct DoorTenant;

/// One turn of a session (docs/design.md 2): takes the whole requests that have arrived, does the local ones at once,
/// sends the others on, and writes the log once. No suspension, and for local requests no allocation.
class Turn {
 public:
  /// What the session has to do after the answers.
  enum class After { go_on, close, part /* close when the client has read why */, stream, dump };

  /// Who asks. Lives in the session.
  struct Asker {
    Passage& passage;
    SessionPeer& peer;
    DoorTenant* tenant = nullptr;  // of a door with a key-prefix
  };

  Turn(Worker& worker, RequestReader& reader, InputBuffer& input, Asker asker);

  /// Until the input has no whole request, the output is full, or a request needs the session itself.
  void run();

  After after() const { return after_; }
  /// Whole requests may stand behind: the output was full, or a request needed the session or the control thread.
  bool stopped_early() const { return more_input_ || after_ == After::dump; }
  std::size_t bytes_needed() const { return bytes_needed_; }
  const std::shared_ptr<AwaitedAnswers>& awaited() const { return awaited_; }  // null: nothing to wait for
  /// While others answer: an empty output is of use to other sessions.
  void give_empty_output_back();
  /// Once they are complete: all answers are in the output then, in their order.
  void take_awaited();
  OutputBuffer& output() { return *output_; }
  const std::string& stream_words() const { return stream_words_; }
  const std::shared_ptr<Control::Dump>& dump() const { return dump_; }
  std::string_view last_operation() const { return operation_; }

 private:
  void answer(const Request& request);
  bool refuses(const Request& request) const;
  void answer_refused(const Request& request);
  bool has_place(const Request& request);
  void settle(ConnectionPlaces::Proof proof);
  void answer_hello(const Request& request);
  void answer_ping(const Request& request);
  void answer_noop(const Request& request);
  bool takes_map(const Request& request);
  void refuse(const Request& request);
  void refuse_stranger(const Request& request);
  void answer_sasl(const Request& request);
  void log_in(const Request& request, const std::optional<Credentials>& given);
  void conclude_login(const Authenticator::Outcome& outcome);
  void get(const Request& request);
  void write(const Request& request);
  void execute(const Request& request);
  bool replicate(const Request& request);
  void touch_many(const Request& request);
  void fail(const Request& request, StorageError error);
  std::string_view rate_refusal(const Request& request);
  std::string_view tenant_rate_refusal(std::uint64_t operations);
  bool asks_own_stats(const Request& request);
  KeyWords keys_of(const Request& request) const;
  void forward(const Request& request, std::uint32_t node);
  void forward_gat(const Request& request, std::uint32_t node);
  std::uint32_t next_place() const { return awaited_ ? awaited_->places() : 0; }
  void end_values(std::uint32_t first_place);
  void absent(Route::Kind kind);
  void read_key(std::string_view key, bool with_version);
  void send_read(std::string_view key, const PeerLink::ReadKind& kind, std::uint32_t node, const AnswerPlace& place);
  bool gather(std::string_view key, const PeerLink::ReadKind& kind, std::uint32_t node, const AnswerPlace& place);
  bool may_send(std::string_view prefix, std::uint32_t node) const;
  bool overtakes_read(const Request& request) const;
  void end_reads();
  void item(const Request& request);
  void count_asked(const ItemRequest& item);
  void execute_here(const Request& request);
  void forward_item(const Request& request, std::uint32_t node);
  void read_elsewhere(const ItemRequest& item, const PeerLink::ReadKind& kind, std::uint32_t node);
  void miss(const ItemRequest& item);
  void unreadable(const Request& request, std::string_view why);
  void wrote_elsewhere(std::string_view key);
  bool wrote_lately(std::string_view key) const;
  void error(const Request& request, std::string_view text);
  void say(const Request& request, std::string_view text) { say_to(*output_, request, text); }
  void say_to(OutputBuffer& out, const Request& request, std::string_view text) const;
  void ask_control(const Request& request);
  void await_disk();
  bool may_write(const Request& request);
  void wait_for_commit();
  void note_late(const Request& request);
  OutputBuffer& late();
  void await_commit();
  AnswerPlace await();
  AnswerPlace await_read();
  AnswerPlace await(const Request& request);
  Control::Reply reply_to(AnswerPlace place);

  Worker& worker_;
  RequestReader& reader_;
  InputBuffer& input_;
  Passage& passage_;
  SessionPeer& peer_;
  DoorTenant* const tenant_;           // null: its door has no key-prefix
  const std::string_view key_prefix_;  // tenant_'s
  BufferPool<OutputBuffer>::Lease output_;
  const RoutingView& view_;
  std::int64_t now_s_;
  const double operations_share_;       // of max-ops-per-second; 0: no limit
  const bool counts_operations_;        // a limit or a tenant
  const bool tells_read_errors_;        // option proxy-read-error
  const bool sync_mode_;                // replication-type sync: each answer from the own store waits for its copies
  bool waits_for_commit_ = false;       // this turn has such an answer, or one by a request's word
  bool late_covers_all_ = true;         // late_ has a line for each answer of the turn
  std::unique_ptr<OutputBuffer> late_;  // what is said if the copies do not come in time; null in async
  std::shared_ptr<AwaitedAnswers> awaited_;
  std::vector<PeerLink*>& read_links_;  // that gather keys of the present get, or of the turn's binary gets
  std::string_view values_error_;       // of the present get: what its end tells in place of END
  bool more_input_ = false;
  std::size_t bytes_needed_ = 0;
  After after_ = After::go_on;
  std::shared_ptr<bool> login_under_way_;  // while this turn lives; null: none
  std::string stream_words_;
  std::shared_ptr<Control::Dump> dump_;
  std::string_view operation_;
};

}  // namespace flare
