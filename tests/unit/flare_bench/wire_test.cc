#include "flare_bench/wire.h"

#include <gtest/gtest.h>

#include <array>

namespace flare::bench {
namespace {

using namespace std::string_literals;

const KeyNames names{"k", 11};
const std::string key1 = "k0000000001";
const std::string key2 = "k0000000002";

std::string get_request(Protocol protocol, const std::vector<KeyNumber>& keys) {
  std::string out;
  make_wire(protocol, names)->write_get(keys, out);
  return out;
}

std::string set_request(Protocol protocol, const std::string& value) {
  const auto wire = make_wire(protocol, names);
  std::string out;
  wire->write_set_head(KeyNumber{1}, value.size(), out);
  out += value;
  out += wire->set_tail();
  return out;
}

std::string packet(char magic, char opcode, std::uint16_t status, char opaque, const std::string& extra,
                   const std::string& key, const std::string& value) {
  const auto body = static_cast<char>(extra.size() + key.size() + value.size());
  return ""s + magic + opcode + '\0' + static_cast<char>(key.size()) + static_cast<char>(extra.size()) + '\0' +
         static_cast<char>(status >> 8) + static_cast<char>(status & 0xFF) + std::string(3, '\0') + body +
         std::string(3, '\0') + opaque + std::string(8, '\0') + extra + key + value;
}

const std::string flags(4, '\0');

TEST(Wire, AsksAsTheProtocolsSay) {
  const std::vector one{KeyNumber{1}};
  const std::vector two{KeyNumber{1}, KeyNumber{2}};
  EXPECT_EQ(get_request(Protocol::text, one), "get " + key1 + "\r\n");
  EXPECT_EQ(get_request(Protocol::text, two), "get " + key1 + " " + key2 + "\r\n");
  EXPECT_EQ(set_request(Protocol::text, "abc"), "set " + key1 + " 0 0 3\r\nabc\r\n");
  EXPECT_EQ(get_request(Protocol::meta, one), "mg " + key1 + " v\r\n");
  EXPECT_EQ(get_request(Protocol::meta, two), "mg " + key1 + " v k q\r\nmg " + key2 + " v k q\r\nmn\r\n");
  EXPECT_EQ(set_request(Protocol::meta, "abc"), "ms " + key1 + " 3\r\nabc\r\n");
  EXPECT_EQ(get_request(Protocol::redis, one), "*2\r\n$3\r\nGET\r\n$11\r\n" + key1 + "\r\n");
  EXPECT_EQ(get_request(Protocol::redis, two), "*3\r\n$4\r\nMGET\r\n$11\r\n" + key1 + "\r\n$11\r\n" + key2 + "\r\n");
  EXPECT_EQ(set_request(Protocol::redis, "abc"), "*3\r\n$3\r\nSET\r\n$11\r\n" + key1 + "\r\n$3\r\nabc\r\n");
  EXPECT_EQ(get_request(Protocol::binary, one), packet('\x80', 0x00, 0, 0, "", key1, ""));
  EXPECT_EQ(get_request(Protocol::binary, two), packet('\x80', 0x0d, 0, 0, "", key1, "") +
                                                    packet('\x80', 0x0d, 0, 1, "", key2, "") +
                                                    packet('\x80', 0x0a, 0, 2, "", "", ""));
  EXPECT_EQ(set_request(Protocol::binary, "abc"), packet('\x80', 0x01, 0, 0, flags + flags, key1, "abc"));
}

struct Case {
  std::string name;
  Protocol protocol;
  std::size_t keys;  // 0: the answer to a set
  std::string input;
  AnswerState state = AnswerState::complete;
  std::vector<std::string> values = {};  // as they are found
  std::string error = "";
};

class ReadAnswer : public testing::TestWithParam<Case> {
 protected:
  // The answer points into `input`.
  AnswerState read(std::string_view input) {
    answer_.clear();
    const auto wire = make_wire(GetParam().protocol, names);
    return GetParam().keys == 0 ? wire->read_set(input, answer_) : wire->read_get(input, GetParam().keys, answer_);
  }
  Answer answer_{};
};

TEST_P(ReadAnswer, GivesWhatItSays) {
  const auto& expected = GetParam();
  const auto input = expected.input + "behind";
  ASSERT_EQ(read(input), expected.state);
  if (expected.state != AnswerState::complete) return;
  EXPECT_EQ(answer_.bytes, expected.input.size()) << "the rest belongs to the next answer";
  EXPECT_EQ(answer_.error, expected.error);
  EXPECT_EQ(answer_.stored, expected.keys == 0 && expected.error.empty());
  std::vector<std::string> values;
  for (const auto& found : answer_.values) values.emplace_back(found.value);
  EXPECT_EQ(values, expected.values);
}

TEST_P(ReadAnswer, WaitsForTheRestOfEachBegin) {
  const auto& whole = GetParam();
  if (whole.state != AnswerState::complete) return;
  for (std::size_t bytes = 0; bytes < whole.input.size(); ++bytes) {
    EXPECT_EQ(read(std::string_view{whole.input}.substr(0, bytes)), AnswerState::incomplete) << bytes;
  }
}

const std::string text_value1 = "VALUE " + key1 + " 0 3\r\nabc\r\n";
const std::string text_value2 = "VALUE " + key2 + " 0 5\r\nx\r\nyz\r\n";
const std::string meta_value1 = "VA 3 k" + key1 + "\r\nabc\r\n";

INSTANTIATE_TEST_SUITE_P(
    Text, ReadAnswer,
    testing::Values(
        Case{"hit", Protocol::text, 1, text_value1 + "END\r\n", AnswerState::complete, {"abc"}},
        Case{"miss", Protocol::text, 1, "END\r\n"},
        Case{
            "two", Protocol::text, 2, text_value1 + text_value2 + "END\r\n", AnswerState::complete, {"abc", "x\r\nyz"}},
        Case{"error", Protocol::text, 1, "SERVER_ERROR x\r\n", AnswerState::complete, {}, "SERVER_ERROR x"},
        Case{"error_behind_a_value",
             Protocol::text,
             2,
             text_value1 + "SERVER_ERROR x\r\n",
             AnswerState::complete,
             {"abc"},
             "SERVER_ERROR x"},
        Case{"other_flags", Protocol::text, 1, "VALUE k 1 3\r\nabc\r\nEND\r\n", AnswerState::broken},
        Case{"size_too_small", Protocol::text, 1, "VALUE k 0 2\r\nabc\r\nEND\r\n", AnswerState::broken},
        Case{"other_word", Protocol::text, 1, "STORED\r\n", AnswerState::broken},
        Case{"bare_newline", Protocol::text, 1, "END\n", AnswerState::broken},
        Case{"stored", Protocol::text, 0, "STORED\r\n"},
        Case{"not_stored", Protocol::text, 0, "NOT_STORED\r\n", AnswerState::complete, {}, "NOT_STORED"},
        Case{"refused", Protocol::text, 0, "CLIENT_ERROR y\r\n", AnswerState::complete, {}, "CLIENT_ERROR y"},
        Case{"no_word_of_a_set", Protocol::text, 0, "END\r\n", AnswerState::broken}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Meta, ReadAnswer,
    testing::Values(
        Case{"hit", Protocol::meta, 1, "VA 3\r\nabc\r\n", AnswerState::complete, {"abc"}},
        Case{"miss", Protocol::meta, 1, "EN\r\n"},
        Case{"two", Protocol::meta, 2, meta_value1 + meta_value1 + "MN\r\n", AnswerState::complete, {"abc", "abc"}},
        Case{"none_of_two", Protocol::meta, 2, "MN\r\n"},
        Case{"error_of_one_of_two",
             Protocol::meta,
             2,
             "SERVER_ERROR x\r\n" + meta_value1 + "MN\r\n",
             AnswerState::complete,
             {"abc"},
             "SERVER_ERROR x"},
        Case{"classic_answer", Protocol::meta, 1, text_value1, AnswerState::broken},
        Case{"stored", Protocol::meta, 0, "HD\r\n"},
        Case{"not_stored", Protocol::meta, 0, "NS\r\n", AnswerState::complete, {}, "NS"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Redis, ReadAnswer,
    testing::Values(Case{"hit", Protocol::redis, 1, "$3\r\nabc\r\n", AnswerState::complete, {"abc"}},
                    Case{"miss", Protocol::redis, 1, "$-1\r\n"},
                    Case{"two", Protocol::redis, 2, "*2\r\n$3\r\nabc\r\n$-1\r\n", AnswerState::complete, {"abc"}},
                    Case{"other_number", Protocol::redis, 2, "*1\r\n$3\r\nabc\r\n", AnswerState::broken},
                    Case{"error", Protocol::redis, 2, "-ERR x\r\n", AnswerState::complete, {}, "-ERR x"},
                    Case{"stored", Protocol::redis, 0, "+OK\r\n"},
                    Case{"refused", Protocol::redis, 0, "-OOM\r\n", AnswerState::complete, {}, "-OOM"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Binary, ReadAnswer,
    testing::Values(
        Case{"hit", Protocol::binary, 1, packet('\x81', 0, 0, 0, flags, "", "abc"), AnswerState::complete, {"abc"}},
        Case{"miss", Protocol::binary, 1, packet('\x81', 0, 1, 0, "", "", "Not found")},
        Case{"two",
             Protocol::binary,
             2,
             packet('\x81', 0x0d, 0, 1, flags, key2, "abc") + packet('\x81', 0x0a, 0, 2, "", "", ""),
             AnswerState::complete,
             {"abc"}},
        Case{"error", Protocol::binary, 1, packet('\x81', 0, 0x84, 0, "", "", "x"), AnswerState::complete, {}, "x"},
        Case{"place_that_was_not_asked_for", Protocol::binary, 1, packet('\x81', 0, 0, 1, flags, "", "a"),
             AnswerState::broken},
        Case{"other_flags", Protocol::binary, 1, packet('\x81', 0, 0, 0, "\0\0\0\1"s, "", "a"), AnswerState::broken},
        Case{"text", Protocol::binary, 1, "SERVER_ERROR out of everything\r\n", AnswerState::broken},
        Case{"stored", Protocol::binary, 0, packet('\x81', 1, 0, 0, "", "", "")},
        Case{"refused",
             Protocol::binary,
             0,
             packet('\x81', 1, 3, 0, "", "", "Too large"),
             AnswerState::complete,
             {},
             "Too large"}),
    [](const auto& row) { return row.param.name; });

TEST(Wire, TellsWhoseEachValueIs) {
  Answer answer;
  const auto text = text_value1 + "END\r\n";
  make_wire(Protocol::text, names)->read_get(text, 1, answer);
  EXPECT_EQ(answer.values.at(0).name, key1);
  answer.clear();
  const auto meta = meta_value1 + "MN\r\n";
  make_wire(Protocol::meta, names)->read_get(meta, 2, answer);
  EXPECT_EQ(answer.values.at(0).name, key1);
  answer.clear();
  make_wire(Protocol::redis, names)->read_get("*2\r\n$-1\r\n$3\r\nabc\r\n", 2, answer);
  EXPECT_EQ(answer.values.at(0).place, 1U);
}

}  // namespace
}  // namespace flare::bench
