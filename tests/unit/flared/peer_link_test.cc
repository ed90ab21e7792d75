// docs/design.md 2, docs/replication.md 12: what becomes of requests that are sent to another node.
#include "flared/peer_link.h"

#include <gtest/gtest.h>

#include <functional>

#include "common/base/limits.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/request_reader.h"
#include "support/deadline.h"
#include "unit/flared/scripted_peer.h"

namespace flare {
namespace {

using namespace std::chrono_literals;
using test::Deadline;
using test::ScriptedPeer;

constexpr std::int64_t now_s = 1'795'522'000;
constexpr auto patience = 20s;  // far more than any wait needs
constexpr std::string_view version_line = "version\r\n";

/// What one client was told.
class Asked {
 public:
  explicit Asked(IoExecutor executor) : answers_(std::make_shared<AwaitedAnswers>(executor)) {}
  AnswerPlace place() { return {answers_, answers_->reserve(0)}; }
  AnswerPlace telling_place() {
    auto made = place();
    made.tells_failure = true;
    return made;
  }
  void end() { answers_->reserve_end(0, 0); }
  bool complete() const { return answers_->complete(); }
  void leave() const {
    answers_->watch_asker([] { return true; });
  }
  std::string text() const {
    OutputBuffer out;
    answers_->merge({}, out);
    return complete() ? std::string{out.view()} : "(incomplete)";
  }

 private:
  std::shared_ptr<AwaitedAnswers> answers_;
};

class PeerLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    setup_.server_name = "127.0.0.1";
    setup_.port = peer_.port();
    setup_.own_name = "a:1";
    setup_.answer_deadline = patience;
    setup_.value_bytes_max = limits::value_bytes_max;
  }

  void TearDown() override {
    if (link_) link_->close();
    peer_.go();
    context_.run_for(patience);
    EXPECT_TRUE(context_.stopped()) << "something still waits after close";
  }

  PeerLink& link() {
    if (!link_) link_ = std::make_shared<PeerLink>(setup_);
    return *link_;
  }
  /// Requests wait for the answer to `version`.
  void greet() {
    setup_.introduce = [] { return std::optional<OwnGreeting>{}; };
  }

  bool eventually(const std::function<bool()>& condition) {
    const Deadline deadline{patience};
    while (!condition()) {
      if (deadline.passed()) return false;
      context_.run_one_for(20ms);
    }
    return true;
  }
  bool receives(std::string_view bytes, std::size_t connection = 0) {
    return eventually(
               [&] { return peer_.connections() > connection && peer_.received(connection).size() >= bytes.size(); }) &&
           peer_.received(connection) == bytes;
  }
  std::string answer_to(const Asked& asked) {
    return eventually([&] { return asked.complete(); }) ? asked.text() : "(no answer)";
  }

  /// `bytes`: one request as a client writes it.
  bool forward(std::string_view bytes, AnswerPlace place) {
    const auto read = reader_.next(bytes);
    EXPECT_EQ(read.kind, ReadResult::Kind::request) << bytes;
    if (!read.request.item) return link().forward(read.request, now_s, std::move(place));
    auto item = std::make_shared<ForwardedItem>(*read.request.item, read.request.prefix, clock_);
    place.form = item;
    return link().forward_item(read.request, std::move(item), now_s, std::move(place));
  }
  Asked forwarded(std::string_view bytes) {
    Asked asked{context_.get_executor()};
    EXPECT_TRUE(forward(bytes, asked.place())) << bytes;
    return asked;
  }
  bool refuses(std::string_view bytes) {
    Asked asked{context_.get_executor()};
    return !forward(bytes, asked.place());
  }
  /// A get of all `keys`. `telling`: with proxy-read-error = error.
  Asked read(const std::vector<std::string>& keys, bool telling = false) {
    Asked asked{context_.get_executor()};
    for (const auto& key : keys) {
      EXPECT_TRUE(link().read(key, {}, telling ? asked.telling_place() : asked.place())) << key;
    }
    link().end_read();
    if (telling) asked.end();
    return asked;
  }

  QueueLimit limit_;  // outlives what the context holds
  asio::io_context context_{1};
  ScriptedPeer peer_{context_};
  PeerLink::Setup setup_{.executor = context_.get_executor(), .server_name = {}, .own_name = {}, .bind_address = {}};
  std::shared_ptr<PeerLink> link_;
  RequestReader reader_{ReaderLimits{}};
  SystemClock clock_;
};

TEST_F(PeerLinkTest, GivesEachRequestItsAnswerInOrder) {
  const auto set = forwarded("set k 1 0 1\r\nv\r\n");
  const auto values = read({"a", "b"});
  const auto number = forwarded("incr n 2\r\n");
  ASSERT_TRUE(receives("<a:1>set k 1 0 1\r\nv\r\nget a b\r\n<a:1>incr n 2\r\n"));
  peer_.say("STORED\r\nVALUE b 0 1\r");
  EXPECT_EQ(answer_to(set), "STORED\r\n");
  peer_.say("\nx\r\nEND\r\n7\r\n");
  EXPECT_EQ(answer_to(number), "7\r\n");
  EXPECT_EQ(values.text(), "VALUE b 0 1\r\nx\r\n");
  EXPECT_EQ(peer_.connections(), 1U);
}

TEST_F(PeerLinkTest, SwallowsTheAnswerThatNoreplyDidNotAskFor) {
  const auto quiet = forwarded("set k 0 0 1 noreply\r\nv\r\n");
  const auto loud = forwarded("add k 0 0 1\r\nv\r\n");
  ASSERT_TRUE(receives("<a:1>set k 0 0 1\r\nv\r\n<a:1>add k 0 0 1\r\nv\r\n"));
  peer_.say("STORED\r\nNOT_STORED\r\n");
  EXPECT_EQ(answer_to(loud), "NOT_STORED\r\n");
  EXPECT_EQ(quiet.text(), "");
}

TEST_F(PeerLinkTest, TellsASentRequestFromOneThatWasNot) {
  const auto sent = forwarded("set k 0 0 1\r\nv\r\n");
  const auto quiet = forwarded("set k 0 0 1 noreply\r\nv\r\n");
  ASSERT_TRUE(eventually([&] { return peer_.connections() == 1 && !peer_.received(0).empty(); }));
  const auto unsent = forwarded("set k 0 0 1\r\nw\r\n");
  link().close();
  EXPECT_EQ(sent.text(), reply::proxy_error);
  EXPECT_EQ(quiet.text(), "");
  EXPECT_EQ(unsent.text(), reply::proxy_failure);
  EXPECT_TRUE(refuses("set k 0 0 1\r\nv\r\n")) << "after close";
}

TEST_F(PeerLinkTest, TellsThatNothingWasDoneWhereNobodyListensAndPauses) {
  peer_.go();
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  const auto missed = read({"k"});
  const auto told = read({"k", "l"}, true);
  EXPECT_EQ(answer_to(write), reply::proxy_failure);
  EXPECT_EQ(missed.text(), "");
  EXPECT_EQ(told.text(), reply::proxy_failure);
  EXPECT_TRUE(refuses("set k 0 0 1\r\nv\r\n")) << "a moment after it was found unreachable";
}

TEST_F(PeerLinkTest, SendsReadsAgainOnceWhenTheConnectionEnds) {
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  const auto values = read({"k"}, true);
  ASSERT_TRUE(receives("<a:1>set k 0 0 1\r\nv\r\nget k\r\n"));
  peer_.hang_up();
  ASSERT_TRUE(receives("get k\r\n", 1));
  EXPECT_EQ(write.text(), reply::proxy_error);
  EXPECT_FALSE(values.complete());
  peer_.hang_up();
  EXPECT_EQ(answer_to(values), reply::proxy_error);
  EXPECT_EQ(peer_.connections(), 2U);
}

TEST_F(PeerLinkTest, GivesWhatTheSecondConnectionAnswersToARead) {
  const auto values = read({"k"});
  ASSERT_TRUE(receives("get k\r\n"));
  peer_.hang_up();
  ASSERT_TRUE(receives("get k\r\n", 1));
  peer_.say("VALUE k 0 1\r\nv\r\nEND\r\n");
  EXPECT_EQ(answer_to(values), "VALUE k 0 1\r\nv\r\n");
}

// cluster.md 9.3: the original used such a connection again, and gave other requests' answers.
TEST_F(PeerLinkTest, ClosesAtTheDeadlineAndGoesOnWithAnother) {
  setup_.answer_deadline = 1s;  // longer than the pause before the next connection
  const auto write = forwarded("incr n 1\r\n");
  const auto values = read({"k"}, true);
  ASSERT_TRUE(receives("<a:1>incr n 1\r\nget k\r\n"));
  EXPECT_EQ(answer_to(write), reply::proxy_error);
  EXPECT_EQ(answer_to(values), reply::proxy_error);
  ASSERT_TRUE(eventually([&] { return peer_.left(0); }));
  const auto next = forwarded("incr n 1\r\n");
  ASSERT_TRUE(receives("<a:1>incr n 1\r\n", 1));
  peer_.say("2\r\n");
  EXPECT_EQ(answer_to(next), "2\r\n");
}

TEST_F(PeerLinkTest, TakesALateAnswerForNobodyElse) {
  setup_.answer_deadline = 1s;
  const auto late = forwarded("incr n 1\r\n");
  ASSERT_TRUE(receives("<a:1>incr n 1\r\n"));
  EXPECT_EQ(answer_to(late), reply::proxy_error);
  const auto next = forwarded("incr n 5\r\n");
  ASSERT_TRUE(receives("<a:1>incr n 5\r\n", 1));
  peer_.say_on(0, "1\r\n");
  peer_.say("6\r\n");
  EXPECT_EQ(answer_to(next), "6\r\n");
}

class Waiting : public PeerLinkTest {
 protected:
  void SetUp() override {
    PeerLinkTest::SetUp();
    setup_.failover_wait = patience;
  }
  void give_back_to_us() {
    setup_.give_back = [this](std::vector<OutgoingPointer> requests) {
      for (auto& request : requests) given_back_.push_back(std::move(request));
    };
  }
  std::vector<OutgoingPointer> given_back_;
};

// replication.md 12
TEST_F(Waiting, WritesWaitForANodeThatCannotBeReachedAndReadsDoNot) {
  peer_.pause();
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  const auto item = forwarded("md k\r\n");
  const auto missed = read({"k"}, true);
  EXPECT_EQ(answer_to(missed), reply::proxy_failure);
  const auto later = forwarded("set k 0 0 1 noreply\r\nw\r\n");
  Asked own{context_.get_executor()};
  ASSERT_TRUE(link().read("k", {.waits = true}, own.place())) << "what this connection wrote";
  link().end_read();
  EXPECT_FALSE(write.complete() || item.complete() || later.complete() || own.complete());
  peer_.listen_again();
  ASSERT_TRUE(receives("<a:1>set k 0 0 1\r\nv\r\n<a:1>md k\r\n<a:1>set k 0 0 1\r\nw\r\nget k\r\n"));
  peer_.say("STORED\r\nHD\r\nSTORED\r\nEND\r\n");
  EXPECT_EQ(answer_to(own), "");
  EXPECT_EQ(write.text(), "STORED\r\n");
  EXPECT_EQ(item.text(), "HD\r\n");
}

TEST_F(Waiting, EndsAfterFailoverWait) {
  setup_.failover_wait = 300ms;
  peer_.pause();
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  EXPECT_EQ(answer_to(write), reply::proxy_failure);
}

TEST_F(Waiting, EndsWhenTheClientHasGone) {
  peer_.pause();
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  write.leave();
  EXPECT_EQ(answer_to(write), reply::proxy_failure);
}

TEST_F(Waiting, EndsWhenTheWorkerStops) {
  peer_.pause();
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  link().stop_waiting();
  EXPECT_EQ(write.text(), reply::proxy_failure);
  EXPECT_TRUE(refuses("set k 0 0 1\r\nv\r\n"));
}

TEST_F(Waiting, GivesBackInOrderWhatIsNotSentAndReadsAndFailsTheRest) {
  give_back_to_us();
  const auto sent = forwarded("set k 0 0 1\r\nv\r\n");
  const auto values = read({"k"});
  ASSERT_TRUE(receives("<a:1>set k 0 0 1\r\nv\r\nget k\r\n"));
  const auto unsent = forwarded("set k 0 0 1\r\nw\r\n");
  link().close();
  EXPECT_EQ(sent.text(), reply::proxy_error);
  EXPECT_FALSE(values.complete() || unsent.complete());
  ASSERT_EQ(given_back_.size(), 2U);
  EXPECT_EQ(given_back_[0]->keys, " k");
  EXPECT_EQ(given_back_[1]->write.request().key, "k");
  EXPECT_EQ(given_back_[1]->write.request().data, "w");
}

TEST_F(Waiting, WhatComesWhileANodeIsSilentIsNotSentToIt) {
  give_back_to_us();
  const auto sent = forwarded("set k 0 0 1\r\nv\r\n");
  ASSERT_TRUE(receives("<a:1>set k 0 0 1\r\nv\r\n"));
  context_.run_for(1100ms);  // longer than a node may be silent and still get more
  const auto held = forwarded("set k 0 0 1\r\nw\r\n");
  context_.run_for(100ms);
  link().close();
  EXPECT_EQ(sent.text(), reply::proxy_error);
  ASSERT_EQ(given_back_.size(), 1U);
  EXPECT_EQ(given_back_[0]->write.request().data, "w");
}

TEST_F(Waiting, GoesOnWhenASilentNodeAnswers) {
  const auto first = forwarded("incr n 1\r\n");
  ASSERT_TRUE(receives("<a:1>incr n 1\r\n"));
  context_.run_for(1100ms);
  const auto second = forwarded("incr n 2\r\n");
  context_.run_for(50ms);
  EXPECT_EQ(peer_.received(0), "<a:1>incr n 1\r\n");
  peer_.say("1\r\n");
  ASSERT_TRUE(receives("<a:1>incr n 1\r\n<a:1>incr n 2\r\n"));
  peer_.say("3\r\n");
  EXPECT_EQ(answer_to(second), "3\r\n");
}

TEST_F(Waiting, TheLinkToThisNodeItselfOnlyWaits) {
  give_back_to_us();
  setup_.port = 0;
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  const auto values = read({"k"});
  context_.run_for(300ms);
  EXPECT_FALSE(write.complete() || values.complete());
  link().close();
  EXPECT_EQ(given_back_.size(), 2U);
}

// max-total-thread-queue
TEST_F(PeerLinkTest, TakesNoMoreThanAllLinksTogetherMay) {
  limit_.most = 2;
  setup_.limit = &limit_;
  const auto first = forwarded("incr n 1\r\n");
  const auto second = forwarded("incr n 1\r\n");
  EXPECT_EQ(limit_.queued, 2);
  EXPECT_TRUE(refuses("incr n 1\r\n"));
  ASSERT_TRUE(eventually([&] { return peer_.connections() == 1 && !peer_.received(0).empty(); }));
  peer_.say("1\r\n");
  EXPECT_EQ(answer_to(first), "1\r\n");
  EXPECT_FALSE(refuses("incr n 1\r\n"));
  link_->close();
  EXPECT_EQ(limit_.queued, 0);
}

class LostStep : public PeerLinkTest, public testing::WithParamInterface<const char*> {};

TEST_P(LostStep, EndsTheConnectionAndFailsWhatWasSent) {
  const auto values = read({"k"});
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  ASSERT_TRUE(receives("get k\r\n<a:1>set k 0 0 1\r\nv\r\n"));
  peer_.say(GetParam());
  EXPECT_EQ(answer_to(write), reply::proxy_error);
  ASSERT_TRUE(receives("get k\r\n", 1));
  peer_.say("END\r\n");
  EXPECT_EQ(answer_to(values), "");
}

INSTANTIATE_TEST_SUITE_P(Spec_9_3, LostStep,
                         testing::Values("STORED\r\n", "VALUE k\r\n", "VALUE k 0 99999999999\r\n",
                                         "VALUE k 0 1\r\nvv\r\nEND\r\n", "OK\r\n"));

TEST_F(PeerLinkTest, EndsAConnectionThatAnswersUnasked) {
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  ASSERT_TRUE(receives("<a:1>set k 0 0 1\r\nv\r\n"));
  peer_.say("STORED\r\nSTORED\r\n");
  EXPECT_EQ(answer_to(write), "STORED\r\n");
  ASSERT_TRUE(eventually([&] { return peer_.left(0); }));
  const auto next = forwarded("add k 0 0 1\r\nv\r\n");
  ASSERT_TRUE(receives("<a:1>add k 0 0 1\r\nv\r\n", 1));
  peer_.say("NOT_STORED\r\n");
  EXPECT_EQ(answer_to(next), "NOT_STORED\r\n");
}

// cluster.md 9.11.
TEST_F(PeerLinkTest, TellsAMissFromAnErrorOfTheOtherNodeWhereAsked) {
  struct Row {
    const char* answer;
    std::string told;
    std::string hidden;
  };
  const std::string value = "VALUE a 0 1\r\nx\r\n";
  const std::vector<Row> rows{
      {"END\r\n", "END\r\n", ""},
      {"VALUE a 0 1\r\nx\r\nEND\r\n", value + "END\r\n", value},
      {"SERVER_ERROR out of disk space\r\n", std::string{reply::proxy_error}, ""},
      {"ERROR\r\n", std::string{reply::proxy_error}, ""},
      {"VALUE a 0 1\r\nx\r\nSERVER_ERROR proxy failure\r\n", value + std::string{reply::proxy_error}, value},
  };
  for (const auto& row : rows) {
    const auto told = read({"a", "b"}, true);
    const auto hidden = read({"a", "b"});
    ASSERT_TRUE(eventually([&] { return peer_.connections() == 1 && peer_.received(0).ends_with("get a b\r\n"); }));
    peer_.say(row.answer);
    peer_.say(row.answer);
    EXPECT_EQ(answer_to(hidden), row.hidden) << row.answer;
    EXPECT_EQ(told.text(), row.told) << row.answer;
  }
}

// daemons.md 3.5: whatever proxy-read-error says.
TEST_F(PeerLinkTest, AlwaysTellsOfARecordThatTheOtherNodeCannotRead) {
  const std::string value = "VALUE a 0 1\r\nx\r\n";
  for (const auto& found : {std::string{}, value}) {
    Asked asked{context_.get_executor()};
    for (const char* key : {"a", "b"}) ASSERT_TRUE(link().read(key, {}, asked.place()));
    link().end_read();
    asked.end();
    ASSERT_TRUE(eventually([&] { return peer_.connections() == 1 && peer_.received(0).ends_with("get a b\r\n"); }));
    peer_.say(found + std::string{reply::io_error});
    ASSERT_TRUE(eventually([&] { return asked.complete(); }));
    EXPECT_EQ(asked.text(), found + std::string{reply::io_error});
  }
}

TEST_F(PeerLinkTest, ShowsOfAGatItsValueAndItsErrorWhereAsked) {
  const std::string value = "VALUE a 0 1\r\nx\r\n";
  const std::vector<std::pair<std::string, std::string>> rows{
      {value, value + "END\r\n"},
      {"NOT_FOUND\r\n", "END\r\n"},
      {"SERVER_ERROR proxy failure\r\n", std::string{reply::proxy_error}},
  };
  for (const auto& [said, expected] : rows) {
    Request request;
    request.command = Command::gat;
    request.key = "a";
    Asked told{context_.get_executor()};
    Asked hidden{context_.get_executor()};
    ASSERT_TRUE(link().forward_value(request, now_s, told.telling_place()));
    ASSERT_TRUE(link().forward_value(request, now_s, hidden.place()));
    told.end();
    ASSERT_TRUE(eventually([&] { return peer_.connections() == 1 && peer_.received(0).ends_with("gat a 0\r\n"); }));
    peer_.say(said + said);
    EXPECT_EQ(answer_to(hidden), said == value ? value : "") << said;
    EXPECT_EQ(told.text(), expected) << said;
  }
}

TEST_F(PeerLinkTest, TellsANodeOfOursOfMetaRequestsInOrderWithTheOthers) {
  greet();
  const auto first = forwarded("set k 0 0 1\r\nv\r\n");
  const auto item = forwarded("md k q\r\n");
  const auto last = read({"k"});
  ASSERT_TRUE(receives(version_line));
  peer_.say("VERSION 2.0.0\r\n");
  ASSERT_TRUE(eventually([&] { return peer_.received(0).ends_with("get k\r\n"); }));
  const auto later = forwarded("md k\r\n");
  ASSERT_TRUE(eventually([&] { return peer_.received(0).ends_with("md k\r\n"); })) << peer_.received(0);
  EXPECT_EQ(peer_.received(0), "version\r\n<a:1>set k 0 0 1\r\nv\r\n<a:1>md k\r\nget k\r\n<a:1>md k\r\n");
  peer_.say("STORED\r\nNF\r\nEND\r\nHD\r\n");
  EXPECT_EQ(answer_to(later), "HD\r\n");
  EXPECT_EQ(first.text(), "STORED\r\n");
  EXPECT_EQ(item.text(), "NF\r\n");
  EXPECT_EQ(last.text(), "");
}

TEST_F(PeerLinkTest, AsksAnOriginalInClassicWordsAndRefusesWhatItHasNoneFor) {
  greet();
  const auto first = forwarded("md k\r\n");
  const auto wordless = forwarded("me k\r\n");
  const auto write = forwarded("incr n 1\r\n");
  ASSERT_TRUE(receives(version_line));
  peer_.say("VERSION flare-1.3.4\r\n");
  const std::string asked = "version\r\n<a:1>delete k 0\r\n<a:1>incr n 1\r\n";
  ASSERT_TRUE(receives(asked));
  EXPECT_TRUE(wordless.text().starts_with("SERVER_ERROR not done: the master of this key is an original"))
      << wordless.text();
  const auto later_wordless = forwarded("ma n N0\r\n");
  EXPECT_TRUE(answer_to(later_wordless).starts_with("SERVER_ERROR not done")) << later_wordless.text();
  const auto later = forwarded("mg k v T60\r\n");
  ASSERT_TRUE(receives(asked + "<a:1>gat k 1795522060\r\n"));
  peer_.say("DELETED\r\n3\r\nVALUE k 5 2\r\nhi\r\n");
  EXPECT_EQ(answer_to(later), "VA 2\r\nhi\r\n");
  EXPECT_EQ(first.text(), "HD\r\n");
  EXPECT_EQ(write.text(), "3\r\n");
}

TEST_F(PeerLinkTest, FailsWhatWaitsForAGreetingThatDoesNotCome) {
  greet();
  const auto item = forwarded("md k\r\n");
  const auto write = forwarded("set k 0 0 1\r\nv\r\n");
  ASSERT_TRUE(receives(version_line));
  peer_.hang_up();
  EXPECT_EQ(answer_to(item), reply::proxy_failure);
  EXPECT_EQ(answer_to(write), reply::proxy_failure);
}

TEST_F(PeerLinkTest, TakesABoundedNumberOfRequests) {
  std::vector<Asked> all;
  for (std::size_t number = 0; number < limits::peer_pending_max; ++number) all.push_back(forwarded("incr n 1\r\n"));
  EXPECT_TRUE(refuses("incr n 1\r\n"));
  EXPECT_TRUE(refuses("md k\r\n"));
  Asked late{context_.get_executor()};
  EXPECT_FALSE(link().read("k", {}, late.place()));
  ASSERT_TRUE(eventually([&] { return peer_.connections() == 1 && !peer_.received(0).empty(); }));
  peer_.say("1\r\n");
  EXPECT_EQ(answer_to(all.front()), "1\r\n");
  EXPECT_FALSE(refuses("incr n 1\r\n"));
}

TEST_F(PeerLinkTest, TakesABoundedNumberOfBytes) {
  greet();
  const auto half = limits::peer_pending_bytes_max / 2 + 1;
  const auto size = std::to_string(half);
  const auto write = "set k 0 0 " + size + "\r\n" + std::string(half, 'v') + "\r\n";
  const auto item = "ms k " + size + "\r\n" + std::string(half, 'v') + "\r\n";
  const auto taken = forwarded(item);
  EXPECT_TRUE(refuses(write));
  EXPECT_TRUE(refuses(item));
  const auto small = forwarded("incr n 1\r\n");
  link().close();
  EXPECT_EQ(taken.text(), reply::proxy_failure);
  EXPECT_EQ(small.text(), reply::proxy_failure);
}

}  // namespace
}  // namespace flare
