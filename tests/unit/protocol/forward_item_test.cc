#include "common/protocol/forward_item.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "common/protocol/answer_reader.h"
#include "common/protocol/forward_request.h"
#include "common/protocol/item_answer.h"
#include "common/protocol/request_reader.h"
#include "unit/protocol/item_text.h"

namespace flare {
namespace {

constexpr std::int64_t now_s = 1'795'522'000;

/// A request as a reader gave it: with the reader that its views may point into.
class Reading {
 public:
  explicit Reading(std::string bytes) : bytes_(std::move(bytes)) {
    result_ = reader_.next(bytes_);
    EXPECT_EQ(result_.kind, ReadResult::Kind::request) << bytes_;
    EXPECT_EQ(result_.consumed, bytes_.size()) << bytes_;
    EXPECT_NE(result_.request.item, nullptr) << bytes_;
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  const ItemRequest& item() const { return *result_.request.item; }
  std::string_view prefix() const { return result_.request.prefix; }

 private:
  std::string bytes_;
  RequestReader reader_{ReaderLimits{}};
  ReadResult result_;
};

std::string forwarded(const ItemRequest& item, std::string_view prefix = {}) {
  OutputBuffer out;
  append_forwarded_item(out, item, prefix, "a:1", now_s);
  return std::string{out.view()};
}

struct Case {
  const char* client;
  const char* node;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.client); }

class ForwardedItem : public testing::TestWithParam<Case> {};

TEST_P(ForwardedItem, IsWrittenAs) {
  const Reading reading{GetParam().client};
  EXPECT_EQ(forwarded(reading.item(), reading.prefix()), GetParam().node);
}

TEST_P(ForwardedItem, SaysTheSameToTheNextNode) {
  const Reading again{GetParam().node};
  EXPECT_FALSE(again.item().quiet);
  EXPECT_EQ(again.prefix().substr(again.prefix().size() - 3), "a:1");
  const auto names = again.prefix().substr(0, again.prefix().size() - 3);
  EXPECT_EQ(forwarded(again.item(), names.substr(0, names.size() - (names.empty() ? 0 : 1))), GetParam().node);
}

INSTANTIATE_TEST_SUITE_P(
    Design_2, ForwardedItem,
    testing::Values(Case{"mg k\r\n", "<a:1>mg k s f c t\r\n"}, Case{"mg k q v O1 k u\r\n", "<a:1>mg k v s f c t\r\n"},
                    Case{"<b:2>mg k v\r\n", "<b:2,a:1>mg k v s f c t\r\n"},
                    Case{"mg k N30 R20 T100\r\n", "<a:1>mg k s f c t N1795522030 R20 T1795522100\r\n"},
                    Case{"mg k T0 N-1\r\n", "<a:1>mg k s f c t N2592001 T0\r\n"},
                    Case{"<b:2>mg k Pplain\r\n", "<b:2,a:1>mg k s f c t Pplain\r\n"},
                    Case{"mg azEy b k\r\n", "<a:1>mg k12 s f c t\r\n"},
                    Case{"ms k 2\r\nhi\r\n", "<a:1>ms k 2 c\r\nhi\r\n"},
                    Case{"ms azEy 2 b T0\r\nhi\r\n", "<a:1>ms k12 2 T0 c\r\nhi\r\n"},
                    Case{"ms k 2 q F7 T100 ME\r\nhi\r\n", "<a:1>ms k 2 F7 T1795522100 ME c\r\nhi\r\n"},
                    Case{"ms k 0 MA\r\n\r\n", "<a:1>ms k 0 MA c\r\n\r\n"},
                    Case{"ms k 2 MP\r\nhi\r\n", "<a:1>ms k 2 MP c\r\nhi\r\n"},
                    Case{"ms k 2 MR T-1\r\nhi\r\n", "<a:1>ms k 2 T2592001 MR c\r\nhi\r\n"},
                    Case{"ms k 2 C5 I O1\r\nhi\r\n", "<a:1>ms k 2 C5 I c\r\nhi\r\n"},
                    Case{"md k q\r\n", "<a:1>md k\r\n"}, Case{"md k C0 I T30\r\n", "<a:1>md k C0 I T1795522030\r\n"},
                    Case{"ma k\r\n", "<a:1>ma k D1 t c\r\n"},
                    Case{"ma k MD D18446744073709551615 v q\r\n", "<a:1>ma k MD D18446744073709551615 v t c\r\n"},
                    Case{"ma k N30 J10 T60 C3\r\n", "<a:1>ma k D1 N1795522030 J10 C3 t c T1795522060\r\n"},
                    Case{"me azEy b\r\n", "<a:1>me k12\r\n"}));

struct AnswerCase {
  std::string request;
  std::string answer;
  std::string result;  // text_of
};

std::ostream& operator<<(std::ostream& out, const AnswerCase& row) {
  return out << testing::PrintToString(row.request + row.answer);
}

class NodeAnswer : public testing::TestWithParam<AnswerCase> {};

TEST_P(NodeAnswer, IsReadAs) {
  const Reading reading{GetParam().request};
  EXPECT_EQ(test::text_of(parse_item_answer(reading.item(), GetParam().answer, now_s)), GetParam().result);
}

const std::string unknown = "failed SERVER_ERROR proxy error\r\n";

INSTANTIATE_TEST_SUITE_P(
    Design_2, NodeAnswer,
    testing::Values(
        AnswerCase{"mg k v\r\n", "VA 2 s2 f7 c5 t100\r\nhi\r\n",
                   "done version=5 flags=7 expire=1795522100 bytes=2 \"hi\""},
        AnswerCase{"mg k v\r\n", "VA 0 s0 f0 c5 t-1 W\r\n\r\n", "done version=5 won"},
        AnswerCase{"mg k v\r\n", "VA 6 s6 f0 c5 t-1 Z X\r\nEN\r\nEN\r\n",
                   "done version=5 bytes=6 \"EN\r\nEN\" stale token_sent"},
        AnswerCase{"mg k\r\n", "HD s2 f7 c5 t0\r\n", "done version=5 flags=7 expire=1795522000 bytes=2"},
        AnswerCase{"mg k\r\n", "HD s2 f7 c5 t9223372036854775807\r\n",
                   "done version=5 flags=7 expire=9223372036854775807 bytes=2"},
        AnswerCase{"mg k q\r\n", "EN\r\n", "missing"}, AnswerCase{"ms k 1\r\nx\r\n", "HD c9\r\n", "done version=9"},
        AnswerCase{"ms k 1\r\nx\r\n", "NS c0\r\n", "not_stored"}, AnswerCase{"ms k 1\r\nx\r\n", "EX c0\r\n", "exists"},
        AnswerCase{"ms k 1\r\nx\r\n", "NF c0\r\n", "missing"},
        AnswerCase{"ms k 1\r\nx\r\n", "SERVER_ERROR object too large for cache\r\n", "too_large"},
        AnswerCase{"md k\r\n", "HD\r\n", "done"}, AnswerCase{"md k\r\n", "NF\r\n", "missing"},
        AnswerCase{"md k\r\n", "EX\r\n", "exists"},
        AnswerCase{"ma k v\r\n", "VA 20 t-1 c3\r\n18446744073709551615\r\n",
                   "done version=3 number=18446744073709551615"},
        AnswerCase{"ma k\r\n", "HD t5 c3\r\n", "done version=3 expire=1795522005"},
        AnswerCase{"ma k\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n", "non_numeric"},
        AnswerCase{"me k\r\n", "ME exp=1 exp=-1 cas=3 size=9\r\n", "done version=3 bytes=9"},
        AnswerCase{"me k\r\n", "ME k exp=30 cas=3 size=9\r\n", "done version=3 expire=1795522030 bytes=9"},
        AnswerCase{"me k\r\n", "EN\r\n", "missing"},
        AnswerCase{"md k\r\n", "SERVER_ERROR no partition available\r\n",
                   "failed SERVER_ERROR no partition available\r\n"},
        AnswerCase{"md k\r\n", "ERROR\r\n", "failed SERVER_ERROR proxy failure\r\n"}));

// Whatever is not such an answer tells nothing of what was done.
INSTANTIATE_TEST_SUITE_P(
    Garbage, NodeAnswer,
    testing::Values(AnswerCase{"mg k\r\n", "", unknown}, AnswerCase{"mg k\r\n", "HD s2", unknown},
                    AnswerCase{"mg k\r\n", "\r\n", unknown}, AnswerCase{"mg k\r\n", "STORED\r\n", unknown},
                    AnswerCase{"mg k v\r\n", "HD s2\r\n", unknown}, AnswerCase{"mg k\r\n", "VA 1\r\nx\r\n", unknown},
                    AnswerCase{"mg k v\r\n", "VA 3 s2\r\nhi\r\n", unknown},
                    AnswerCase{"mg k v\r\n", "VA 18446744073709551614\r\nhi\r\n", unknown},
                    AnswerCase{"mg k v\r\n", "VA x\r\nhi\r\n", unknown}, AnswerCase{"mg k\r\n", "HD cx\r\n", unknown},
                    AnswerCase{"mg k\r\n", "HD f4294967296\r\n", unknown}, AnswerCase{"mg k\r\n", "HD t\r\n", unknown},
                    AnswerCase{"ma k v\r\n", "VA 2\r\n1x\r\n", unknown}, AnswerCase{"me k\r\n", "HD\r\n", unknown},
                    AnswerCase{"me k\r\n", "ME k exp=x\r\n", unknown}));

// A result travels through a node without loss: what the next node answers is what its own client would be told.
TEST(ItemAnswer, OfANodeTellsAllThatItKnew) {
  ItemResult result;
  result.status = ItemStatus::done;
  result.version = 18446744073709551615u;
  result.flags = 4294967295u;
  result.expire_s = now_s + 77;
  result.data_bytes = 3;
  result.data = "a\r\n";
  result.stale = true;
  result.token_sent = true;
  const Reading client{"mg k v q O1\r\n"};
  const Reading node{forwarded(client.item())};
  OutputBuffer out;
  append_meta_answer(out, node.item(), result, now_s);
  const auto scan = AnswerReader{AnswerShape::item}.scan(out.view());
  EXPECT_EQ(scan.kind, AnswerScan::Kind::complete);
  EXPECT_EQ(scan.size, out.size());
  EXPECT_EQ(test::text_of(parse_item_answer(client.item(), out.view(), now_s)), test::text_of(result));
}

struct ClassicCase {
  std::string request;
  std::string line;  // as append_forwarded_write writes it; empty: an original has no such command
};

std::ostream& operator<<(std::ostream& out, const ClassicCase& row) {
  return out << testing::PrintToString(row.request);
}

class Classic : public testing::TestWithParam<ClassicCase> {};

TEST_P(Classic, HasTheForm) {
  const Reading reading{GetParam().request};
  const auto classic = classic_form(reading.item());
  ASSERT_EQ(classic.has_value(), !GetParam().line.empty());
  if (!classic) return;
  OutputBuffer out;
  if (classic->command == Command::gets) {
    append_forwarded_read(out, true, {&classic->key, 1});
  } else {
    append_forwarded_write(out, *classic, "a:1", now_s);
  }
  EXPECT_EQ(out.view(), GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(
    Spec_2, Classic,
    testing::Values(ClassicCase{"mg k v c f s k O1 q\r\n", "gets k\r\n"}, ClassicCase{"mg azEy b\r\n", "gets k12\r\n"},
                    ClassicCase{"mg k t\r\n", ""}, ClassicCase{"mg k N3\r\n", ""}, ClassicCase{"mg k R3\r\n", ""},
                    ClassicCase{"mg k T30\r\n", "<a:1>touch k 1795522030\r\n"}, ClassicCase{"mg k T30 s\r\n", ""},
                    ClassicCase{"mg k T0 v f s\r\n", "<a:1>gat k 0\r\n"}, ClassicCase{"mg k T30 v c\r\n", ""},
                    ClassicCase{"ms k 2 F7 T30\r\nhi\r\n", "<a:1>set k 7 1795522030 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 T-1\r\nhi\r\n", "<a:1>set k 0 2592001 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 ME\r\nhi\r\n", "<a:1>add k 0 0 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 MR\r\nhi\r\n", "<a:1>replace k 0 0 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 MA\r\nhi\r\n", "<a:1>append k 0 0 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 MP\r\nhi\r\n", "<a:1>prepend k 0 0 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 C9\r\nhi\r\n", "<a:1>cas k 0 0 2 9\r\nhi\r\n"},
                    ClassicCase{"ms k 2 C9 I\r\nhi\r\n", ""}, ClassicCase{"ms k 2 C9 MA\r\nhi\r\n", ""},
                    ClassicCase{"ms k 2 C9 ME\r\nhi\r\n", "<a:1>add k 0 0 2\r\nhi\r\n"},
                    ClassicCase{"ms k 2 C9 MP\r\nhi\r\n", ""},
                    ClassicCase{"ms k 2 C9 MR\r\nhi\r\n", "<a:1>cas k 0 0 2 9\r\nhi\r\n"},
                    ClassicCase{"ms k 2 c\r\nhi\r\n", ""}, ClassicCase{"md k q\r\n", "<a:1>delete k 0\r\n"},
                    ClassicCase{"md k C1\r\n", ""}, ClassicCase{"md k I\r\n", ""},
                    ClassicCase{"ma k D5 v\r\n", "<a:1>incr k 5\r\n"}, ClassicCase{"ma k MD\r\n", "<a:1>decr k 1\r\n"},
                    ClassicCase{"ma k N0\r\n", ""}, ClassicCase{"ma k C1\r\n", ""}, ClassicCase{"ma k T1\r\n", ""},
                    ClassicCase{"ma k t\r\n", ""}, ClassicCase{"ma k c\r\n", ""}, ClassicCase{"me k\r\n", ""}));

class OriginalsAnswer : public testing::TestWithParam<AnswerCase> {};

TEST_P(OriginalsAnswer, IsReadAs) {
  const Reading reading{GetParam().request};
  EXPECT_EQ(test::text_of(parse_classic_answer(reading.item(), GetParam().answer)), GetParam().result);
}

INSTANTIATE_TEST_SUITE_P(
    Spec_2, OriginalsAnswer,
    testing::Values(
        AnswerCase{"mg k v\r\n", "VALUE k 7 2 5\r\nhi\r\nEND\r\n", "done version=5 flags=7 bytes=2 \"hi\""},
        AnswerCase{"mg k\r\n", "VALUE k 7 2 5\r\nhi\r\nEND\r\n", "done version=5 flags=7 bytes=2"},
        AnswerCase{"mg k v T3\r\n", "VALUE k 7 2\r\nhi\r\n", "done flags=7 bytes=2 \"hi\""},
        AnswerCase{"mg k v\r\n", "END\r\n", "missing"}, AnswerCase{"mg k T3\r\n", "TOUCHED\r\n", "done"},
        AnswerCase{"mg k T3\r\n", "NOT_FOUND\r\n", "missing"}, AnswerCase{"ms k 1\r\nx\r\n", "STORED\r\n", "done"},
        AnswerCase{"ms k 1\r\nx\r\n", "NOT_STORED\r\n", "not_stored"},
        AnswerCase{"ms k 1 C3\r\nx\r\n", "EXISTS\r\n", "exists"}, AnswerCase{"md k\r\n", "DELETED\r\n", "done"},
        AnswerCase{"md k\r\n", "NOT_FOUND\r\n", "missing"}, AnswerCase{"ma k v\r\n", "15\r\n", "done number=15"},
        AnswerCase{"ma k v\r\n", "NOT_FOUND\r\n", "missing"}, AnswerCase{"md k\r\n", "15\r\n", unknown},
        AnswerCase{"mg k v\r\n", "VALUE k 7 9 5\r\nhi\r\n", unknown}, AnswerCase{"mg k v\r\n", "VALUE k\r\n", unknown},
        AnswerCase{"mg k v\r\n", "", "missing"}, AnswerCase{"ma k v\r\n", "", unknown},
        AnswerCase{"ma k v\r\n", "x\r\n", unknown},
        AnswerCase{"ma k v\r\n", "SERVER_ERROR proxy failure\r\n", "failed SERVER_ERROR proxy failure\r\n"}));

}  // namespace
}  // namespace flare
