// Meta commands beside the installed memcached: the same bytes to both, through every role, and the same answers but
// for what docs/compatibility.md lists.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "support/cluster.h"
#include "support/private_network.h"
#include "support/temp_dir.h"

namespace flare::test {
namespace {

// KEY: a key of each client's own. B64: one in base64. LAST: the version that this server told last.
const std::vector<std::string> conversation{
    // Misses, and what they return.
    "mg KEY", "mg KEY v t f s c k O1", "mg KEY v q", "md KEY", "md KEY q k O1", "ma KEY", "ma KEY v c t k O2", "me KEY",
    "mg B64 b k v",
    // Store and read.
    "ms KEY 2 T100 F7\r\nhi", "mg KEY", "mg KEY v", "mg KEY s v c t f k O9 q", "mg KEY k O1", "mg KEY u v P Lx",
    "ms KEY 2 T100 F7 c q\r\nhi", "ms KEY 2 F4294967295 c k O4\r\nho", "mg KEY f v s t", "ms KEY 0\r\n", "mg KEY v s",
    // Modes.
    "ms KEY 2 ME k O1\r\nhi", "ms KEY 2 ME q\r\nhi", "ms KEY2 2 MR k O1 c\r\nhi", "ms KEY2 2 MA c\r\nhi",
    "ms KEY2 2 MP q\r\nhi", "ms KEY2 2 ME T100 F3 c\r\nhi", "ms KEY2 2 MA\r\nXX", "ms KEY2 2 MP\r\nYY",
    "mg KEY2 v f t s", "ms KEY2 1 MR\r\nr", "ms KEY2 1 MS\r\ns", "mg KEY2 v f t",
    // Compare.
    "mg KEY2 c", "ms KEY2 2 CLAST c\r\nok", "ms KEY2 2 C999999999 c k O1\r\nno", "ms KEY2 2 C999999999 q\r\nno",
    "ms NOKEY 2 C1 c k\r\nno", "mg KEY2 v c", "ms KEY2 1 CLAST MA\r\n+", "mg KEY2 v", "md KEY2 C999999999 k O1",
    "md KEY2 C999999999 q", "mg KEY2 c", "md KEY2 CLAST k", "mg KEY2 v",
    // Touch.
    "ms KEY 2\r\nhi", "mg KEY t", "mg KEY T100 t v", "mg KEY t", "mg KEY T0 t", "mg KEY T200", "mg KEY t",
    // Vivify, win, recache.
    "mg NEW N30 s v t f", "mg NEW N30 s v t f", "mg NEW v k O3", "mg NEW q", "ms NEW 2 T60\r\nnw", "mg NEW v",
    "mg NEW N30 v", "mg NEW R30 v t", "mg NEW R90 v t", "mg NEW R90 v t", "mg NEW v", "ms NEW 2 T60\r\nn2",
    "mg NEW R90 v", "md NEW", "mg NEW N30 q", "md NEW q",
    // Invalidate.
    "ms KEY 2 T100 c\r\nhi", "md KEY I T30 k O1", "mg KEY v t k O1", "mg KEY v t k O1", "ms KEY 2\r\nnw", "mg KEY v",
    "md KEY I", "mg KEY R30 N30 v s", "mg KEY R30 N30 v s", "ms KEY 2 C1 I k\r\nss", "mg KEY v", "mg KEY v",
    "ms KEY 2 C999999999 I c\r\nno", "mg KEY c", "ms KEY 2 CLAST I c\r\neq", "mg KEY v", "md KEY I q", "md KEY q",
    "mg KEY",
    // Arithmetic.
    "ma NUM q", "ma NUM N30 J10 v t k O1", "ma NUM N30 J10 v t k O1", "ma NUM", "ma NUM q v", "ma NUM D5 v",
    "ma NUM MD D3 v", "ma NUM M- D300 v", "ma NUM MI D7 v c k", "ma NUM D18446744073709551615 v", "ma NUM T90 v t",
    "ma NUM T0 v t", "ma NUM C999999999 v t k O1", "ma NUM C999999999 q", "mg NUM c", "ma NUM CLAST v",
    "ms NUM 2\r\nhi", "ma NUM v", "ma NUM q", "ms NUM 20\r\n18446744073709551615", "ma NUM v", "ma NUM v", "md NUM",
    // Base64 keys.
    "ms B64 2 b c k O1\r\nhi", "mg B64 b k v", "mg B64 k b v O1", "mg B64 b v", "ma B64 b k", "md B64 b k O1",
    "mg B64 k b",
    // Refused lines.
    "mg", "ms", "md", "ma", "me", "ms KEY", "ms KEY x", "ms KEY -1", "mg KEY z", "mg KEY v v", "mg KEY S2", "mg KEY T",
    "mg KEY Nx", "mg KEY R", "mg KEY D", "mg KEY Jx", "mg KEY F", "mg KEY M", "mg KEY MX", "mg KEY b", "mg KEY noreply",
    "mg KEY O12345678901234567890123456789012", "md KEY z", "md KEY q q", "md KEY TX", "ma KEY D-1", "ma KEY MX",
    "ma KEY MXX", "ms KEY 2 z\r\nhi", "ms KEY 2 MX\r\nhi", "ms KEY 2 MXX\r\nhi", "ms KEY 2 CX\r\nhi",
    "ms KEY 2 FX q\r\nhi", "ms KEY 2 S2\r\nhi", "ms KEY 2 c c\r\nhi", "ms KEY 2\r\nhixx", "ms KEY 2 q\r\nhixx", "mn",
    "mn x",
    // Flags that mean nothing there.
    "ms KEY 2 v s t f h l u P L N5 R6 D7 J8\r\nhi", "mg KEY I C1 D5 J6 F7 v", "md KEY h l u D1 J1 MX F1 R1 N1 v c",
    "md KEY", "ma NUM N0 h l u I R30 F3 f s k", "md NUM T30"};

void replace_all(std::string& text, const std::string& word, const std::string& by) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size())) {
    text.replace(at, word.size(), by);
  }
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A client of one server that says what came back, with versions as `c#` (they count otherwise: compatibility.md) and
/// times rounded to tens.
class Speaker {
 public:
  Speaker(const Address& address, std::string key) : client_{address}, key_{std::move(key)} {}

  std::string answer_to(std::string step) {
    replace_all(step, "LAST", last_version_);
    replace_all(step, "KEY", key_);
    replace_all(step, "NEW", key_ + "n");
    replace_all(step, "NUM", key_ + "m");
    replace_all(step, "B64", "a2V5" + key_);  // the same length, whatever the name
    client_.send(step + "\r\nmn\r\n");
    std::string answer;
    for (auto line = client_.read_line(); line != "MN"; line = client_.read_line()) answer += normal(line) + "\r\n";
    return answer;
  }

 private:
  std::string normal(const std::string& line) {
    std::string text;
    for (std::size_t begin = 0; begin <= line.size();) {
      const auto end = std::min(line.find(' ', begin), line.size());
      if (begin > 0) text += ' ';
      text += normal_word(line.substr(begin, end - begin));
      begin = end + 1;
    }
    return text;
  }

  std::string normal_word(const std::string& word) {
    const auto token = word.substr(std::min<std::size_t>(word.size(), 1));
    if (word.empty() || !is_number(token)) return word;
    if (word.front() == 'c' && token != "0") {
      last_version_ = token;
      return "c#";
    }
    if (word.front() != 't') return word;
    unsigned seconds = 0;
    std::from_chars(token.data(), token.data() + token.size(), seconds);
    return "t" + std::to_string((seconds + 5) / 10 * 10);
  }

  TextClient client_;
  std::string key_;
  std::string last_version_ = "0";
};

class MetaOracle : public testing::Test {
 protected:
  static void SetUpTestSuite() { enter_private_network(); }

  void SetUp() override {
    ASSERT_TRUE(eventually([] { return try_connect(oracle_address).has_value(); })) << "memcached does not serve";
    cluster_.start();
    cluster_.make_master(0);
    cluster_.make_slave(1);
  }

  static inline const Address oracle_address{"127.0.0.1", 12111};

  Process oracle_{{.words = {"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", "12111", "-U", "0"}}};
  TempDir folder_;
  Cluster cluster_{
      {.folder = folder_.path(), .nodes = {{"127.0.0.1", 12121}, {"127.0.0.1", 12122}, {"127.0.0.1", 12123}}}};
};

TEST_F(MetaOracle, AnswersAlikeThroughMasterSlaveAndProxy) {
  for (std::size_t number = 0; number < cluster_.plan().nodes.size(); ++number) {
    const auto key = "key" + std::to_string(number);
    Speaker memcached{oracle_address, key};
    Speaker flared{cluster_.node(number), key};
    for (const auto& step : conversation) {
      EXPECT_EQ(flared.answer_to(step), memcached.answer_to(step)) << "node " << number << ": " << step;
    }
  }
}

}  // namespace
}  // namespace flare::test
