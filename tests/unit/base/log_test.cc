#include <gtest/gtest.h>
#include <unistd.h>

#include <regex>
#include <thread>
#include <vector>

#include "common/base/log_spdlog.h"
#include "common/base/printable.h"

namespace flare {
namespace {

struct Case {
  std::string text;
  std::size_t bytes_max;
  std::string shown;
};

class Printable : public testing::TestWithParam<Case> {};

TEST_P(Printable, IsBoundedAndHasNoControlBytes) {
  EXPECT_EQ(printable(GetParam().text, GetParam().bytes_max), GetParam().shown);
}

INSTANTIATE_TEST_SUITE_P(Texts, Printable,
                         testing::Values(Case{"plain text", 20, "plain text"}, Case{"", 20, ""},
                                         Case{"a\nb\r\t\x1b\x7f", 40, "a\\x0ab\\x0d\\x09\\x1b\\x7f"},
                                         Case{std::string("a\0b", 3), 20, "a\\x00b"},
                                         Case{"0123456789", 10, "0123456789"}, Case{"0123456789a", 10, "0123456..."},
                                         Case{"012345\n\n", 10, "012345..."}, Case{"gr\xc3\xbcn", 20, "gr\xc3\xbcn"}));

TEST(LogLine, NamesTheLevelsAsTheOriginal) {
  EXPECT_EQ(log_line(Log::Level::error, "x"), "[ERR] x");
  EXPECT_EQ(log_line(Log::Level::warning, "x"), "[WRN] x");
  EXPECT_EQ(log_line(Log::Level::notice, "x"), "[NTC] x");
}

TEST(LogLine, CannotBeForgedByAClient) {
  EXPECT_EQ(log_line(Log::Level::notice, "key k\n[ERR] disk full"), "[NTC] key k\\x0a[ERR] disk full");
}

TEST(LogLine, IsBoundedToItsLastByte) {
  EXPECT_EQ(log_line(Log::Level::error, std::string(100'000, 'x')).size(), log_line_bytes_max);
  EXPECT_LE(log_line(Log::Level::error, std::string(100'000, '\n')).size(), log_line_bytes_max);
}

TEST(LogIdent, NamesTheTenant) {
  EXPECT_EQ(log_ident("flared", ""), "flared");
  EXPECT_EQ(log_ident("flared", "user-a"), "flared@user-a");
}

TEST(StderrLog, WritesTimeIdentPidAndText) {
  testing::internal::CaptureStderr();
  const auto log = open_log({"flared@user-a", "local0", true});
  log->notice("node {} is {}", "a:1", "down");
  log->reopen({"flared@user-a", "local1", true});
  log->error("second");
  const auto text = testing::internal::GetCapturedStderr();
  const auto stamp =
      std::string(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} flared@user-a\[)") + std::to_string(::getpid()) + R"(\]: )";
  EXPECT_TRUE(
      std::regex_match(text, std::regex(stamp + R"(\[NTC\] node a:1 is down\n)" + stamp + R"(\[ERR\] second\n)")))
      << text;
}

TEST(StderrLog, KeepsLinesOfManyThreadsWhole) {
  constexpr int threads = 4, lines = 100;
  testing::internal::CaptureStderr();
  const auto log = open_log({"flared", "user", true});
  std::vector<std::thread> writers;
  for (int i = 0; i < threads; ++i) {
    writers.emplace_back([&log] {
      for (int line = 0; line < lines; ++line) log->warning("{}", std::string(200, 'w'));
    });
  }
  log->reopen({"flared", "daemon", true});
  for (auto& writer : writers) writer.join();
  const auto text = testing::internal::GetCapturedStderr();
  const std::regex whole(R"([^\n]*: \[WRN\] w{200}\n)");
  EXPECT_EQ(std::distance(std::sregex_iterator(text.begin(), text.end(), whole), std::sregex_iterator()),
            threads * lines);
}

TEST(SyslogLog, TakesEveryFacilityAndNeedsNoSyslog) {
  const auto log = open_log({"flared", "auth", false});
  for (const auto* facility : {"daemon", "user", "local0", "local7"}) {
    log->reopen({"flared", facility, false});
    log->notice("a line of the unit test");
  }
}

}  // namespace
}  // namespace flare
