// docs/security.md, Authentication: who is judged how, and how guesses are slowed down.
#include "common/net/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/password_hash.h"

namespace flare {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using Verdict = Authenticator::Verdict;

PeerAddress address(std::string_view text) { return *parse_peer_address(text); }

TEST(FailedLogins, AreCountedByAddressAndNetworkAndForgotten) {
  FailedLogins failed;
  const FailedLogins::Time begin{1h};
  const Guesser one{address("192.0.2.1")};
  failed.add(one, begin);
  failed.add(one, begin + 59s);
  EXPECT_EQ(failed.count(one, begin + 60s), 2) << "the last one counts";
  EXPECT_EQ(failed.count(Guesser{address("192.0.2.2")}, begin), 0);
  EXPECT_EQ(failed.count(one, begin + 119s), 0);
  failed.add(Guesser{address("2001:db8::1")}, begin);
  EXPECT_EQ(failed.count(Guesser{address("2001:db8::ffff:2")}, begin), 1) << "the same /64";
  EXPECT_EQ(failed.count(Guesser{address("2001:db8:0:1::1")}, begin), 0);
}

TEST(FailedLogins, AreBounded) {
  FailedLogins failed;
  const FailedLogins::Time begin{1h};
  for (std::uint8_t i = 0; i < 255; ++i) {
    for (std::uint8_t k = 0; k < 20; ++k) failed.add(Guesser{peer_of_ipv4({10, 0, k, i})}, begin + 1s * (k + i));
  }
  EXPECT_EQ(failed.size(), FailedLogins::addresses_max);
  EXPECT_EQ(failed.count(Guesser{peer_of_ipv4({10, 0, 0, 0})}, begin), 0) << "the oldest was forgotten";
}

class CollectedLog final : public Log {
 public:
  void write(Level, std::string_view text) override { lines += std::string{text} + "\n"; }
  std::string lines;
};

class AuthenticatorTest : public testing::Test {
 protected:
  // Of `secret`, cheap for a test: 1000 rounds.
  static constexpr const char* hash = "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2";

  void begin(const std::string& file) {
    auto users = UserTable::parse(file);
    ASSERT_TRUE(users) << users.error().reason;
    authenticator_.emplace(context_.get_executor(), std::move(*users), log_, clock_);
  }
  void ask(const std::string& user, const std::string& password, const char* from = "192.0.2.1") {
    authenticator_->check({address(from), std::string{from} + ":7", user, password},
                          [this](Authenticator::Outcome outcome) { outcomes_.push_back(std::move(outcome)); });
  }
  // What was asked until now, in the order of the answers.
  std::vector<Verdict> verdicts() {
    context_.run();
    context_.restart();
    std::vector<Verdict> all;
    for (const auto& outcome : outcomes_) all.push_back(outcome.verdict);
    outcomes_.clear();
    return all;
  }
  Verdict verdict(const std::string& user, const std::string& password) {
    ask(user, password);
    return verdicts().at(0);
  }
  std::string figure(const std::string& name) const {
    const auto text = authenticator_->stats();
    const auto begin = text.find("auth_" + name + " ");
    return begin == std::string::npos ? "" : text.substr(begin, text.find('\r', begin) - begin);
  }

  asio::io_context context_;
  CollectedLog log_;
  SystemClock clock_;
  std::vector<Authenticator::Outcome> outcomes_;
  std::optional<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, ComparesPlainPasswords) {
  begin("ann:secret:ro\n");
  EXPECT_EQ(verdict("ann", "secret"), Verdict::granted);
  EXPECT_EQ(verdict("ann", "secre"), Verdict::refused);
  EXPECT_EQ(verdict("eve", "secret"), Verdict::refused);
  EXPECT_EQ(verdict("", ""), Verdict::refused) << "what was no login at all";
  EXPECT_EQ(figure("hashed"), "auth_hashed 0");
}

TEST_F(AuthenticatorTest, HashesOnceForManyConnectionsOfOneApplication) {
  begin("ann:" + std::string{hash} + "\nbob:plain\n");
  for (int i = 0; i < 100; ++i) ask("ann", "secret");
  EXPECT_EQ(verdicts(), std::vector<Verdict>(100, Verdict::granted));
  EXPECT_EQ(figure("hashed"), "auth_hashed 1");
  EXPECT_EQ(verdict("bob", "plain"), Verdict::granted);
  EXPECT_EQ(figure("hashed"), "auth_hashed 2") << "beside hashes a plain password costs one, too";
  EXPECT_EQ(verdict("eve", "secret"), Verdict::refused);
  EXPECT_EQ(figure("hashed"), "auth_hashed 3") << "and so does a name that nobody has";
  EXPECT_EQ(verdict("eve", "secret"), Verdict::refused) << "the decoy's password is worth nothing";
}

TEST_F(AuthenticatorTest, ForgetsWhatWasVerifiedWhenTheUsersChange) {
  begin("ann:" + std::string{hash} + "\n");
  EXPECT_EQ(verdict("ann", "secret"), Verdict::granted);
  authenticator_->change(*UserTable::parse("ann:other\n"));
  EXPECT_EQ(verdict("ann", "secret"), Verdict::refused);
  EXPECT_EQ(verdict("ann", "other"), Verdict::granted);
}

TEST_F(AuthenticatorTest, DelaysAnAddressThatGuessesAndNoOther) {
  begin("ann:secret\n");
  for (int i = 0; i < Authenticator::failures_free; ++i) ask("ann", "guess");
  EXPECT_EQ(verdicts().size(), 3U);
  EXPECT_EQ(figure("delayed"), "auth_delayed 0");
  for (int i = 0; i < 20; ++i) ask("ann", "secret");
  ask("ann", "secret", "192.0.2.2");
  const auto begun = std::chrono::steady_clock::now();
  const auto answers = verdicts();
  EXPECT_GE(std::chrono::steady_clock::now() - begun, Authenticator::delay);
  std::vector<Verdict> expected(12, Verdict::busy);  // no place to wait in, and nobody looked at the password
  expected.insert(expected.end(), 9, Verdict::granted);
  EXPECT_EQ(answers, expected);
  EXPECT_EQ(figure("delayed"), "auth_delayed 8");
}

TEST_F(AuthenticatorTest, HasABoundedQueue) {
  begin("ann:" + std::string{hash} + "\n");
  for (std::size_t i = 0; i < Authenticator::waiting_max + 50; ++i) ask("ann", "secret");
  auto answers = verdicts();
  EXPECT_EQ(answers.size(), Authenticator::waiting_max + 50);
  EXPECT_GE(std::count(answers.begin(), answers.end(), Verdict::busy), 1);
  EXPECT_GE(std::count(answers.begin(), answers.end(), Verdict::granted), 256);
}

TEST_F(AuthenticatorTest, LogsTheNameAndThePeerAndNeverAPassword) {
  begin("ann:secret\n");
  for (int i = 0; i < 3; ++i) ask("an\nn" + std::string(200, 'x'), "hush");
  static_cast<void>(verdicts());
  EXPECT_THAT(log_.lines, HasSubstr("login of user 'an\\x0anx"));
  EXPECT_THAT(log_.lines, HasSubstr("from 192.0.2.1:7 refused"));
  EXPECT_THAT(log_.lines, Not(HasSubstr("hush")));
  EXPECT_EQ(std::count(log_.lines.begin(), log_.lines.end(), '\n'), 1) << "one line of a second";
}

TEST(PasswordHash, IsVerifiedByTheMethodsOfTheSystem) {
  for (const auto* made :
       {"$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/S0cZ5WrCciNZgfhbpkeFQ4JfkHX.8vPq45lY0iINnCx1Lkm.",
        "$y$j75$salt$7AaIs0B9f0jwZeNZA4Sj0ZD7EbU9CAsq4yRR0uTeR04"}) {
    EXPECT_EQ(fault_of_hash(made), std::nullopt);
    EXPECT_TRUE(matches_hash("secret", made)) << made;
    EXPECT_FALSE(matches_hash("Secret", made)) << made;
  }
}

}  // namespace
}  // namespace flare
