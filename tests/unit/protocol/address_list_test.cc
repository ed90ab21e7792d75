#include "common/protocol/address_list.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

struct Match {
  std::string list;
  std::string peer;  // "unix" for the socket
  bool contained;
};

PeerAddress peer(const std::string& text) { return text == "unix" ? PeerAddress{} : parse_peer_address(text).value(); }

class AddressListMatch : public testing::TestWithParam<Match> {};

TEST_P(AddressListMatch, HoldsWhatItsNetworksHold) {
  const auto list = AddressList::parse(GetParam().list);
  ASSERT_TRUE(list) << list.error();
  EXPECT_EQ(list->contains(peer(GetParam().peer)), GetParam().contained)
      << GetParam().list << " and " << GetParam().peer;
}

INSTANTIATE_TEST_SUITE_P(
    Lists, AddressListMatch,
    testing::Values(Match{"10.0.0.0/8", "10.255.0.1", true}, Match{"10.0.0.0/8", "11.0.0.1", false},
                    Match{"192.0.2.7", "192.0.2.7", true}, Match{"192.0.2.7", "192.0.2.8", false},
                    Match{"192.0.2.128/25", "192.0.2.129", true}, Match{"192.0.2.128/25", "192.0.2.127", false},
                    Match{"192.0.2.6/31", "192.0.2.7", true}, Match{"0.0.0.0/0", "203.0.113.5", true},
                    Match{"0.0.0.0/0", "2001:db8::1", false}, Match{"::/0", "2001:db8::1", true},
                    Match{"::/0", "10.0.0.1", false}, Match{"2001:db8::/33", "2001:db8:7fff::1", true},
                    Match{"2001:db8::/33", "2001:db8:8000::1", false}, Match{"::ffff:10.0.0.0/104", "10.1.2.3", true},
                    Match{"10.0.0.0/8", "::ffff:10.1.2.3", true}, Match{"10.0.0.0/8", "unix", false},
                    Match{"10.0.0.0/8,unix", "unix", true}, Match{" unix , 127.0.0.1 ", "127.0.0.1", true},
                    Match{"all", "unix", true}, Match{"all", "2001:db8::1", true}, Match{"none", "127.0.0.1", false},
                    Match{"none", "unix", false}, Match{"127.0.0.1", "::1", false}));

struct Refused {
  std::string list;
  std::string reason;  // a part of it
};

class AddressListRefusal : public testing::TestWithParam<Refused> {};

TEST_P(AddressListRefusal, SaysWhatToWrite) {
  const auto list = AddressList::parse(GetParam().list);
  ASSERT_FALSE(list) << GetParam().list;
  EXPECT_NE(list.error().find(GetParam().reason), std::string::npos) << list.error();
}

INSTANTIATE_TEST_SUITE_P(
    Lists, AddressListRefusal,
    testing::Values(Refused{"", "empty entry"}, Refused{"10.0.0.1,", "empty entry"},
                    Refused{"localhost", "'localhost'"}, Refused{"10.0.0", "'10.0.0'"},
                    Refused{"10.0.0.1:80", "no numeric address"}, Refused{"10.0.0.0/33", "from 0 to 32"},
                    Refused{"10.0.0.0/", "from 0 to 32"}, Refused{"10.0.0.0/-1", "from 0 to 32"},
                    Refused{"10.0.0.0/8x", "from 0 to 32"}, Refused{"::/129", "from 0 to 128"},
                    Refused{"::ffff:10.0.0.0/8", "from 96 to 128"},
                    Refused{"10.0.0.1/8", "write 10.0.0.0/8 for the network, or 10.0.0.1 for the host"},
                    Refused{"2001:db8::1/32", "write 2001:db8::/32"},
                    Refused{"all, 10.0.0.1", "'all' must stand alone"}, Refused{"none,unix", "'none' must stand alone"},
                    Refused{"fe80::1%eth0", "'fe80::1%eth0'"}));

TEST(AddressList, HasABound) {
  std::string text = "10.0.0.1";
  for (std::size_t i = 1; i < address_list_entries_max; ++i) text += ",10.0.0.1";
  EXPECT_TRUE(AddressList::parse(text));
  EXPECT_FALSE(AddressList::parse(text + ",10.0.0.1"));
}

}  // namespace
}  // namespace flare
