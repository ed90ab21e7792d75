#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/net/door_keeper.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"
#include "common/protocol/request_reader.h"
#include "flared/buffer_pool.h"
#include "flared/session_peer.h"

namespace flare {

class Turn;
class Worker;
struct DoorTenant;

/// One client connection: it lives and dies on one worker (docs/design.md 2). Idle, it holds no buffer and no timer.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Worker& worker, StreamSocket socket, std::string peer, std::int32_t id, Passage passage, Place place);

  /// Serves until the client leaves, an error, or `end`.
  IoTask<> serve();
  /// Ends an idle session now, a busy one after its turn.
  void end();
  /// By new lists or users: ends it, or takes classes from it, if its address or user has lost them.
  void renew_passage(const Doors& doors, const UserTable* users);
  /// Ends it whatever it does.
  void abort();
  /// Ends one that waits, because it holds most of max-connection-memory.
  void refuse_memory();
  /// Ends one on trial that has not shown that it is a daemon's.
  void refuse_place();
  /// Gives the buffer back while the begin of a request waits for its rest, if that is short.
  void park();

  std::int32_t id() const { return id_; }
  const std::string& peer() const { return peer_.address; }
  std::string_view operation() const { return operation_; }
  bool idle() const { return idle_; }
  bool writing() const { return writing_; }
  /// By its client, who does not read, or by the pace of a dump.
  bool held_up() const { return writing_ || dumping_; }
  std::int64_t last_active_s() const { return last_active_s_; }
  Place place() const { return peer_.place; }
  /// Has a daemon's place and has still to show that it is one.
  bool on_trial() const { return peer_.place == Place::trial && !peer_.trial_heard; }
  /// Of max-connection-memory, and can be taken from it.
  std::size_t held_bytes() const { return idle_ || writing_ ? held_bytes_ : 0; }

 private:
  enum class Received { nothing, bytes, end };
  Received receive();
  Received end_of_input(const error_code& error) const;
  IoTask<> shake_hands();
  bool hold(std::size_t bytes);
  void let_go();
  void unpark();
  bool send_now(std::string_view bytes);
  IoTask<bool> send(std::string_view bytes);
  bool hold_unsent(std::size_t bytes);
  void part_with(std::string_view last_words);
  bool begin_wait(Turn& turn);
  bool end_wait(Turn& turn);
  IoTask<bool> go_on_after(Turn& turn);
  void hand_over(Turn& turn);
  IoTask<bool> dump(const Turn& turn);
  bool open() const { return !ending_ && socket_.is_open(); }

  Worker& worker_;
  StreamSocket socket_;
  SessionPeer peer_;
  Passage passage_;
  DoorTenant* const tenant_;  // of the door's key-prefix; null: it has none
  RequestReader reader_;
  BufferPool<InputBuffer>::Lease input_;
  std::size_t bytes_needed_ = 0;  // in all, for the request at the begin of input_
  std::size_t unsent_from_ = 0;   // of the present answers: what send_now could not place
  std::string_view operation_;
  std::int64_t last_active_s_ = 0;
  std::int32_t id_ = 0;
  std::string parked_;          // the begin of a request, while the session has no buffer
  std::size_t held_bytes_ = 0;  // counted in max-connection-memory
  bool idle_ = false;
  bool dumping_ = false;
  bool writing_ = false;  // the client has to read before it goes on
  bool ending_ = false;
  bool parting_ = false;  // the last words are sent: the client is given time to read them
};

}  // namespace flare
