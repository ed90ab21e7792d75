#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/rate_gate.h"
#include "common/net/blocking_pool.h"
#include "common/net/failed_logins.h"
#include "common/net/task.h"
#include "common/protocol/user_table.h"

namespace flare {

/// Judges who says to be which user (docs/security.md, Authentication). Lives on the thread of its executor; only
/// `check` may come from any thread. crypt(3) runs on a thread of its own, one at a time: guesses cost one core at
/// most.
class Authenticator {
 public:
  struct Attempt {
    PeerAddress from;
    std::string peer;  // as logs name it
    std::string user;
    std::string password;
  };
  enum class Verdict : std::uint8_t { granted, refused, busy };
  struct Outcome {
    Verdict verdict = Verdict::refused;
    std::shared_ptr<const User> user = nullptr;  // granted: who it is
  };
  using Reply = std::function<void(Outcome)>;

  Authenticator(IoExecutor executor, UserTable users, Log& log, const Clock& clock);
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  /// `reply` runs on the executor's thread, once.
  void check(Attempt attempt, Reply reply);

  /// Other users are in force, and what was remembered of the former ones is forgotten.
  void change(UserTable users);
  std::shared_ptr<const UserTable> users() const { return users_; }
  /// Lines for `stats doors`, without END.
  std::string stats() const;

  static constexpr int failures_free = 3;               // of one address, before its answers are delayed
  static constexpr std::size_t waiting_max = 256;       // for their turn
  static constexpr std::size_t delayed_max = 64;        // at one time, and of one address:
  static constexpr std::size_t delayed_of_one_max = 8;  // so nobody's guesses take all places
  static constexpr std::chrono::seconds delay{1};

 private:
  struct Pending {
    Attempt attempt;
    Reply reply;
    bool delayed = false;
  };
  struct Figures {
    std::uint64_t granted = 0;
    std::uint64_t refused = 0;
    std::uint64_t busy = 0;
    std::uint64_t delayed = 0;
    std::uint64_t hashed = 0;  // how often crypt(3) ran
  };
  void take(Pending one);
  void begin_work();
  IoTask<> work();
  bool holds_up(Pending& one);
  void wait_with(Pending one);
  IoTask<bool> matches(const Attempt& attempt, std::shared_ptr<const User> user);
  Digest remembered_as(const Attempt& attempt) const;
  void conclude(Pending one, std::shared_ptr<const User> user);
  void refuse_busy(Pending one);

  IoExecutor executor_;
  std::shared_ptr<const UserTable> users_;
  Log& log_;
  const Clock& clock_;
  std::deque<Pending> waiting_;
  bool working_ = false;
  std::map<Guesser, std::size_t> delayed_;
  std::size_t delayed_in_all_ = 0;
  FailedLogins failed_;
  const std::string key_;      // of this process, so that what is remembered is worth nothing elsewhere
  std::set<Digest> verified_;  // of user and password, by the present users
  Figures figures_;
  RateGate refusal_log_{std::chrono::seconds{1}};
  BlockingPool pool_{1, 1};
};

}  // namespace flare
