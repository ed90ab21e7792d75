// The loop on a pair of sockets whose other end has its answers ready, or has none.
#include "flare_bench/load.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace flare::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_limit = 200ms;

class LoadOnSockets : public testing::Test {
 protected:
  ~LoadOnSockets() override {
    for (const auto peer : peers_) ::close(peer);
  }

  void connect() {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    load_.adopt(std::make_unique<Connection>(ends[0]));
    peers_.push_back(ends[1]);
  }
  void answer(std::size_t connection, std::string_view bytes) {
    ASSERT_EQ(::send(peers_.at(connection), bytes.data(), bytes.size(), MSG_NOSIGNAL), std::ssize(bytes));
  }
  // One get of the first key on each connection.
  void greet() {
    Greeting greeting{load_.connections(), writer_};
    ClosedLoop pace{Clock::now() + 10s, no_request_bound};
    load_.run(pace, greeting, 1, tally_, progress_);
  }

  KeyNames names_{"k", 11};
  ValueBook values_{16};
  std::unique_ptr<Wire> wire_ = make_wire(Protocol::text, names_);
  KeyLedger ledger_{10, Generation{1}};
  static constexpr KeyShare share_{.first = 0, .stride = 1, .count = 10};
  RequestWriter writer_{*wire_, values_, share_, ledger_};
  AnswerChecker checker_{names_, values_, share_, ledger_};
  Load load_{*wire_, checker_, answer_limit};
  std::vector<int> peers_{};
  Tally tally_{};
  Progress progress_{};
};

TEST_F(LoadOnSockets, SendsEachRequestAndTakesItsAnswer) {
  connect();
  connect();
  answer(0, "END\r\n");
  answer(1, "END\r\n");
  greet();
  EXPECT_EQ(tally_.gets, 2U);
  EXPECT_EQ(tally_.missing, 2U);
  EXPECT_EQ(tally_.faults(), 2U);
  EXPECT_EQ(load_.quiet_connections(), 2U);
  char request[100];
  EXPECT_EQ((std::string{request, static_cast<std::size_t>(::recv(peers_[1], request, sizeof request, 0))}),
            "get k0000000000\r\n");
}

TEST_F(LoadOnSockets, GivesUpWhenNothingIsAnswered) {
  connect();
  connect();
  answer(0, "END\r\n");
  const auto begin = Clock::now();
  greet();
  EXPECT_GE(Clock::now() - begin, answer_limit);
  EXPECT_EQ(tally_.gets, 1U);
  EXPECT_EQ(tally_.unanswered, 1U);
  EXPECT_EQ(tally_.lost_connections, 1U);
  EXPECT_EQ(load_.connections(), 1U);
}

TEST_F(LoadOnSockets, CountsAConnectionThatIsClosedAndGoesOnWithoutIt) {
  connect();
  connect();
  ::shutdown(peers_[0], SHUT_RDWR);
  answer(1, "END\r\n");
  greet();
  EXPECT_EQ(tally_.unanswered, 1U);
  EXPECT_EQ(tally_.lost_connections, 1U);
  EXPECT_EQ(tally_.gets, 1U);
  EXPECT_EQ(load_.connections(), 1U);
}

TEST_F(LoadOnSockets, EndsWhenAllConnectionsAreLost) {
  connect();
  ::shutdown(peers_[0], SHUT_RDWR);
  greet();
  OpenLoop pace{Clock::now(), 1'000, 100, 1s};
  Greeting greeting{100, writer_};
  load_.run(pace, greeting, 1, tally_, progress_);
  EXPECT_EQ(tally_.gets, 0U);
  EXPECT_EQ(tally_.unsent, 100U) << "due, but by whom?";
}

TEST_F(LoadOnSockets, TakesBytesThatNobodyAskedForAsWrong) {
  connect();
  answer(0, "END\r\nEND\r\n");
  greet();
  EXPECT_EQ(tally_.wrong, 1U);
  EXPECT_EQ(load_.connections(), 0U);
}

TEST_F(LoadOnSockets, TakesWhatIsNoAnswerAsWrong) {
  connect();
  answer(0, "HELLO\r\n");
  greet();
  EXPECT_EQ(tally_.wrong, 1U);
  EXPECT_EQ(tally_.unanswered, 1U);
  EXPECT_EQ(tally_.first_fault, "not an answer: HELLO..");
}

TEST_F(LoadOnSockets, SeesThatAStillConnectionWasWrittenTo) {
  connect();
  connect();
  answer(0, "END\r\n");
  answer(1, "END\r\n");
  greet();
  answer(0, "x");
  ::shutdown(peers_[1], SHUT_RDWR);
  EXPECT_EQ(load_.quiet_connections(), 0U);
}

TEST_F(LoadOnSockets, CountsTheLatencyOfAFixedRateFromTheDueTime) {
  connect();
  answer(0, "END\r\n");
  Greeting greeting{1, writer_};
  OpenLoop pace{Clock::now() - 150ms, 1'000, 1, 10s};
  load_.run(pace, greeting, 1, tally_, progress_);
  EXPECT_GE(tally_.get_times.longest(), 150ms);
}

}  // namespace
}  // namespace flare::bench
