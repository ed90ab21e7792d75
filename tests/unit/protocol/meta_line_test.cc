#include "common/protocol/meta_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "unit/protocol/reader_driver.h"

namespace flare {
namespace {

using test::read_all;
using testing::ElementsAre;

struct Case {
  std::string bytes;
  std::string said;  // what the reader says of it
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << testing::PrintToString(row.bytes); }

class Meta : public testing::TestWithParam<Case> {};

// `mn` behind it is read as a command: what belongs to the request was taken whole, no more.
TEST_P(Meta, IsReadAs) { EXPECT_THAT(read_all(GetParam().bytes + "mn\r\n"), ElementsAre(GetParam().said, "noop")); }

INSTANTIATE_TEST_SUITE_P(
    Get, Meta,
    testing::Values(
        Case{"mg k\r\n", "item get k marks"}, Case{"mg  k  v \r\n", "item get k value marks | v"},
        Case{"mg k v s f c t k O123 q\r\n", "item get k value marks quiet | v s f c t k O123 q"},
        Case{"mg k vxyz sfoo\r\n", "item get k value marks | vxyz sfoo"},
        Case{"mg k N30 R20 T-1\r\n", "item get k exptime=-1 vivify=30 recache=20 marks | N30 R20 T-1"},
        Case{"mg k T0 v\r\n", "item get k exptime=0 value marks | T0 v"}, Case{"mg k u\r\n", "item get k marks | u"},
        Case{"mg k P Lpath/ v\r\n", "item get k value marks | P Lpath/ v"}, Case{"mg k O\r\n", "item get k marks | O"},
        Case{"mg k O1234567890123456789012345678901\r\n", "item get k marks | O1234567890123456789012345678901"},
        Case{"mg k I C1 D5 J6 F7 MX\r\n", "item get k marks | I C1 D5 J6 F7 MX"},  // read over, as memcached
        Case{"mg azEy b k\r\n", "item get k12 marks as_sent=azEy | b k"},
        Case{"mg aw== b\r\n", "item get k marks as_sent=aw== | b"},
        Case{"mg a2s= b\r\n", "item get kk marks as_sent=a2s= | b"},
        Case{"mg ax== b\r\n", "item get k marks as_sent=ax== | b"},
        Case{"mg ay/+ b\r\n", "item get k/\xfe marks as_sent=ay/+ | b"},
        Case{"<a:1>mg k v\r\n", "item prefix=a:1 get k value marks | v"},
        Case{"<a:1>mg k Pplain\r\n", "item prefix=a:1 get k | Pplain"},
        Case{"mg k Pplain\r\n", "item get k marks | Pplain"},  // of a client's: a hint for proxies, read over
        Case{"mg k\x01 v\n", "item get k\x01 value marks | v"}));

INSTANTIATE_TEST_SUITE_P(
    Store, Meta,
    testing::Values(
        Case{"ms k 2\r\nhi\r\n", "item store k \"hi\""}, Case{"ms k 0\r\n\r\n", "item store k \"\""},
        Case{"ms  k  2  c\r\nhi\r\n", "item store k \"hi\" | c"},
        Case{"ms k 4\r\nmn\r\n\r\n", "item store k \"mn\r\n\""},
        Case{"ms k 2 T100 F7 c k O1 q\r\nhi\r\n", "item store k \"hi\" flags=7 exptime=100 quiet | T100 F7 c k O1 q"},
        Case{"ms k 2 C5 I\r\nhi\r\n", "item store k \"hi\" compare=5 invalidate | C5 I"},
        Case{"ms k 2 C18446744073709551615\r\nhi\r\n",
             "item store k \"hi\" compare=18446744073709551615 | C18446744073709551615"},
        Case{"ms k 2 F4294967295\r\nhi\r\n", "item store k \"hi\" flags=4294967295 | F4294967295"},
        Case{"ms k 2 ME\r\nhi\r\n", "item store add k \"hi\" | ME"},
        Case{"ms k 2 MA\r\nhi\r\n", "item store append k \"hi\" | MA"},
        Case{"ms k 2 MP\r\nhi\r\n", "item store prepend k \"hi\" | MP"},
        Case{"ms k 2 MR\r\nhi\r\n", "item store replace k \"hi\" | MR"},
        Case{"ms k 2 MS\r\nhi\r\n", "item store k \"hi\" | MS"},
        Case{"ms k 2 v s t f h l u P L N5 R6 D7 J8\r\nhi\r\n", "item store k \"hi\" | v s t f h l u P L N5 R6 D7 J8"},
        Case{"ms azEy 2 b k\r\nhi\r\n", "item store k12 \"hi\" as_sent=azEy | b k"},
        Case{"<a:1,b:2>ms k 2 T1800000000 c\r\nhi\r\n",
             "item prefix=a:1,b:2 store k \"hi\" exptime=1800000000 | T1800000000 c"}));

INSTANTIATE_TEST_SUITE_P(
    Others, Meta,
    testing::Values(Case{"md k\r\n", "item remove k"},
                    Case{"md k C7 q k O1\r\n", "item remove k compare=7 quiet | C7 q k O1"},
                    Case{"md k I T30\r\n", "item remove k exptime=30 invalidate | I T30"},
                    Case{"md k T30 v MX h l F1\r\n", "item remove k | T30 v MX h l F1"},
                    Case{"md a2s= b k\r\n", "item remove kk as_sent=a2s= | b k"}, Case{"ma k\r\n", "item arithmetic k"},
                    Case{"ma k N30 J10 D5 T60 C3 v t c q\r\n",
                         "item arithmetic k exptime=60 compare=3 delta=5 vivify=30 initial=10 value quiet | N30 J10 D5 "
                         "T60 C3 v t c q"},
                    Case{"ma k MD\r\n", "item arithmetic k decrement | MD"},
                    Case{"ma k M-\r\n", "item arithmetic k decrement | M-"},
                    Case{"ma k MI D18446744073709551615\r\n",
                         "item arithmetic k delta=18446744073709551615 | MI D18446744073709551615"},
                    Case{"ma k M+ h l I R5 F6\r\n", "item arithmetic k | M+ h l I R5 F6"},
                    Case{"ma bW0= b N0 k O2 \r\n", "item arithmetic mm vivify=0 as_sent=bW0= | b N0 k O2"},
                    Case{"me k\r\n", "item debug k"}, Case{"me  k s zz \r\n", "item debug k | s zz"},
                    Case{"me azEy b\r\n", "item debug k12 as_sent=azEy | b"}, Case{"mn\r\n", "noop"},
                    Case{"mn x\r\n", "noop"}, Case{"<a:1>mn\r\n", "noop prefix=a:1"}));

// The texts are memcached 1.6.18's for the same bytes, but for those of NotAsMemcached.
INSTANTIATE_TEST_SUITE_P(
    Refused, Meta,
    testing::Values(Case{"mg\r\n", "!ERROR\r\n"}, Case{"mg \r\n", "!ERROR\r\n"}, Case{"ms\r\n", "!ERROR\r\n"},
                    Case{"md\r\n", "!ERROR\r\n"}, Case{"ma\r\n", "!ERROR\r\n"}, Case{"MN\r\n", "!ERROR\r\n"},
                    Case{"mx k\r\n", "!ERROR\r\n"}, Case{"mg\tk\tv\r\n", "!ERROR\r\n"},
                    Case{"me\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"me k b\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k -1\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k abc\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k 2abc\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k S2\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"mg k z\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"mg k S2\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"mg k noreply\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"mg k v \x01\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"mg k v v\r\n", "!CLIENT_ERROR duplicate flag\r\n"},
                    Case{"mg k z v v\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"mg k v v z\r\n", "!CLIENT_ERROR duplicate flag\r\n"},
                    Case{"mg k O1 O2\r\n", "!CLIENT_ERROR duplicate flag\r\n"},
                    Case{"mg k T\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"mg k T10abc\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"mg k N\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"mg k Rabc\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"mg k D\r\n", "!CLIENT_ERROR invalid numeric delta value\r\n"},
                    Case{"mg k Jx\r\n", "!CLIENT_ERROR invalid numeric initial value\r\n"},
                    Case{"mg k F\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"mg k M\r\n", "!CLIENT_ERROR incorrect length for M token\r\n"},
                    Case{"mg k O12345678901234567890123456789012 v\r\n", "!CLIENT_ERROR opaque token too long\r\n"},
                    Case{"mg k b\r\n", "!CLIENT_ERROR error decoding key\r\n"},
                    Case{"mg aw b\r\n", "!CLIENT_ERROR error decoding key\r\n"},
                    Case{"mg a=== b\r\n", "!CLIENT_ERROR error decoding key\r\n"},
                    Case{"mg ay-_ b\r\n", "!CLIENT_ERROR error decoding key\r\n"},
                    Case{"md k TX\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"md k MXX\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"md k q q\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"md k x\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"md a2s b\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"md k O12345678901234567890123456789012\r\n", "!CLIENT_ERROR opaque token too long\r\n"},
                    Case{"ma k D-1\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"ma k D18446744073709551616\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"ma k JX\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"ma k b\r\n", "!CLIENT_ERROR invalid or duplicate flag\r\n"},
                    Case{"ma k MX\r\n", "!CLIENT_ERROR invalid mode for ma M token\r\n"},
                    Case{"ma k Mi\r\n", "!CLIENT_ERROR invalid mode for ma M token\r\n"}));

// protocol.md 9.5: a refused line with a size takes its payload with it.
INSTANTIATE_TEST_SUITE_P(
    RefusedWithPayload, Meta,
    testing::Values(Case{"ms k 2 S2\r\nhi\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"ms k 4 z\r\nmn\r\n\r\n", "!CLIENT_ERROR invalid flag\r\n"},
                    Case{"ms k 2 c c q\r\nhi\r\n", "!CLIENT_ERROR duplicate flag\r\n"},
                    Case{"ms k 2 MZ q\r\nhi\r\n", "!CLIENT_ERROR invalid mode for ms M token\r\n"},
                    Case{"ms k 2 Me\r\nhi\r\n", "!CLIENT_ERROR invalid mode for ms M token\r\n"},
                    Case{"ms k 2 MAA\r\nhi\r\n", "!CLIENT_ERROR incorrect length for M token\r\n"},
                    Case{"ms k 2 C\r\nhi\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"ms k 2 C-1\r\nhi\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"ms k 2 FX\r\nhi\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k 2 F-1\r\nhi\r\n", "!CLIENT_ERROR bad command line format\r\n"},
                    Case{"ms k 2 T\r\nhi\r\n", "!CLIENT_ERROR bad token in command line format\r\n"},
                    Case{"ms k 2 b\r\nhi\r\n", "!CLIENT_ERROR error decoding key\r\n"},
                    Case{"ms k 2 O12345678901234567890123456789012\r\nhi\r\n",
                         "!CLIENT_ERROR opaque token too long\r\n"},
                    Case{"ms k 2 q\r\nhixx", "!CLIENT_ERROR bad data chunk\r\n"}));

// docs/compatibility.md, Meta commands.
INSTANTIATE_TEST_SUITE_P(
    NotAsMemcached, Meta,
    testing::Values(
        Case{"mg k h\r\n", "!CLIENT_ERROR flags h and l are not supported, accesses are not recorded\r\n"},
        Case{"mg k v l q\r\n", "!CLIENT_ERROR flags h and l are not supported, accesses are not recorded\r\n"},
        Case{"mg ICAg b\r\n", "!CLIENT_ERROR key has control bytes or spaces\r\n"},          // three spaces
        Case{"mg AGs= b\r\n", "!CLIENT_ERROR key has control bytes or spaces\r\n"},          // NUL k
        Case{"ms fw== 2 b\r\nhi\r\n", "!CLIENT_ERROR key has control bytes or spaces\r\n"},  // DEL
        Case{"ms k 2 F4294967296\r\nhi\r\n", "!CLIENT_ERROR bad command line format\r\n"},   // memcached takes it as 0
        Case{"mg k \xffv\r\n", "!CLIENT_ERROR invalid flag\r\n"},                            // duplicate flag
        Case{"ms k +2\r\n", "!CLIENT_ERROR bad command line format\r\n"}));

TEST(MetaKey, IsTakenUpToTheReadersLimit) {
  const ReaderLimits limits{.line_bytes = 1024, .key_bytes = 12, .value_bytes = 8};
  const std::string bad_format = "!CLIENT_ERROR bad command line format\r\n";
  EXPECT_THAT(read_all("mg 123456789012\r\n", limits), ElementsAre("item get 123456789012 marks"));
  EXPECT_THAT(read_all("mg 1234567890123\r\n", limits), ElementsAre(bad_format));
  EXPECT_THAT(read_all("ms 1234567890123 2\r\nhi\r\nmn\r\n", limits), ElementsAre(bad_format, "noop"));
  // The bound is that of the key itself: its base64 form may be longer.
  EXPECT_THAT(read_all("mg MTIzNDU2Nzg5MDEy b\r\n", limits),
              ElementsAre("item get 123456789012 marks as_sent=MTIzNDU2Nzg5MDEy | b"));
  EXPECT_THAT(read_all("mg MTIzNDU2Nzg5MDEyMw== b\r\n", limits), ElementsAre(bad_format));
}

TEST(MetaStore, AboveTheValueLimitIsRefusedQuietOrNotAndItsPayloadSkipped) {
  const ReaderLimits limits{.line_bytes = 1024, .key_bytes = 12, .value_bytes = 8};
  const std::string too_large = "!SERVER_ERROR object too large for cache\r\n";
  EXPECT_THAT(read_all("ms k 8\r\n12345678\r\n", limits), ElementsAre("item store k \"12345678\""));
  EXPECT_THAT(read_all("ms k 9 q\r\n123456789\r\nmn\r\n", limits), ElementsAre(too_large, "noop"));
  EXPECT_THAT(read_all("ms k 9 z\r\n123456789\r\nmn\r\n", limits),
              ElementsAre("!CLIENT_ERROR invalid flag\r\n", "noop"));
  EXPECT_THAT(read_all("ms k 2147483648\r\nmn\r\n", limits),
              ElementsAre("!CLIENT_ERROR bad command line format\r\n", "noop"));
}

TEST(MetaLine, IsReadAlikeInAnyPieces) {
  const std::string bytes = "ms azEy 2 b c\r\nhi\r\nmg azEy b v\r\nms k 2 z\r\nhi\r\nget k\r\nmn\r\n";
  test::ReaderDriver driver;
  for (const char byte : bytes) driver.feed({&byte, 1});
  EXPECT_EQ(driver.said(), read_all(bytes));
  EXPECT_EQ(driver.said().size(), 5u);
}

TEST(MetaLine, TellsTheKeyToWhoeverRoutes) {
  RequestReader reader{ReaderLimits{}};
  const auto result = reader.next("ms azEy 2 b\r\nhi\r\n");
  ASSERT_EQ(result.kind, ReadResult::Kind::request);
  EXPECT_EQ(result.request.command, Command::item);
  EXPECT_EQ(result.request.key, "k12");
  EXPECT_EQ(result.request.data, "hi");
  EXPECT_EQ(reader.next("get k\r\n").request.item, nullptr);
}

}  // namespace
}  // namespace flare
