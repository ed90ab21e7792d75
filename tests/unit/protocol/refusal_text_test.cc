#include "common/protocol/refusal_text.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "unit/protocol/reader_driver.h"

namespace flare {
namespace {

const std::string bad_format = "!CLIENT_ERROR bad command line format\r\n";
const std::string bad_delta = "!CLIENT_ERROR invalid numeric delta argument\r\n";
const std::string bad_exptime = "!CLIENT_ERROR invalid exptime argument\r\n";
const std::string bad_delete = "!CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n";
const std::string bare = "!ERROR\r\n";
const std::string long_key(limits::key_bytes_max + 1, 'k');

struct Refused {
  std::string line;
  std::string said;  // empty: nothing
};

std::ostream& operator<<(std::ostream& out, const Refused& row) { return out << row.line.substr(0, 40); }

class MemcachedRefusal : public testing::TestWithParam<Refused> {};

std::string said_to(const std::string& line) {
  const auto said = test::read_all(line + "\r\n");
  return said.empty() ? std::string{} : said.front();
}

// Every row but the marked ones was asked at memcached 1.6.18, which said the same.
TEST_P(MemcachedRefusal, SaysWhatMemcachedSays) { EXPECT_EQ(said_to(GetParam().line), GetParam().said); }

INSTANTIATE_TEST_SUITE_P(TooFewWords, MemcachedRefusal,
                         testing::Values(Refused{"get", bare}, Refused{"gets", bare}, Refused{"set", bare},
                                         Refused{"set k 0 0", bare}, Refused{"add k 0", bare},
                                         Refused{"cas k 0 0 3", bare}, Refused{"incr", bare}, Refused{"incr k", bare},
                                         Refused{"decr k", bare}, Refused{"delete", bare}, Refused{"touch", bare},
                                         Refused{"touch k", bare}, Refused{"gat", bare}, Refused{"gats", bare},
                                         Refused{"verbosity", bare}, Refused{"incr " + long_key, bare}));

INSTANTIATE_TEST_SUITE_P(TooManyWords, MemcachedRefusal,
                         testing::Values(Refused{"set k 0 0 3 1 2", bare}, Refused{"set k 0 0 3 noreply x", bare},
                                         Refused{"cas k 0 0 3 1 2 3", bare}, Refused{"incr k 1 2 3", bare},
                                         Refused{"delete k 0 0 0", bare}, Refused{"touch k 10 20 30", bare},
                                         Refused{"verbosity 1 2 3", bare}, Refused{"verbosity foo bar my", bare},
                                         Refused{"flush_all 10 20 30", bare}));

INSTANTIATE_TEST_SUITE_P(
    LongKeys, MemcachedRefusal,
    testing::Values(Refused{"get " + long_key, bad_format}, Refused{"gets a " + long_key, bad_format},
                    Refused{"set " + long_key + " 0 0 3", bad_format},
                    Refused{"cas " + long_key + " 0 0 3 1", bad_format}, Refused{"incr " + long_key + " x", bad_format},
                    Refused{"delete " + long_key, bad_format}, Refused{"touch " + long_key + " x", bad_format},
                    Refused{"gat 10 " + long_key, bad_format}, Refused{"gats 10 " + long_key, bad_format}));

INSTANTIATE_TEST_SUITE_P(
    BadNumbers, MemcachedRefusal,
    testing::Values(Refused{"set k abc 0 3", bad_format}, Refused{"set k -1 0 3", bad_format},
                    Refused{"set k 0abc 0 3", bad_format}, Refused{"set k 0 abc 3", bad_format},
                    Refused{"set k 0 99999999999999999999 3", bad_format}, Refused{"set k 0 0 abc", bad_format},
                    Refused{"set k 0 0 -1", bad_format}, Refused{"set k 0 0 3abc", bad_format},
                    Refused{"set k 0 0 2147483648", bad_format}, Refused{"append k x 0 3", bad_format},
                    Refused{"cas k 0 0 3 abc", bad_format}, Refused{"cas k 0 0 3 -2", bad_format},
                    Refused{"cas k 0 0 3 99999999999999999999", bad_format}, Refused{"incr k abc", bad_delta},
                    Refused{"incr k 1abc", bad_delta}, Refused{"decr k 18446744073709551616", bad_delta},
                    Refused{"incr k 1-1", bad_delta}, Refused{"delete k abc", bad_delete},
                    Refused{"delete k -1", bad_delete}, Refused{"delete k 0 bogus", bad_delete},
                    Refused{"touch k abc", bad_exptime}, Refused{"touch k 10abc", bad_exptime},
                    Refused{"touch k 99999999999999999999", bad_exptime}, Refused{"gat abc k", bad_exptime},
                    Refused{"gats abc k", bad_exptime}, Refused{"gat 99999999999999999999 k", bad_exptime},
                    Refused{"verbosity abc", bad_format}, Refused{"verbosity abc def", bad_format},
                    Refused{"flush_all abc", bad_exptime}, Refused{"flush_all 10abc", bad_exptime},
                    Refused{"flush_all 99999999999999999999", bad_exptime},
                    Refused{"flush_all noreply 10", bad_exptime}));

// All but a wrong number of words is silenced, as there.
INSTANTIATE_TEST_SUITE_P(Noreply, MemcachedRefusal,
                         testing::Values(Refused{"set k abc 0 3 noreply", ""}, Refused{"set k 0 0 noreply", ""},
                                         Refused{"cas k 0 0 3 noreply", ""}, Refused{"incr k noreply", ""},
                                         Refused{"incr k abc noreply", ""}, Refused{"delete k bogus noreply", ""},
                                         Refused{"touch k abc noreply", ""}, Refused{"verbosity noreply", ""},
                                         Refused{"verbosity abc noreply", ""}, Refused{"flush_all abc noreply", ""},
                                         Refused{"verbosity abc def ghi noreply", bare}));

// Not memcached's: what the original refuses and memcached takes, what memcached has not, and who is no client.
INSTANTIATE_TEST_SUITE_P(TheOriginals, MemcachedRefusal,
                         testing::Values(Refused{"set k 0 0 3 bogus", bare}, Refused{"incr k 1 2", bare},
                                         Refused{"touch k 10 sync", bare}, Refused{"verbosity 1 2", bare},
                                         Refused{"flush_all 1 2", bare}, Refused{"gat 10", bare},
                                         Refused{"kill abc", bare}, Refused{"ping x", bare}, Refused{"quit x", bare},
                                         Refused{"keys k", bare}, Refused{"keys k " + long_key, bare},
                                         Refused{"foo abc", bare}, Refused{"dump -1", bare},
                                         Refused{"<a:1>set k abc 0 3", bare}, Refused{"<a:1>incr k abc", bare},
                                         Refused{"<a:1>incr k abc noreply", bare}, Refused{"<a:1>gat 100 k", bare},
                                         Refused{"<a:1>get " + long_key, bare}));

}  // namespace
}  // namespace flare
