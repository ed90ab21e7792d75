#include "common/net/authenticator.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "common/base/password_hash.h"
#include "common/base/printable.h"

namespace flare {

namespace {

constexpr std::size_t verified_max = 4096;
constexpr std::size_t key_bytes = 32;
constexpr std::size_t logged_name_bytes_max = 64;

}  // namespace

Authenticator::Authenticator(IoExecutor executor, UserTable users, Log& log, const Clock& clock)
    : executor_(executor),
      users_(std::make_shared<const UserTable>(std::move(users))),
      log_(log),
      clock_(clock),
      key_(random_bytes(key_bytes)) {}

void Authenticator::check(Attempt attempt, Reply reply) {
  auto one = std::make_shared<Pending>(Pending{std::move(attempt), std::move(reply)});
  asio::post(executor_, [this, one] { take(std::move(*one)); });
}

void Authenticator::change(UserTable users) {
  users_ = std::make_shared<const UserTable>(std::move(users));
  verified_.clear();
}

void Authenticator::take(Pending one) {
  if (waiting_.size() >= waiting_max) return refuse_busy(std::move(one));
  waiting_.push_back(std::move(one));
  begin_work();
}

void Authenticator::begin_work() {
  if (std::exchange(working_, true)) return;
  asio::co_spawn(executor_, work(), asio::detached);
}

// One after the other: of many connections of one application the first pays for the hash, the others find it verified.
IoTask<> Authenticator::work() {
  while (!waiting_.empty()) {
    auto one = std::move(waiting_.front());
    waiting_.pop_front();
    if (holds_up(one)) continue;
    auto user = users_->find(one.attempt.user);
    const bool good = co_await matches(one.attempt, user);
    conclude(std::move(one), good ? std::move(user) : nullptr);
  }
  working_ = false;
}

// Before the password is looked at, so that the time of the answer does not tell whether it was right.
bool Authenticator::holds_up(Pending& one) {
  const Guesser who{one.attempt.from};
  if (one.delayed || failed_.count(who, clock_.steady()) < failures_free) return false;
  const auto found = delayed_.find(who);
  const auto of_this_one = found == delayed_.end() ? 0 : found->second;
  if (delayed_in_all_ >= delayed_max || of_this_one >= delayed_of_one_max) {
    refuse_busy(std::move(one));
  } else {
    wait_with(std::move(one));
  }
  return true;
}

void Authenticator::wait_with(Pending one) {
  const Guesser who{one.attempt.from};
  ++delayed_[who];
  ++delayed_in_all_;
  ++figures_.delayed;
  auto timer = std::make_shared<Timer>(executor_);
  auto held = std::make_shared<Pending>(std::move(one));
  timer->expires_after(delay);
  timer->async_wait([this, timer, held, who](const error_code& error) {
    if (error) return;
    if (--delayed_[who] == 0) delayed_.erase(who);
    --delayed_in_all_;
    held->delayed = true;
    waiting_.push_back(std::move(*held));  // bounded by delayed_max
    begin_work();
  });
}

// A name that nobody has costs what a name costs that somebody has: a table with hashes computes one for each answer.
IoTask<bool> Authenticator::matches(const Attempt& attempt, std::shared_ptr<const User> user) {
  const auto* any_hash = users_->any_hash();
  if (!any_hash) {
    const bool same = same_secret(attempt.password, user ? user->secret : std::string{});
    co_return user&& same;
  }
  const auto digest = remembered_as(attempt);
  if (verified_.contains(digest)) co_return user != nullptr;
  auto job = [password = attempt.password, hash = user && user->has_hash() ? user->secret : *any_hash]() mutable {
    const bool same = matches_hash(password, hash);
    wipe(password);
    return same;
  };
  ++figures_.hashed;
  const auto asked = users_;
  bool same = false;
  try {
    same = co_await pool_.run(std::move(job));
  } catch (const boost::system::system_error&) {
    co_return false;  // the daemon stops
  }
  if (!user) co_return false;
  if (!user->has_hash()) same = same_secret(attempt.password, user->secret);
  if (asked != users_) {  // the file was read again meanwhile
    const auto now = users_->find(user->name);
    co_return same&& now&&* now == *user;
  }
  if (!same) co_return false;
  if (verified_.size() >= verified_max) verified_.clear();
  verified_.insert(digest);
  co_return true;
}

Digest Authenticator::remembered_as(const Attempt& attempt) const {
  return hmac_sha256(key_, fmt::format("{} {} {}", attempt.user.size(), attempt.user, attempt.password));
}

void Authenticator::conclude(Pending one, std::shared_ptr<const User> user) {
  wipe(one.attempt.password);
  if (user) {
    ++figures_.granted;
    return one.reply({Verdict::granted, std::move(user)});
  }
  ++figures_.refused;
  failed_.add(Guesser{one.attempt.from}, clock_.steady());
  if (const auto held_back = refusal_log_.pass(clock_.steady())) {
    log_.warning(
        "login of user '{}' from {} refused: no such user, or not this password ({} more refused since the "
        "last such line)",
        printable(one.attempt.user, logged_name_bytes_max), one.attempt.peer, *held_back);
  }
  one.reply({Verdict::refused});
}

void Authenticator::refuse_busy(Pending one) {
  wipe(one.attempt.password);
  ++figures_.busy;
  one.reply({Verdict::busy});
}

std::string Authenticator::stats() const {
  std::string text;
  const auto add = [&](std::string_view name, std::uint64_t value) {
    text += fmt::format("STAT auth_{} {}\r\n", name, value);
  };
  add("users", users_->size());
  add("granted", figures_.granted);
  add("refused", figures_.refused);
  add("busy", figures_.busy);
  add("delayed", figures_.delayed);
  add("hashed", figures_.hashed);
  add("waiting", waiting_.size() + delayed_in_all_);
  return text;
}

}  // namespace flare
