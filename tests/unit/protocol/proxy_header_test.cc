// docs/security.md, PROXY protocol.
#include "common/protocol/proxy_header.h"

#include <gtest/gtest.h>

#include "common/protocol/crc32c.h"
#include "support/proxy_headers.h"

namespace flare::test {
namespace {

std::string four_bytes(std::uint32_t number) { return two_bytes(number >> 16) + two_bytes(number & 0xffff); }

// The checksum is of the header with zeros in its place; it is the last extension here.
std::string with_checksum(std::string header, std::uint32_t damage = 0) {
  const auto sum = crc32c(header) ^ damage;
  return header.replace(header.size() - 4, 4, four_bytes(sum));
}

std::string with_place_for_checksum() {
  return proxy_for("192.0.2.7", 4711, proxy_extension(0x04, "padding") + proxy_extension(0x03, std::string(4, '\0')));
}

struct Good {
  std::string name;
  std::string header;
  std::string peer;  // empty: the balancer's own address counts
};

const std::vector<Good> good_headers{
    {"TCP over IPv4", proxy_for("192.0.2.7", 4711), "192.0.2.7:4711"},
    {"TCP over IPv6", proxy_for("2001:db8::7", 65535), "2001:db8::7:65535"},
    {"IPv4 in IPv6 clothes", proxy_for("::ffff:192.0.2.7", 1), "192.0.2.7:1"},
    {"unix socket of the balancer's machine", proxy_for_unix_socket(), ""},
    {"LOCAL", proxy_for_itself(), ""},
    {"LOCAL with an address", proxy_header(0x20, 0x11, proxied_addresses("192.0.2.7", 1)), ""},
    {"LOCAL with nonsense", proxy_header(0x20, 0xff, "nonsense"), ""},
    {"extensions are skipped",
     proxy_for("192.0.2.7", 4711,
               proxy_extension(0x01, "h2") + proxy_extension(0x02, "") + proxy_extension(0xee, std::string(200, 'x'))),
     "192.0.2.7:4711"},
    {"a right checksum", with_checksum(with_place_for_checksum()), "192.0.2.7:4711"},
    {"the longest", proxy_for("192.0.2.7", 4711, proxy_extension(0x04, std::string(536 - 16 - 12 - 3, '\0'))),
     "192.0.2.7:4711"},
};

TEST(ProxyHeader, TellsWhoseConnectionItIs) {
  for (const auto& [name, header, peer] : good_headers) {
    SCOPED_TRACE(name);
    const auto read = read_proxy_header(header + "get k\r\n");
    ASSERT_TRUE(std::holds_alternative<ProxyHeader>(read));
    const auto& found = std::get<ProxyHeader>(read);
    EXPECT_EQ(found.bytes, header.size());
    EXPECT_EQ(found.peer ? to_text(*found.peer) : "", peer);
  }
}

// In any pieces, and never a byte of what stands behind it: that is read by the session.
TEST(ProxyHeader, IsAskedForExactly) {
  for (const auto& [name, header, peer] : good_headers) {
    SCOPED_TRACE(name);
    std::size_t have = 0;
    int steps = 0;
    for (;;) {
      const auto read = read_proxy_header(std::string_view{header}.substr(0, have));
      if (std::holds_alternative<ProxyHeader>(read)) break;
      ASSERT_TRUE(std::holds_alternative<ProxyHeaderWants>(read)) << have;
      const auto wanted = std::get<ProxyHeaderWants>(read).bytes_in_all;
      ASSERT_GT(wanted, have);
      ASSERT_LE(wanted, header.size());
      ASSERT_LE(++steps, 2);
      have = wanted;
    }
    EXPECT_EQ(have, header.size());
    for (std::size_t cut = 0; cut < header.size(); ++cut) {
      EXPECT_TRUE(std::holds_alternative<ProxyHeaderWants>(read_proxy_header(header.substr(0, cut)))) << cut;
    }
  }
}

struct Bad {
  std::string name;
  std::string bytes;
  ProxyHeaderError error;
};

std::string cut_to(std::string header, std::size_t length) {
  return header.replace(14, 2, two_bytes(length)).substr(0, 16 + length);
}

const std::vector<Bad> bad_headers{
    {"a request", "get k\r\n", ProxyHeaderError::no_header},
    {"one byte of a request", "g", ProxyHeaderError::no_header},
    {"a binary request", "\x80", ProxyHeaderError::no_header},
    {"TLS", "\x16\x03\x01", ProxyHeaderError::no_header},
    {"empty lines", "\r\n\r\n\r\n", ProxyHeaderError::no_header},
    {"another word with P", "PRO x", ProxyHeaderError::no_header},
    {"version 1", "PROXY TCP4 192.0.2.7 192.0.2.1 4711 12121\r\n", ProxyHeaderError::version_1},
    {"version 1, its first word", "PROXY ", ProxyHeaderError::version_1},
    {"version 1 in binary", proxy_header(0x11, 0x11, ""), ProxyHeaderError::bad_version},
    {"version 3", proxy_header(0x31, 0x11, "").substr(0, 13), ProxyHeaderError::bad_version},
    {"command 2", proxy_header(0x22, 0x11, ""), ProxyHeaderError::bad_command},
    {"PROXY for nobody", proxy_header(0x21, 0x00, ""), ProxyHeaderError::unknown_peer},
    {"datagrams of IPv4", proxy_header(0x21, 0x12, proxied_addresses("192.0.2.7", 1)), ProxyHeaderError::bad_family},
    {"datagrams of a unix socket", proxy_header(0x21, 0x32, std::string(216, 0)), ProxyHeaderError::bad_family},
    {"IPv4 of no kind", proxy_header(0x21, 0x10, proxied_addresses("192.0.2.7", 1)), ProxyHeaderError::bad_family},
    {"a stream of no family", proxy_header(0x21, 0x01, ""), ProxyHeaderError::bad_family},
    {"family 4", proxy_header(0x21, 0x41, ""), ProxyHeaderError::bad_family},
    {"IPv4 one byte short", cut_to(proxy_for("192.0.2.7"), 11), ProxyHeaderError::too_short},
    {"IPv6 with room for IPv4", cut_to(proxy_for("2001:db8::7"), 12), ProxyHeaderError::too_short},
    {"a unix socket one byte short", cut_to(proxy_for_unix_socket(), 215), ProxyHeaderError::too_short},
    {"without addresses", proxy_header(0x21, 0x11, ""), ProxyHeaderError::too_short},
    {"one byte too long", proxy_header(0x21, 0x11, std::string(521, 0)).substr(0, 16), ProxyHeaderError::too_long},
    {"64 KiB", proxy_header(0x20, 0, std::string(65535, 0)).substr(0, 16), ProxyHeaderError::too_long},
    {"half an extension", proxy_for("192.0.2.7", 1, "\x04"), ProxyHeaderError::bad_extension},
    {"an extension beyond the end", proxy_for("192.0.2.7", 1, {"\x04\x00\x02x", 4}), ProxyHeaderError::bad_extension},
    {"a checksum of three bytes", proxy_for("192.0.2.7", 1, proxy_extension(3, "abc")),
     ProxyHeaderError::bad_extension},
    {"a wrong checksum", with_checksum(with_place_for_checksum(), 1), ProxyHeaderError::wrong_checksum},
    {"a checksum of zero", with_place_for_checksum(), ProxyHeaderError::wrong_checksum},
};

TEST(ProxyHeader, IsRefusedAsSoonAsItIsWrong) {
  for (const auto& [name, bytes, error] : bad_headers) {
    SCOPED_TRACE(name);
    const auto read = read_proxy_header(bytes);
    ASSERT_TRUE(std::holds_alternative<ProxyHeaderError>(read));
    EXPECT_EQ(std::get<ProxyHeaderError>(read), error) << to_text(std::get<ProxyHeaderError>(read));
    EXPECT_FALSE(to_text(error).empty());
  }
}

// Castagnoli's polynomial, by the check value that everybody names.
TEST(Crc32c, IsTheUsualOne) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  EXPECT_EQ(crc32c(""), 0U);
}

}  // namespace
}  // namespace flare::test
