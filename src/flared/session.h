#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "common/net/door_keeper.h"
#include "common/net/task.h"
#include "common/protocol/request_reader.h"
#include "flared/buffer_pool.h"
#include "flared/session_peer.h"

namespace flare {

class Turn;
class Worker;

/// One client connection: it lives and dies on one worker (docs/design.md 2). Idle, it holds no buffer and no timer.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Worker& worker, StreamSocket socket, std::string peer, std::int32_t id, Passage passage);

  /// Serves until the client leaves, an error, or `end`.
  IoTask<> serve();
  /// Ends an idle session now, a busy one after its turn.
  void end();
  /// By new lists: ends it, or takes classes from it, if its address has lost them.
  void renew_passage(const Doors& doors);
  /// Ends it whatever it does.
  void abort();

  std::int32_t id() const { return id_; }
  const std::string& peer() const { return peer_.address; }
  std::string_view operation() const { return operation_; }
  bool idle() const { return idle_; }
  std::int64_t last_active_s() const { return last_active_s_; }

 private:
  enum class Received { nothing, bytes, end };
  Received receive();
  bool send_now(std::string_view bytes);
  IoTask<bool> send(std::string_view bytes);
  IoTask<bool> answer(Turn& turn);
  IoTask<bool> go_on_after(Turn& turn);
  void hand_over(Turn& turn);
  IoTask<bool> dump(const Turn& turn);
  bool open() const { return !ending_ && socket_.is_open(); }

  Worker& worker_;
  StreamSocket socket_;
  SessionPeer peer_;
  Passage passage_;
  RequestReader reader_;
  BufferPool<InputBuffer>::Lease input_;
  std::size_t bytes_needed_ = 0;  // in all, for the request at the begin of input_
  std::size_t unsent_from_ = 0;   // of the present answers: what send_now could not place
  std::string_view operation_;
  std::int64_t last_active_s_ = 0;
  std::int32_t id_ = 0;
  bool idle_ = false;
  bool ending_ = false;
};

}  // namespace flare
