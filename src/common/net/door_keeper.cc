#include "common/net/door_keeper.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

namespace flare {
namespace {

constexpr std::string_view refusal = "CLIENT_ERROR access denied (this address is not allowed here)\r\n";
constexpr std::chrono::seconds log_pause{1};  // of each door and kind

template <std::size_t size>
std::array<std::uint8_t, size> bytes_at(const sockaddr_storage& storage, std::size_t offset) {
  std::array<std::uint8_t, size> bytes{};
  std::memcpy(bytes.data(), reinterpret_cast<const char*>(&storage) + offset, size);
  return bytes;
}

std::string held_back_text(std::uint64_t held_back) {
  return held_back == 0 ? std::string{} : fmt::format(" ({} more since the last such line)", held_back);
}

}  // namespace

std::optional<PeerAddress> peer_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET) return peer_of_ipv4(bytes_at<4>(storage, offsetof(sockaddr_in, sin_addr)));
  if (storage.ss_family == AF_INET6) return peer_of_ipv6(bytes_at<16>(storage, offsetof(sockaddr_in6, sin6_addr)));
  return PeerAddress{};
}

void Passage::tell_refused(std::string_view who, std::string_view command, AccessClasses needed) const {
  if (keeper) keeper->request_refused(door, who, command, needed);
}

void Passage::tell_tls_made() const {
  if (keeper) keeper->tls_made(door);
}

void Passage::tell_tls_failed(std::string_view who, std::string_view why) const {
  if (keeper) keeper->tls_failed(door, who, why);
}

void Passage::tell_stray_header(std::string_view who) const {
  if (keeper) keeper->header_refused(door, who, "it sends a PROXY protocol header and is not in proxy-protocol-from");
}

// What a balancer has told counts only while it is one.
bool Passage::renew(const Doors& doors, const UserTable* users) {
  if (!keeper) return true;
  if (user) {
    const auto now = users ? users->find(user->name) : nullptr;
    if (!now || *now != *user) user.reset();
  }
  const bool told_by_nobody = balancer && !doors[door].is_balancer(*balancer);
  allowed = told_by_nobody ? AccessClasses{} : doors[door].granted_to(peer);
  settle(doors[door]);
  if (allowed.empty()) keeper->connection_closed(door);
  return !allowed.empty();
}

void Passage::settle(const Door& at) {
  to_be_proven = at.to_be_proven;
  settle();
}

void Passage::settle() {
  const auto all_proven = user ? proven | classes_of(user->role) : proven;
  granted = allowed.without(to_be_proven.without(all_proven));
  if (keeps_cluster_back()) granted = granted.without(AccessClass::cluster);
}

bool Passage::keeps_cluster_back() const {
  const bool client_too = (allowed & to_be_proven).has_any_of(AccessClass::data);
  return client_too && !user && !acts_as_node && !to_be_proven.without(proven).has_any_of(AccessClass::cluster) &&
         allowed.has_any_of(AccessClass::cluster);
}

void Passage::act_as_node() {
  acts_as_node = true;
  settle();
}

void Passage::log_in(std::shared_ptr<const User> who) {
  user = std::move(who);
  settle();
}

DoorKeeper::Figures::Figures()
    : connection_log(log_pause), request_log(log_pause), header_log(log_pause), tls_log(log_pause) {}

DoorKeeper::DoorKeeper(Doors doors, Log& log, const Clock& clock)
    : doors_(std::make_shared<const Doors>(std::move(doors))), figures_(doors_->size()), log_(log), clock_(clock) {
  for (const auto& door : *doors_) names_.push_back(door.name);
}

std::optional<Passage> DoorKeeper::admit(std::size_t door, int descriptor, const Arrival& arrival) {
  const auto& at = (*doors_)[door];
  Passage passage;
  passage.allowed = at.granted_to(arrival.peer);
  passage.settle(at);
  passage.door = static_cast<std::uint16_t>(door);
  passage.peer = arrival.peer;
  passage.balancer = arrival.balancer;
  passage.keeper = this;
  if (passage.allowed.empty()) {
    refuse(door, descriptor, arrival.who);
    return std::nullopt;
  }
  figures_[door].accepted.fetch_add(1, std::memory_order_relaxed);
  if (arrival.balancer) figures_[door].proxied.fetch_add(1, std::memory_order_relaxed);
  return passage;
}

// A balancer may tell of a unix socket of its own.
DoorTls DoorKeeper::tls_of(const Passage& passage) const {
  const auto& came_from = passage.balancer ? *passage.balancer : passage.peer;
  return came_from.family == PeerAddress::Family::unix_socket ? DoorTls::none : (*doors_)[passage.door].tls;
}

void DoorKeeper::refuse(std::size_t number, int descriptor, std::string_view who) {
  const auto& door = (*doors_)[number];
  auto& figures = figures_[number];
  static_cast<void>(::send(descriptor, refusal.data(), refusal.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  ::close(descriptor);
  figures.refused_connections.fetch_add(1, std::memory_order_relaxed);
  if (const auto held_back = figures.connection_log.pass(clock_.steady())) {
    log_.warning("connection of {} refused at door {} (port {}): its address is in no list{}", who, door.name,
                 door.port, held_back_text(*held_back));
  }
}

void DoorKeeper::request_refused(std::size_t door, std::string_view who, std::string_view command,
                                 AccessClasses needed) {
  auto& figures = figures_[door];
  figures.refused_requests.fetch_add(1, std::memory_order_relaxed);
  if (const auto held_back = figures.request_log.pass(clock_.steady())) {
    log_.warning("request '{}' of {} refused at door {}: it has not class {}{}", command, who, names_[door],
                 to_text(needed), held_back_text(*held_back));
  }
}

void DoorKeeper::tls_failed(std::size_t door, std::string_view who, std::string_view why) {
  auto& figures = figures_[door];
  figures.tls_failed.fetch_add(1, std::memory_order_relaxed);
  if (const auto held_back = figures.tls_log.pass(clock_.steady())) {
    log_.warning("no TLS with {} at door {}: {}{}", who, names_[door], why, held_back_text(*held_back));
  }
}

void DoorKeeper::header_refused(std::size_t door, std::string_view who, std::string_view why) {
  auto& figures = figures_[door];
  figures.refused_headers.fetch_add(1, std::memory_order_relaxed);
  if (const auto held_back = figures.header_log.pass(clock_.steady())) {
    log_.warning("connection of {} refused at door {}: {}{}", who, names_[door], why, held_back_text(*held_back));
  }
}

void DoorKeeper::change(Doors doors) { doors_ = std::make_shared<const Doors>(std::move(doors)); }

std::string DoorKeeper::stats() const {
  std::string text;
  for (std::size_t i = 0; i < doors_->size(); ++i) {
    const auto& door = (*doors_)[i];
    const auto& figures = figures_[i];
    const auto add = [&](std::string_view name, const auto& value) {
      text += fmt::format("STAT {}:{} {}\r\n", door.name, name, value);
    };
    add("port", door.port);
    add("classes", class_words(door.classes));
    add("open_to_all", class_words(door.open_to_all()));
    add("accepted", figures.accepted.load(std::memory_order_relaxed));
    add("refused_connections", figures.refused_connections.load(std::memory_order_relaxed));
    add("refused_requests", figures.refused_requests.load(std::memory_order_relaxed));
    add("closed_by_new_lists", figures.closed.load(std::memory_order_relaxed));
    add("proxied", figures.proxied.load(std::memory_order_relaxed));
    add("refused_headers", figures.refused_headers.load(std::memory_order_relaxed));
    add("left_before_header", figures.left_before_header.load(std::memory_order_relaxed));
    if (door.tls == DoorTls::none) continue;
    add("tls", door.tls == DoorTls::mutual ? "mutual" : "server");
    add("tls_connections", figures.tls_made.load(std::memory_order_relaxed));
    add("tls_failures", figures.tls_failed.load(std::memory_order_relaxed));
    if (certificate_end_) add("tls_certificate_until", certificate_end_());
  }
  if (more_) text += more_();
  return text + "END\r\n";
}

}  // namespace flare
