#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/net/connection_places.h"
#include "common/net/door_keeper.h"
#include "common/net/handshakes.h"
#include "common/net/own_identity.h"
#include "common/net/parting.h"
#include "common/net/task.h"
#include "common/net/tls_keeper.h"
#include "common/protocol/key_prefix.h"
#include "common/protocol/request_reader.h"
#include "flared/access_mark.h"
#include "flared/buffer_pool.h"
#include "flared/connection_memory.h"
#include "flared/control.h"
#include "flared/counters.h"
#include "flared/door_tenants.h"
#include "flared/item_marks.h"
#include "flared/keys_elsewhere.h"
#include "flared/operations_bucket.h"
#include "flared/peer_link.h"
#include "flared/replication/commit_gate.h"
#include "flared/replication/copied_touches.h"
#include "flared/replication/replicated_writes.h"
#include "flared/routing.h"
#include "flared/storage/storage.h"

namespace flare {

class Session;

class Authenticator;

/// What all workers share. Lives longer than they do.
struct WorkerSetup {
  WorkerSetup(Storage& the_storage, Control& the_control, const Clock& the_clock, Log& the_log, NodeKey own,
              std::string from, ReaderLimits reader)
      : storage(the_storage),
        control(the_control),
        clock(the_clock),
        log(the_log),
        own_key(std::move(own)),
        bind_address(std::move(from)),
        reader_limits(reader),
        answers_wait(the_storage.answers_wait()) {}

  Storage& storage;
  ItemMarks marks;
  Control& control;
  const Clock& clock;
  Log& log;
  NodeKey own_key;
  std::string bind_address;
  CommitGate* gate = nullptr;       // null: no answer waits for copies (docs/replication.md 9)
  const TlsKeeper* tls = nullptr;   // of connections to other daemons; null: plain ones
  OwnIdentity* identity = nullptr;  // null: none is told or asked (docs/design.md 5)
  bool identity_required = false;
  Authenticator* authenticator = nullptr;         // null: there are no users (option auth-file)
  ReplicatedWrites* replicated_writes = nullptr;  // of an original master; null: none is taken
  CopiedTouches* copied_touches = nullptr;        // null: none is noted
  ReaderLimits reader_limits;
  int workers = 1;
  const bool answers_wait;                        // for the disk (docs/design.md 3.6)
  std::atomic<std::int64_t> idle_timeout_s{600};  // net-read-timeout; changed by HUP
  std::atomic<std::int64_t> write_timeout_s{60};  // net-write-timeout, likewise
  std::chrono::milliseconds answer_deadline{10'000};
  std::atomic<std::int64_t> failover_wait_ms{0};  // failover-wait; changed by HUP, for the links made from then on
  QueueLimit queue;                               // max-total-thread-queue
  std::atomic<std::int64_t> probed{0};            // when the index last probed this node, in ticks of the steady clock
  const DoorTenants* tenants = nullptr;           // null: no door has a key-prefix
  DoorTenant* tenant_of_door(std::size_t door) const { return tenants ? tenants->of_door(door) : nullptr; }
  ConnectionPlaces places;
  ConnectionMemory memory;
  std::atomic<double> operations_share{0};  // of max-ops-per-second, for each worker; 0: no limit
  std::atomic<bool> read_errors{false};     // proxy-read-error = error; changed by HUP
  std::atomic<std::int32_t> next_session_id{1};
};

/// One thread with its io_context, its sessions and its own connections to other nodes (docs/design.md 2). The calls
/// of the first group may come from any thread; the second group is for the worker's own thread.
class Worker {
 public:
  explicit Worker(WorkerSetup& setup);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// Owns `descriptor` from here on.
  /// `tls`: what the client has to speak; null: plainly.
  void adopt(int descriptor, std::string peer, Passage passage = {}, Place place = Place::client,
             std::shared_ptr<const TlsContext> tls = nullptr);
  /// Ends the sessions that `doors` do not allow any more, and takes classes from others.
  void renew_passages(std::shared_ptr<const Doors> doors, std::shared_ptr<const UserTable> users = nullptr);
  void publish(std::shared_ptr<const RoutingView> view);
  /// Calls `done` on the worker's thread when it has done all that was asked of it before.
  void settled(std::function<void()> done) { asio::post(context_, std::move(done)); }
  /// Ends idle sessions at once and the others after their turn; the thread ends when all are gone or at the deadline.
  void stop(std::chrono::steady_clock::duration deadline);
  void join();
  void kill(std::int32_t session_id, std::function<void(bool found)> reply);
  const Counters& counters() const { return counters_; }
  const AccessMark& access_mark() const { return access_mark_; }
  struct SessionFigures {
    std::int32_t id;
    std::string peer;
    std::string_view operation;
    std::int64_t uptime_s;
    bool busy;
  };
  void list_sessions(std::function<void(std::vector<SessionFigures>)> reply);

  // The worker's own thread only.
  IoExecutor executor() { return context_.get_executor(); }
  WorkerSetup& setup() { return setup_; }
  Counters& counts() { return counters_; }
  AccessMark& access_mark() { return access_mark_; }
  const RoutingView& view() const { return *view_; }
  /// The link to a node of the present view; made at its first use.
  PeerLink& link(std::uint32_t node);
  std::uint32_t draw();
  OperationsBucket& operations() { return operations_; }
  OperationsBucket& operations_of(const DoorTenant& tenant) { return tenant_operations_[tenant.number]; }
  void refill(const DoorTenant& tenant) {
    const auto share = tenant.operations_share.load(std::memory_order_relaxed);
    operations_of(tenant).refill(share, setup_.clock.steady());
  }
  /// For the request at hand.
  KeyPrefixer& key_prefixer() { return key_prefixer_; }
  KeysElsewhere& keys_elsewhere() { return keys_elsewhere_; }
  /// For the turn at hand; empty between turns.
  std::vector<PeerLink*>& read_links() { return read_links_; }
  BufferPool<InputBuffer>& inputs() { return inputs_; }
  BufferPool<OutputBuffer>& outputs() { return outputs_; }
  AwaitedPool& awaited() { return awaited_; }
  Partings& partings() { return partings_; }
  Handshakes& handshakes() { return handshakes_; }
  MemoryAccount& memory() { return memory_; }
  /// Memory that a session needs while it waits. Makes room for it, at the cost of the session that holds most, if
  /// that is more than `holder` needs in all. False: there is none.
  bool take_memory(Session& holder, std::size_t bytes, std::size_t bytes_in_all);
  void give_memory(std::size_t bytes) { memory_.give(bytes); }
  void left(Session& session);

 private:
  void take_view(std::shared_ptr<const RoutingView> view);
  PeerLink::Setup link_setup(const Node& peer, bool itself);
  void watch_idle();
  std::int64_t idle_look_s() const;
  void close_idle();
  std::int64_t silence_left_s(const Session& session, std::int64_t now_s) const;
  void add_trial(Session& session);
  Session* holds_most() const;
  void begin_stop(std::chrono::steady_clock::duration deadline);
  void end_if_drained();

  WorkerSetup& setup_;
  BufferPool<InputBuffer> inputs_;  // before context_: coroutines that it destroys give their buffers back
  BufferPool<OutputBuffer> outputs_;
  Counters counters_;
  AccessMark access_mark_;
  OperationsBucket operations_;
  std::vector<OperationsBucket> tenant_operations_;  // by DoorTenant::number
  KeyPrefixer key_prefixer_;
  KeysElsewhere keys_elsewhere_;
  std::vector<PeerLink*> read_links_;
  MemoryAccount memory_;
  asio::io_context context_{1};
  asio::executor_work_guard<IoExecutor> work_;
  AwaitedPool awaited_;  // holds timers of context_
  std::shared_ptr<const RoutingView> view_;
  std::vector<std::shared_ptr<PeerLink>> links_;  // by node of the view
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
  std::vector<Session*> trials_;  // of sessions_, the oldest first
  Partings partings_;
  Handshakes handshakes_;
  Timer idle_timer_;
  bool idle_watched_ = false;
  Timer stop_timer_;
  bool stopping_ = false;
  std::uint32_t random_ = 0x9e3779b9;
  std::thread thread_;
};

}  // namespace flare
