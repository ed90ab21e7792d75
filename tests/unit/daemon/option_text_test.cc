#include "common/daemon/option_text.h"

#include <gtest/gtest.h>

#include "common/daemon/host_port.h"

namespace flare {
namespace {

TEST(Numbers, AreDecimalAndNothingElse) {
  EXPECT_EQ(parse_integer<int>("7"), 7);
  EXPECT_EQ(parse_integer<int>("-7"), -7);
  EXPECT_EQ(parse_integer<int>("007"), 7);
  for (const auto* text : {"", " 7", "7 ", "+7", "0x7", "7k", "\"7\"", "7.0", "1 0", "2147483648"}) {
    EXPECT_EQ(parse_integer<int>(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_integer<std::uint32_t>("-1"), std::nullopt);  // the original wraps
}

TEST(Booleans, AreTheEightWordsInAnyLetterCaseOrNothing) {
  for (const auto* text : {"", "on", "yes", "true", "1", "ON", "Yes", "TRUE"})
    EXPECT_EQ(parse_boolean(text), true) << text;
  for (const auto* text : {"off", "no", "false", "0", "Off", "NO", "fALSE"})
    EXPECT_EQ(parse_boolean(text), false) << text;
  for (const auto* text : {"2", "y", "enabled", " on", "10"}) EXPECT_EQ(parse_boolean(text), std::nullopt) << text;
}

TEST(Sizes, MayHaveASuffix) {
  EXPECT_EQ(parse_bytes("0"), 0);
  EXPECT_EQ(parse_bytes("100"), 100);
  EXPECT_EQ(parse_bytes("8K"), 8192);
  EXPECT_EQ(parse_bytes("64m"), 64u << 20);
  EXPECT_EQ(parse_bytes("2G"), 2ull << 30);
  for (const auto* text : {"", "K", "1KB", "1 K", "-1", "1.5M", "1T", "99999999999G"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(Sizes, AreShownShortAndReadBackAlike) {
  EXPECT_EQ(bytes_text(0), "0");
  EXPECT_EQ(bytes_text(8191), "8191");
  EXPECT_EQ(bytes_text(64u << 20), "64M");
  for (const std::uint64_t bytes : {1ull, 1023ull, 1024ull, 1025ull, 1536ull << 20, 3ull << 40}) {
    EXPECT_EQ(parse_bytes(bytes_text(bytes)), bytes);
  }
}

TEST(TenantNames, AreShortAndLowerCase) {
  for (const auto& text : {std::string("user-a"), std::string("7"), std::string("a-"), std::string(63, 'a')}) {
    EXPECT_TRUE(is_tenant_name(text)) << text;
  }
  for (const auto& text : {std::string(), std::string("-a"), std::string("User"), std::string("a_b"),
                           std::string("a b"), std::string("a\n"), std::string(64, 'a')}) {
    EXPECT_FALSE(is_tenant_name(text)) << text;
  }
}

TEST(HostPorts, AreNameOrAddressAndPort) {
  EXPECT_EQ(parse_host_port("index.example:12120"), (HostPort{"index.example", 12120}));
  EXPECT_EQ(parse_host_port("[::1]:1"), (HostPort{"::1", 1}));
  for (const auto* text : {"", "a", ":1", "a:", "a:0", "a:65536", "a:1x", "a b:1", "::1:1", "[]:1", "[::1]", "a:-1"}) {
    EXPECT_EQ(parse_host_port(text), std::nullopt) << text;
  }
}

TEST(HostPorts, StandInListsWithoutHoles) {
  EXPECT_EQ(parse_host_ports("a:1, b:2"), (std::vector<HostPort>{{"a", 1}, {"b", 2}}));
  for (const auto* text : {"", "a:1,", ",a:1", "a:1,,b:2", "a:1;b:2", "see a:1"}) {
    EXPECT_EQ(parse_host_ports(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace flare
