#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/net/door_keeper.h"
#include "common/net/stream_socket.h"
#include "common/net/task.h"
#include "common/protocol/proxy_header.h"
#include "flarei/index_service.h"
#include "flarei/session_table.h"

namespace flare {

/// One connection to flarei: requests in, answers out in their order. An idle one holds no buffer. Lives on the I/O
/// thread, in the session table until its coroutine ends.
class IndexSession : public std::enable_shared_from_this<IndexSession> {
 public:
  IndexSession(StreamSocket socket, IndexPeer peer, IndexService& service, SessionTable& table, Passage passage);

  void start();
  /// At once.
  void close();
  /// By new lists or users: ends it, or takes classes from it, if its address or user has lost them.
  void renew_passage(const Doors& doors, const UserTable* users);
  /// When the answers in work are sent.
  void end();

  std::chrono::steady_clock::time_point deadline() const { return deadline_; }
  Place place() const { return peer_.place; }
  const std::string& peer() const { return peer_.address; }
  bool ending() const { return ending_; }
  ThreadRow row(std::chrono::steady_clock::time_point now) const;

 private:
  IoTask<> serve();
  IoTask<bool> shake_hands();
  IoTask<bool> read_some();
  IoTask<> answer_lines();
  IoTask<> answer_line(std::string_view line);
  IoTask<bool> write_answers();
  bool begins_login(std::string_view line);
  IoTask<> log_in(std::string_view data);
  void take_offer_line(std::string_view line);
  bool has_place(const IndexRequest& request);
  void settle(ConnectionPlaces::Proof proof);
  void refuse(std::string_view last_words);
  void set_deadline(std::chrono::steady_clock::duration wait);

  StreamSocket socket_;
  IndexPeer peer_;
  Passage passage_;
  IndexService& service_;
  SessionTable& table_;
  int number_ = 0;
  std::string input_;
  std::string output_;
  std::string operation_;                   // the command word in work
  std::optional<OfferReader> offer_;        // its lines are coming in
  std::optional<std::size_t> login_bytes_;  // of the data that comes next: user and password
  int failed_logins_ = 0;
  StrayHeader stray_header_;
  bool waiting_ = false;  // for a request
  bool ending_ = false;   // after what is in output_
  bool parting_ = false;  // what is in output_ says why: the client is given time to read it
  std::chrono::steady_clock::time_point deadline_;
  std::chrono::steady_clock::time_point work_since_;
};

/// Takes a descriptor that a listener has accepted; refuses it with one line when the table is full. `tls`: what the
/// peer has to speak; null: plainly.
void accept_session(IoExecutor executor, int descriptor, std::string peer, IndexService& service, SessionTable& table,
                    Log& log, Passage passage = {}, std::shared_ptr<const TlsContext> tls = nullptr);

}  // namespace flare
