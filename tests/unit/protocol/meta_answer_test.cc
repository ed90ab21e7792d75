#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "common/protocol/item_answer.h"
#include "common/protocol/request_reader.h"

namespace flare {
namespace {

constexpr std::int64_t now_s = 1'800'000'000;

struct Case {
  std::string request;
  ItemResult result;
  std::string answer;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.request); }

ItemResult status(ItemStatus status) {
  ItemResult result;
  result.status = status;
  return result;
}

/// An entry with flags 7, version 5, 100 s to live and the data `hi`.
ItemResult entry() {
  ItemResult result;
  result.status = ItemStatus::done;
  result.version = 5;
  result.flags = 7;
  result.expire_s = now_s + 100;
  result.data_bytes = 2;
  result.data = "hi";
  return result;
}

ItemResult endless() {
  ItemResult result = entry();
  result.expire_s = 0;
  return result;
}

ItemResult past() {
  ItemResult result = entry();
  result.expire_s = now_s - 5;
  return result;
}

/// Which marks are set: a string of W, X, Z.
ItemResult marked(std::string_view marks) {
  ItemResult result = entry();
  result.won = marks.find('W') != std::string_view::npos;
  result.stale = marks.find('X') != std::string_view::npos;
  result.token_sent = marks.find('Z') != std::string_view::npos;
  return result;
}

ItemResult number(std::uint64_t number) {
  ItemResult result = entry();
  result.data = {};
  result.number = number;
  return result;
}

ItemResult failure() {
  ItemResult result = status(ItemStatus::failed);
  result.error = "SERVER_ERROR proxy failure\r\n";
  return result;
}

class MetaAnswer : public testing::TestWithParam<Case> {};

// The answers are memcached 1.6.18's to the same request in the same state.
TEST_P(MetaAnswer, IsWrittenAs) {
  const auto& [request, result, answer] = GetParam();
  RequestReader reader{ReaderLimits{}};
  const auto read = reader.next(request);
  ASSERT_EQ(read.kind, ReadResult::Kind::request);
  ASSERT_EQ(read.request.command, Command::item);
  OutputBuffer out;
  append_meta_answer(out, *read.request.item, result, now_s);
  EXPECT_EQ(out.view(), answer);
}

const auto missing = status(ItemStatus::missing);
const auto done = status(ItemStatus::done);
const auto exists = status(ItemStatus::exists);
const auto not_stored = status(ItemStatus::not_stored);

INSTANTIATE_TEST_SUITE_P(
    Get, MetaAnswer,
    testing::Values(Case{"mg k\r\n", entry(), "HD\r\n"}, Case{"mg k v\r\n", entry(), "VA 2\r\nhi\r\n"},
                    Case{"mg k k O1 v t f s c\r\n", entry(), "VA 2 kk O1 t100 f7 s2 c5\r\nhi\r\n"},
                    Case{"mg k s c O k f t\r\n", entry(), "HD s2 c5 O kk f7 t100\r\n"},
                    Case{"mg k q t u P L\r\n", endless(), "HD t-1\r\n"}, Case{"mg k T-1 t\r\n", past(), "HD t0\r\n"},
                    Case{"mg azEy k b v O1\r\n", entry(), "VA 2 kazEy b O1\r\nhi\r\n"},
                    Case{"mg azEy b v\r\n", entry(), "VA 2\r\nhi\r\n"}, Case{"mg k v\r\n", missing, "EN\r\n"},
                    Case{"mg k k O1 v t f s c\r\n", missing, "EN kk O1\r\n"},
                    Case{"mg aw== b k\r\n", missing, "EN kaw== b\r\n"}, Case{"mg k q O1\r\n", missing, ""},
                    Case{"mg k v q\r\n", failure(), "SERVER_ERROR proxy failure\r\n"}));

INSTANTIATE_TEST_SUITE_P(Marks, MetaAnswer,
                         testing::Values(Case{"mg k N30 t\r\n", marked("W"), "HD t100 W\r\n"},
                                         Case{"mg k s\r\n", marked("Z"), "HD s2 Z\r\n"},
                                         Case{"mg k v k O1\r\n", marked("XW"), "VA 2 kk O1 X W\r\nhi\r\n"},
                                         Case{"mg k v\r\n", marked("ZX"), "VA 2 Z X\r\nhi\r\n"},
                                         Case{"ma k\r\n", marked("ZX"), "HD\r\n"}));

INSTANTIATE_TEST_SUITE_P(Store, MetaAnswer,
                         testing::Values(Case{"ms k 2\r\nhi\r\n", entry(), "HD\r\n"},
                                         Case{"ms k 2 q c\r\nhi\r\n", entry(), ""},
                                         Case{"ms k 2 c k O4\r\nhi\r\n", entry(), "HD c5 kk O4\r\n"},
                                         Case{"ms azEy 2 c k O4 b\r\nhi\r\n", entry(), "HD c5 kazEy b O4\r\n"},
                                         Case{"ms k 2 v s t f\r\nhi\r\n", entry(), "HD\r\n"},
                                         Case{"ms k 2 ME k O1\r\nhi\r\n", not_stored, "NS kk O1\r\n"},
                                         Case{"ms k 2 MR k O1 c\r\nhi\r\n", not_stored, "NS kk O1 c0\r\n"},
                                         Case{"ms k 2 ME q\r\nhi\r\n", not_stored, "NS\r\n"},
                                         Case{"ms k 2 C1 c k O1\r\nhi\r\n", exists, "EX c0 kk O1\r\n"},
                                         Case{"ms k 2 C1 q\r\nhi\r\n", exists, "EX\r\n"},
                                         Case{"ms k 2 C1 c k\r\nhi\r\n", missing, "NF c0 kk\r\n"},
                                         Case{"ms k 2 C1 q\r\nhi\r\n", missing, "NF\r\n"},
                                         Case{"ms k 2 q\r\nhi\r\n", status(ItemStatus::too_large),
                                              "SERVER_ERROR object too large for cache\r\n"}));

INSTANTIATE_TEST_SUITE_P(Remove, MetaAnswer,
                         testing::Values(Case{"md k\r\n", done, "HD\r\n"}, Case{"md k q k O1\r\n", done, ""},
                                         Case{"md k I T30 c k O1\r\n", entry(), "HD kk O1\r\n"},
                                         Case{"md k k O1 q\r\n", missing, "NF kk O1\r\n"},
                                         Case{"md k C1 q\r\n", exists, "EX\r\n"},
                                         Case{"md a2s= b k O1\r\n", done, "HD ka2s= b O1\r\n"}));

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, MetaAnswer,
    testing::Values(Case{"ma k\r\n", number(6), "HD\r\n"}, Case{"ma k q v\r\n", number(6), ""},
                    Case{"ma k v t c k O1\r\n", number(0), "VA 1 t100 c5 kk O1\r\n0\r\n"},
                    Case{"ma k v\r\n", number(18446744073709551615u), "VA 20\r\n18446744073709551615\r\n"},
                    Case{"ma k f s v k\r\n", number(32), "VA 2 kk\r\n32\r\n"},
                    Case{"ma k c\r\n", number(6), "HD c5\r\n"}, Case{"ma k k O1 v c t q\r\n", missing, "NF kk O1\r\n"},
                    Case{"ma k C1 v t k O1\r\n", exists, "EX kk O1\r\n"}, Case{"ma k N0\r\n", not_stored, "NS\r\n"},
                    Case{"ma k k O1 q v\r\n", status(ItemStatus::non_numeric),
                         "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"}));

INSTANTIATE_TEST_SUITE_P(Debug, MetaAnswer,
                         testing::Values(Case{"me k\r\n", entry(), "ME k exp=100 cas=5 size=2\r\n"},
                                         Case{"me azEy b\r\n", endless(), "ME azEy exp=-1 cas=5 size=2\r\n"},
                                         Case{"me k k O1 q\r\n", missing, "EN\r\n"},
                                         Case{"me k\r\n", failure(), "SERVER_ERROR proxy failure\r\n"}));

}  // namespace
}  // namespace flare
