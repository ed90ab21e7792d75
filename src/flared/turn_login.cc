// Who has to say who he is, and does (docs/security.md, Authentication). Beside the path of what is allowed: that stays
// as it is.
#include <boost/asio/post.hpp>
#include <utility>

#include "common/protocol/binary_answer.h"
#include "flared/forwarded_item.h"
#include "flared/turn.h"
#include "flared/worker.h"

namespace flare {

namespace {

constexpr int failures_of_connection_max = 3;  // then it is closed

constexpr std::uint8_t sasl_mechanisms = 0x20;
constexpr std::uint8_t sasl_begin = 0x21;

std::string_view text_of(Authenticator::Verdict verdict, bool by_packet) {
  switch (verdict) {
    case Authenticator::Verdict::granted:
      return by_packet ? reply::ok : reply::stored;
    case Authenticator::Verdict::refused:
      return reply::login_refused;
    case Authenticator::Verdict::busy:
      return reply::login_busy;
  }
  return {};
}

}  // namespace

// A door that asks for a user, and nobody has logged in. As memcached with an auth file: a set is the login, whatever
// its key. Where the address is a node's as well, any other request that nodes may send shows that it is one.
void Turn::refuse_stranger(const Request& request) {
  switch (request.command) {
    case Command::version:
    case Command::quit:
    case Command::sasl:
      return answer(request);
    case Command::set:
      if (!request.proxied) return log_in(request, parse_login(request.data));
      break;
    default:
      break;
  }
  const auto needed = classes_for(request);
  if (passage_.keeps_cluster_back() && needed.has_any_of(AccessClass::cluster)) {
    passage_.act_as_node();
    return answer(request);
  }
  passage_.tell_refused(peer_.address, name_of(request.command), needed);
  error(request, reply::unauthenticated);
}

void Turn::answer_sasl(const Request& request) {
  const auto opcode = request.binary->opcode;
  if (opcode == sasl_mechanisms) {
    return append_binary_answer(*output_, *request.binary, BinaryStatus::success, "PLAIN");
  }
  if (opcode != sasl_begin || request.rest != "PLAIN") return error(request, reply::login_refused);
  log_in(request, parse_sasl_plain(request.data));
}

// What is not of the form is judged, counted and delayed as a wrong password is. What follows in the pipeline waits.
void Turn::log_in(const Request& request, const std::optional<Credentials>& given) {
  if (!has_place(request)) return;
  auto* authenticator = worker_.setup().authenticator;
  if (!authenticator) return error(request, reply::login_refused);  // not reached: no door asks then
  Authenticator::Attempt attempt{passage_.peer, peer_.address, {}, {}};
  if (given) {
    attempt.user = given->user;
    attempt.password = given->password;
  }
  more_input_ = true;
  // The session waits for this answer and keeps this turn meanwhile, unless there is no memory for what it holds. In
  // the posted step, and not when the session goes on: a SIGHUP's renewal that comes behind it has to find who it is.
  login_under_way_ = std::make_shared<bool>(true);
  authenticator->check(std::move(attempt), [this, alive = std::weak_ptr{login_under_way_}, place = await(request),
                                            executor = worker_.executor(), quiet = request.noreply,
                                            by_packet = request.binary != nullptr](Authenticator::Outcome outcome) {
    asio::post(executor, [this, alive, place, quiet, by_packet, outcome = std::move(outcome)] {
      if (!alive.expired()) conclude_login(outcome);
      place.fill(quiet ? std::string_view{} : text_of(outcome.verdict, by_packet));
    });
  });
}

void Turn::conclude_login(const Authenticator::Outcome& outcome) {
  if (outcome.verdict == Authenticator::Verdict::granted) return passage_.log_in(outcome.user);
  if (outcome.verdict == Authenticator::Verdict::refused && ++peer_.failed_logins >= failures_of_connection_max) {
    after_ = After::part;
  }
}

}  // namespace flare
