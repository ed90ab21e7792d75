#include "flared/worker.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <limits>
#include <utility>

#include "common/base/limits.h"
#include "common/net/descriptor.h"
#include "flared/rerouting.h"
#include "flared/session.h"

namespace flare {

namespace {

// The timer waits for the first session that may be idle, but HUP may make the time-out shorter meanwhile.
constexpr std::int64_t idle_look_s_min = 1;
constexpr std::int64_t idle_look_s_max = 10;

std::size_t share_of_handshakes(int workers) {
  return limits::tls_handshakes_max / static_cast<std::size_t>(std::max(workers, 1));
}

}  // namespace

Worker::Worker(WorkerSetup& setup)
    : setup_(setup),
      tenant_operations_(setup.tenants ? setup.tenants->all().size() : 0),
      memory_(setup.memory, setup.workers),
      work_(context_.get_executor()),
      awaited_(context_.get_executor(), memory_),
      view_(std::make_shared<RoutingView>()),
      partings_(context_.get_executor()),
      handshakes_(context_.get_executor(), share_of_handshakes(setup.workers), limits::tls_handshake_deadline),
      idle_timer_(context_.get_executor()),
      stop_timer_(context_.get_executor()) {
  if (setup_.tls) connect_by_tls(context_, *setup_.tls);
}

Worker::~Worker() { join(); }

void Worker::start() {
  thread_ = std::thread{[this] { context_.run(); }};
}

void Worker::adopt(int descriptor, std::string peer, Passage passage, Place place,
                   std::shared_ptr<const TlsContext> tls) {
  asio::post(context_, [this, descriptor, peer = std::move(peer), passage, place, tls = std::move(tls)]() mutable {
    error_code error;
    StreamSocket socket{context_.get_executor()};
    socket.assign(protocol_of(descriptor), descriptor, error);
    if (error) ::close(descriptor);
    if (!error) socket.non_blocking(true, error);
    if (error || stopping_) {
      setup_.places.leave(place, peer);
      return;
    }
    if (tls) socket.start_tls(std::move(tls), TlsConnection::Side::server);
    const auto id = setup_.next_session_id.fetch_add(1, std::memory_order_relaxed);
    auto session = std::make_shared<Session>(*this, std::move(socket), std::move(peer), id, passage, place);
    sessions_.emplace(session.get(), session);
    if (place == Place::trial) add_trial(*session);
    counters_.curr_connections.add();
    counters_.total_connections.add();
    asio::co_spawn(context_, session->serve(), [this, session](std::exception_ptr) { left(*session); });
    if (!idle_watched_ || place == Place::trial) watch_idle();
  });
}

void Worker::renew_passages(std::shared_ptr<const Doors> doors, std::shared_ptr<const UserTable> users) {
  asio::post(context_, [this, doors = std::move(doors), users = std::move(users)] {
    for (auto& [key, session] : sessions_) session->renew_passage(*doors, users.get());
  });
}

void Worker::left(Session& session) {
  if (sessions_.erase(&session) == 0) return;
  std::erase(trials_, &session);
  counters_.curr_connections.subtract();
  setup_.places.leave(session.place(), session.peer());
  end_if_drained();
}

void Worker::publish(std::shared_ptr<const RoutingView> view) {
  asio::post(context_, [this, view = std::move(view)]() mutable { take_view(std::move(view)); });
}

// Links live on where the node is the same and still serves. The others fail what they had sent; what they had not
// finds its way by the new map (docs/replication.md 12).
void Worker::take_view(std::shared_ptr<const RoutingView> view) {
  std::map<std::pair<NodeKey, ThreadType>, std::shared_ptr<PeerLink>> former;
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    const Node& node = view_->partitions.nodes()[i];
    if (links_[i]) former[{node.key(), node.thread_type}] = std::move(links_[i]);
  }
  view_ = std::move(view);
  const auto& nodes = view_->partitions.nodes();
  links_.assign(nodes.size(), nullptr);
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].role == Role::proxy || nodes[i].state == State::down || view_->self == i) continue;
    const auto found = former.find({nodes[i].key(), nodes[i].thread_type});
    if (found != former.end()) links_[i] = std::move(found->second);
  }
  for (auto& [key, link] : former) {
    if (link) link->close();
  }
}

PeerLink& Worker::link(std::uint32_t node) {
  auto& link = links_[node];
  if (!link) {
    link = std::make_shared<PeerLink>(link_setup(view_->partitions.nodes()[node], view_->self == node));
    if (stopping_) link->stop_waiting();
  }
  return *link;
}

// `itself`: what this node is to serve, but not yet, waits for the map that says so.
PeerLink::Setup Worker::link_setup(const Node& peer, bool itself) {
  PeerLink::Setup setup{context_.get_executor(),
                        peer.server_name,
                        itself ? 0 : peer.port,
                        setup_.own_key.text,
                        setup_.bind_address,
                        setup_.answer_deadline,
                        std::chrono::milliseconds{setup_.failover_wait_ms.load(std::memory_order_relaxed)},
                        setup_.reader_limits.value_bytes};
  if (setup_.identity) setup.introduce = [identity = setup_.identity] { return std::optional{identity->greeting()}; };
  setup.to_other_cluster = view_->to_other_cluster;
  if (setup.to_other_cluster) setup.introduce = [] { return std::optional<OwnGreeting>{}; };
  setup.log = &setup_.log;
  setup.limit = &setup_.queue;
  setup.give_back = [this](std::vector<OutgoingPointer> requests) { route_again(*this, std::move(requests)); };
  return setup;
}

// xorshift: which of several readable nodes is asked needs no better one.
std::uint32_t Worker::draw() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  return random_;
}

// One timer for all sessions, and none while there are none.
void Worker::watch_idle() {
  idle_watched_ = true;
  idle_timer_.expires_after(std::chrono::seconds{idle_look_s()});
  idle_timer_.async_wait([this](const error_code& error) {
    if (error || stopping_) return;  // or set anew
    idle_watched_ = false;
    close_idle();
    if (!sessions_.empty()) watch_idle();
  });
}

// An idle tenant's only session is its index's: a look each second would be most of its wake-ups.
std::int64_t Worker::idle_look_s() const {
  auto wait_s = idle_look_s_max;
  const auto now_s = setup_.clock.unix_s();
  for (const auto& [key, session] : sessions_) wait_s = std::min(wait_s, silence_left_s(*session, now_s));
  return std::clamp(wait_s, idle_look_s_min, idle_look_s_max);
}

void Worker::close_idle() {
  const auto now_s = setup_.clock.unix_s();
  for (auto& [key, session] : sessions_) {
    if (silence_left_s(*session, now_s) <= 0) {
      session->on_trial() ? session->refuse_place() : session->abort();
    } else {
      session->park();
    }
  }
}

// How long a session may go on without a byte in either direction.
std::int64_t Worker::silence_left_s(const Session& session, std::int64_t now_s) const {
  const auto& timeout = session.writing() ? setup_.write_timeout_s : setup_.idle_timeout_s;
  auto timeout_s = timeout.load(std::memory_order_relaxed);
  if (session.on_trial()) timeout_s = limits::trial_deadline.count();
  if (timeout_s <= 0) return std::numeric_limits<std::int64_t>::max();  // never
  return session.last_active_s() + timeout_s - now_s;
}

// The newest may be the index's probe, which shows what it is at once: an older one that has not goes.
void Worker::add_trial(Session& session) {
  const auto share = limits::trial_connections_max / static_cast<std::size_t>(std::max(setup_.workers, 1));
  std::erase_if(trials_, [](const Session* one) { return one->place() != Place::trial; });
  trials_.push_back(&session);
  if (trials_.size() <= std::max<std::size_t>(share, 1)) return;
  auto* oldest = trials_.front();
  trials_.erase(trials_.begin());
  oldest->refuse_place();
}

bool Worker::take_memory(Session& holder, std::size_t bytes, std::size_t bytes_in_all) {
  if (memory_.take(bytes)) return true;
  for (auto& [key, session] : sessions_) {
    if (session.get() != &holder) session->park();
  }
  while (!memory_.take(bytes)) {
    auto* const most = holds_most();
    if (!most || most == &holder || most->held_bytes() <= bytes_in_all) return false;
    most->refuse_memory();
  }
  return true;
}

Session* Worker::holds_most() const {
  const auto less = [](const auto& one, const auto& other) {
    return one.second->held_bytes() < other.second->held_bytes();
  };
  const auto most = std::max_element(sessions_.begin(), sessions_.end(), less);
  return most == sessions_.end() ? nullptr : most->first;
}

void Worker::stop(std::chrono::steady_clock::duration deadline) {
  asio::post(context_, [this, deadline] { begin_stop(deadline); });
}

void Worker::begin_stop(std::chrono::steady_clock::duration deadline) {
  stopping_ = true;
  idle_timer_.cancel();
  for (auto& link : links_) {
    if (link) link->stop_waiting();
  }
  for (auto& [key, session] : sessions_) session->end();
  stop_timer_.expires_after(deadline);
  stop_timer_.async_wait([this](const error_code& error) {
    if (error) return;
    for (auto& link : links_) {
      if (link) link->close();
    }
    for (auto& [key, session] : sessions_) session->abort();
    context_.stop();
  });
  end_if_drained();
}

void Worker::end_if_drained() {
  if (!stopping_ || !sessions_.empty()) return;
  for (auto& link : links_) {
    if (link) link->close();
  }
  stop_timer_.cancel();
  work_.reset();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::kill(std::int32_t session_id, std::function<void(bool found)> reply) {
  asio::post(context_, [this, session_id, reply = std::move(reply)] {
    for (auto& [key, session] : sessions_) {
      if (session->id() != session_id) continue;
      // The asking one still gets its OK; nobody waits for the end of an answer that may never come.
      session->held_up() ? session->abort() : session->end();
      return reply(true);
    }
    reply(false);
  });
}

void Worker::list_sessions(std::function<void(std::vector<SessionFigures>)> reply) {
  asio::post(context_, [this, reply = std::move(reply)] {
    std::vector<SessionFigures> figures;
    figures.reserve(sessions_.size());
    const auto now_s = setup_.clock.unix_s();
    for (const auto& [key, session] : sessions_) {
      figures.push_back(
          {session->id(), session->peer(), session->operation(), now_s - session->last_active_s(), !session->idle()});
    }
    reply(std::move(figures));
  });
}

}  // namespace flare
