#include "common/protocol/base64.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

TEST(Base64, GivesTheBytesOfRfc4648) {
  struct Row {
    const char* text;
    const char* bytes;
  };
  for (const auto& [text, expected] :
       {Row{"Zg==", "f"}, Row{"Zm8=", "fo"}, Row{"Zm9v", "foo"}, Row{"Zm9vYg==", "foob"}, Row{"Zm9vYmE=", "fooba"},
        Row{"Zm9vYmFy", "foobar"}, Row{"+/+/", "\xfb\xff\xbf"}}) {
    std::string bytes = "what was there before";
    EXPECT_TRUE(decode_base64(text, bytes)) << text;
    EXPECT_EQ(bytes, expected) << text;
  }
}

TEST(Base64, RefusesWhatIsNone) {
  for (const auto text :
       {"", "Z", "Zg", "Zg=", "Z===", "====", "=Zg=", "Zg==Zg==", "Zm9vY", "Zm9-", "Zm 9", "Zg==\n"}) {
    std::string bytes;
    EXPECT_FALSE(decode_base64(text, bytes)) << text;
  }
}

}  // namespace
}  // namespace flare
