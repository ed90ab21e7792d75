#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/protocol/reply_writer.h"
#include "common/protocol/request.h"

namespace flare {

struct LooseSocket;

/// What a session asks of the control thread. All calls may come from any worker and return at once; a reply runs on
/// the control thread, exactly once, within the deadline that the call's work has.
class Control {
 public:
  using Reply = std::function<void(std::string answer)>;

  /// Hands out the entries of one dump, slice by slice, on the blocking pool.
  class Dump {
   public:
    struct Chunk {
      std::string bytes;  // whole lines
      bool last = false;
    };
    virtual ~Dump() = default;
    virtual void next(std::function<void(Chunk)> reply) = 0;
  };

  virtual ~Control() = default;
  /// `lines`: the NODE lines of a `node sync` (docs/spec/cluster.md 3.1).
  virtual void install_map(std::string lines, std::uint64_t version, Reply reply) = 0;
  /// `exptime`: when, as a client sends it. `proxied`: another node passes it on, so it concerns this one only.
  virtual void flush_all(std::int64_t exptime, bool proxied, Reply reply) = 0;
  /// The answer to `position <words>`, CRLF included (docs/replication.md 10).
  virtual void position(std::string /*words*/, Reply reply) { reply("SERVER_ERROR not supported\r\n"); }
  /// Takes the connection over: it becomes a replication stream (docs/replication.md 3).
  virtual void adopt_stream(LooseSocket socket, std::string unread, std::string words, std::string peer) = 0;
  /// `request` is a dump or dump_key; its arguments have been checked.
  virtual std::shared_ptr<Dump> begin_dump(const Request& request) = 0;
  /// The answer to `stats <words>`, CRLF included.
  virtual void stats(std::string words, Reply reply) = 0;
  /// What `ping` has to say in place of `OK`; empty: nothing is wrong (cluster.md 4.1). Any thread, without waiting.
  virtual std::string_view ailment() = 0;
  /// The answer to `kill <id>`, CRLF included.
  virtual void kill(std::int32_t id, Reply reply) = 0;
  /// The answer to `salvage acknowledge` of an operator at `peer`.
  virtual void acknowledge_salvage(std::string /*peer*/, Reply reply) {
    reply(std::string{reply::nothing_to_acknowledge});
  }
  /// Calls `done` once, soon: with true when expired entries were removed, else when none are left or a second is over.
  virtual void reclaim(std::function<void(bool made_room)> done) { done(false); }
  /// The answer to `show variables`.
  virtual void variables(Reply reply) = 0;
};

}  // namespace flare
