#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/rate_gate.h"
#include "common/protocol/door.h"
#include "common/protocol/user_table.h"

namespace flare {

class DoorKeeper;

using Doors = std::vector<Door>;

/// The address of the other end; nullopt: it has gone already.
std::optional<PeerAddress> peer_of(int descriptor);

/// Who comes to a door.
struct Arrival {
  std::string who;                      // as logs name it
  PeerAddress peer;                     // whom the lists judge
  std::optional<PeerAddress> balancer;  // who told that address, if it is not the connection's own
};

/// What one connection may ask, kept by its session: one test for each request.
struct Passage {
  AccessClasses allowed = AccessClasses::all();  // by door and address
  AccessClasses to_be_proven;                    // at this door
  AccessClasses proven;                          // by what the peer has, beside its address; `user` proves more
  std::shared_ptr<const User> user = nullptr;    // who has logged in
  bool acts_as_node = false;                     // has asked something that no client begins with
  AccessClasses granted = AccessClasses::all();  // what may be asked now: of `allowed` what need not be proven, or is
  std::uint16_t door = 0;
  PeerAddress peer;
  std::optional<PeerAddress> balancer;  // who told `peer`
  DoorKeeper* keeper = nullptr;         // outlives the connection; null: nobody keeps the doors

  bool allows(AccessClasses needed) const { return granted.has_any_of(needed); }
  /// The one place where `granted` is made.
  void settle();
  void settle(const Door& at);
  /// This door asks for a user where this address may be a client, and nobody has logged in.
  bool awaits_login() const { return !user && (allowed & to_be_proven).has_any_of(users_prove); }
  /// A node's address may be a client's, too: until it shows which it is, class cluster is kept from it, so that a
  /// client's login is never taken for a write.
  bool keeps_cluster_back() const;
  void act_as_node();
  void log_in(std::shared_ptr<const User> who);
  /// Counts and logs a request that was not allowed.
  void tell_refused(std::string_view who, std::string_view command, AccessClasses needed) const;
  /// Counts a TLS handshake; `why` it or the TLS after it failed is logged.
  void tell_tls_made() const;
  void tell_tls_failed(std::string_view who, std::string_view why) const;
  /// Counts and logs a PROXY protocol header where a request should be.
  void tell_stray_header(std::string_view who) const;
  /// By lists that have changed; false: the connection is not allowed any more.
  /// Likewise by users that have changed: who has another password or role now has to log in again.
  bool renew(const Doors& doors, const UserTable* users = nullptr);
};

/// Lets connections in by their address, and keeps account of refusals. `admit` and `change` belong to the thread that
/// accepts, the rest is safe from any thread.
class DoorKeeper {
 public:
  DoorKeeper(Doors doors, Log& log, const Clock& clock);
  DoorKeeper(const DoorKeeper&) = delete;
  DoorKeeper& operator=(const DoorKeeper&) = delete;

  /// nullopt: refused with one line and closed.
  std::optional<Passage> admit(std::size_t door, int descriptor, const Arrival& arrival);
  /// New lists and classes for the same doors. Sessions take them by `Passage::renew`.
  void change(Doors doors);
  std::shared_ptr<const Doors> doors() const { return doors_; }
  /// What such a connection speaks. One of this machine by the unix socket needs no TLS. On the thread that accepts.
  DoorTls tls_of(const Passage& passage) const;

  void request_refused(std::size_t door, std::string_view who, std::string_view command, AccessClasses needed);
  void tls_made(std::size_t door) { figures_[door].tls_made.fetch_add(1, std::memory_order_relaxed); }
  void tls_failed(std::size_t door, std::string_view who, std::string_view why);
  /// For `stats`: until when the certificate is good.
  void show_certificate_end(std::function<std::string()> end) { certificate_end_ = std::move(end); }
  void connection_closed(std::size_t door) { figures_[door].closed.fetch_add(1, std::memory_order_relaxed); }
  /// What else `stats doors` tells: whole lines.
  void tell_also(std::function<std::string()> more) { more_ = std::move(more); }
  /// Of a balancer's connection that told nothing good, or that of somebody who is none; `why`: behind "refused: ".
  void header_refused(std::size_t door, std::string_view who, std::string_view why);
  /// A balancer's that was closed before its header was whole, as health checks are that only connect.
  void left_before_header(std::size_t door) {
    figures_[door].left_before_header.fetch_add(1, std::memory_order_relaxed);
  }
  /// The lines of `stats doors`, with END. On the thread that accepts.
  std::string stats() const;

 private:
  struct Figures {
    Figures();
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> refused_connections{0};
    std::atomic<std::uint64_t> refused_requests{0};
    std::atomic<std::uint64_t> closed{0};   // because of changed lists
    std::atomic<std::uint64_t> proxied{0};  // of those accepted: a balancer told whose they are
    std::atomic<std::uint64_t> refused_headers{0};
    std::atomic<std::uint64_t> left_before_header{0};
    RateGate connection_log;
    RateGate request_log;
    RateGate header_log;
    std::atomic<std::uint64_t> tls_made{0};
    std::atomic<std::uint64_t> tls_failed{0};
    RateGate tls_log;
  };
  void refuse(std::size_t door, int descriptor, std::string_view who);

  std::shared_ptr<const Doors> doors_;
  std::vector<std::string> names_;  // never changed, so that any thread may name a door
  std::deque<Figures> figures_;     // by door
  std::function<std::string()> more_;
  std::function<std::string()> certificate_end_;
  Log& log_;
  const Clock& clock_;
};

}  // namespace flare
