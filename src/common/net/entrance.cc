#include "common/net/entrance.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <list>
#include <optional>
#include <utility>
#include <variant>

#include "common/net/deadline.h"
#include "common/net/parting.h"
#include "common/protocol/proxy_header.h"

namespace flare {
namespace {

using Descriptor = asio::posix::basic_stream_descriptor<IoExecutor>;

constexpr std::string_view header_needed =
    "CLIENT_ERROR access denied (a PROXY protocol header of version 2 is needed from this address)\r\n";
constexpr std::string_view late = "its PROXY protocol header did not come within 2 s";
constexpr std::string_view displaced =
    "256 newer connections of proxy-protocol-from wait for their PROXY protocol header as well";

static_assert(Entrance::header_deadline == std::chrono::seconds{2} && Entrance::waiting_max == 256, "see the texts");

enum class Received { bytes, nothing, end };

}  // namespace

/// A balancer's connection that has still to tell its header.
struct Entrance::Comer {
  Comer(IoExecutor executor, std::size_t at, std::string name, const PeerAddress& from)
      : door(at), who(std::move(name)), balancer(from), socket(executor) {}

  std::size_t door;
  std::string who;
  PeerAddress balancer;
  Descriptor socket;
  std::string header;  // what has come of it
  std::optional<Deadline> deadline;
  std::list<std::shared_ptr<Comer>>::iterator place;
  bool waits = true;  // it has its place among those that wait

  /// Never more than what is missing: what stands behind the header is the session's.
  Received receive(std::size_t bytes_in_all);
};

struct Entrance::State {
  State(IoExecutor io, DoorKeeper& doors, Admitted then)
      : executor(io), keeper(doors), admitted(std::move(then)), partings(io) {}

  IoExecutor executor;
  DoorKeeper& keeper;
  Admitted admitted;
  Partings partings;
  std::list<std::shared_ptr<Comer>> waiting;  // the oldest first
  bool stopped = false;

  void judge(std::size_t door, int descriptor, std::string peer, const Arrival& arrival);
  void let_wait(const std::shared_ptr<Comer>& comer);
  void forget(Comer& comer);
  void drop(Comer& comer, std::string_view why);
  void refuse(Comer& comer, std::string_view why);
  void take(Comer& comer, const ProxyHeader& header);
};

Received Entrance::Comer::receive(std::size_t bytes_in_all) {
  std::array<char, proxy_header_bytes_max> bytes;
  const auto n = ::recv(socket.native_handle(), bytes.data(), bytes_in_all - header.size(), MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? Received::nothing : Received::end;
  if (n == 0) return Received::end;
  header.append(bytes.data(), static_cast<std::size_t>(n));
  return Received::bytes;
}

void Entrance::State::judge(std::size_t door, int descriptor, std::string peer, const Arrival& arrival) {
  if (const auto passage = keeper.admit(door, descriptor, arrival)) admitted(descriptor, std::move(peer), *passage);
}

void Entrance::State::let_wait(const std::shared_ptr<Comer>& comer) {
  if (waiting.size() >= waiting_max) drop(*waiting.front(), displaced);
  comer->place = waiting.insert(waiting.end(), comer);
  comer->deadline.emplace(executor, [this, at = comer.get()] { drop(*at, late); });
  comer->deadline->arm(header_deadline);
}

void Entrance::State::forget(Comer& comer) {
  if (!std::exchange(comer.waits, false)) return;
  comer.deadline->disarm();
  waiting.erase(comer.place);
}

// Its coroutine finds the socket closed.
void Entrance::State::drop(Comer& comer, std::string_view why) {
  keeper.header_refused(comer.door, comer.who, why);
  error_code ignored;
  comer.socket.close(ignored);
  forget(comer);
}

void Entrance::State::refuse(Comer& comer, std::string_view why) {
  keeper.header_refused(comer.door, comer.who, why);
  partings.part(comer.socket.release(), header_needed);
}

void Entrance::State::take(Comer& comer, const ProxyHeader& header) {
  const int descriptor = comer.socket.release();
  if (!header.peer) {
    const Arrival itself{comer.who, comer.balancer, std::nullopt};
    return judge(comer.door, descriptor, std::move(comer.who), itself);
  }
  auto peer = to_text(*header.peer);
  const Arrival proxied{fmt::format("{} by the balancer {}", peer, comer.who), header.peer->address, comer.balancer};
  judge(comer.door, descriptor, std::move(peer), proxied);
}

Entrance::Entrance(IoExecutor executor, DoorKeeper& keeper, Admitted admitted)
    : state_(std::make_shared<State>(executor, keeper, std::move(admitted))) {}

Entrance::~Entrance() { stop(); }

void Entrance::enter(std::size_t door, int descriptor, std::string who) {
  const auto peer = peer_of(descriptor);
  if (!peer || state_->stopped) {  // it has gone already
    ::close(descriptor);
    return;
  }
  if (!(*state_->keeper.doors())[door].is_balancer(*peer)) {
    const Arrival itself{who, *peer, std::nullopt};
    return state_->judge(door, descriptor, std::move(who), itself);
  }
  const auto comer = std::make_shared<Comer>(state_->executor, door, std::move(who), *peer);
  error_code error;
  comer->socket.assign(descriptor, error);
  if (error) {
    ::close(descriptor);
    return;
  }
  state_->let_wait(comer);
  asio::co_spawn(state_->executor, hear(state_, comer), asio::detached);
}

IoTask<> Entrance::hear(std::shared_ptr<State> state, std::shared_ptr<Comer> comer) {
  while (comer->waits) {
    const auto read = read_proxy_header(comer->header);
    if (const auto* wants = std::get_if<ProxyHeaderWants>(&read)) {
      const auto received = comer->receive(wants->bytes_in_all);
      if (received == Received::end) {
        state->keeper.left_before_header(comer->door);
        break;
      }
      if (received == Received::bytes) continue;
      const auto [failed] = co_await comer->socket.async_wait(Descriptor::wait_read, use_task);
      if (failed) break;
      continue;
    }
    state->forget(*comer);
    if (const auto* error = std::get_if<ProxyHeaderError>(&read)) {
      state->refuse(*comer, to_text(*error));
    } else {
      state->take(*comer, std::get<ProxyHeader>(read));
    }
    co_return;
  }
  state->forget(*comer);
}

void Entrance::stop() {
  state_->stopped = true;
  while (!state_->waiting.empty()) {
    auto& comer = *state_->waiting.front();
    error_code ignored;
    comer.socket.close(ignored);
    state_->forget(comer);
  }
}

}  // namespace flare
