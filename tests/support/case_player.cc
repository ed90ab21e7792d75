#include "support/case_player.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace flare::test {
namespace {

using std::literals::operator""sv;

constexpr Milliseconds silence{100};  // protocol.md 10: no byte within it is no answer
constexpr Milliseconds answer_limit = usual_limit;
constexpr Milliseconds piece_pause{10};  // so that each piece is a read of its own; nothing depends on it
constexpr std::string_view probe = "version\r\n";
constexpr std::string_view probe_answer = "VERSION 2.0.0\r\n";
constexpr std::size_t header_bytes = 24;

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// Receives until `complete`, for at most `limit` after the last byte; false if the connection was closed before.
template <class Complete>
bool receive_until(TextClient& client, Milliseconds limit, const Complete& complete) {
  while (!complete()) {
    const auto received = client.receive_within(limit);
    if (received == TextClient::Received::closed) return false;
    if (received == TextClient::Received::nothing) return true;
  }
  return true;
}

bool could_send(TextClient& client, std::string_view bytes) {
  try {
    client.send(bytes);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

// A server that closes at once is seen at the answer.
void send_case(TextClient& client, const JsonCase& golden) {
  for (std::size_t number = 0; number < golden.pieces.size(); ++number) {
    if (number > 0) std::this_thread::sleep_for(piece_pause);
    if (!could_send(client, golden.pieces[number])) return;
  }
  if (golden.half_close) client.finish_sending();
}

// The answer to the case and to the probe behind it has come; the answer of the case alone is left.
Answer ask_behind(TextClient& client, const JsonCase& golden, const Expectation& expected) {
  const auto before = count_of(golden.sent(), "version");
  const auto ended = [&] {
    return client.received().ends_with(probe_answer) && count_of(client.received(), probe_answer) > before;
  };
  if (!could_send(client, probe)) return {client.received(), After::closed};
  if (!receive_until(client, expected.after == After::waits ? silence : answer_limit, ended)) {
    return {client.received(), After::closed};
  }
  if (!client.received().ends_with(probe_answer)) return {client.received(), After::waits};
  return {client.received().substr(0, client.received().size() - probe_answer.size()), After::open};
}

// One packet or one line at the beginning of `bytes`.
std::size_t binary_packet_bytes(std::string_view bytes) {
  std::size_t body = 0;
  for (const char byte : bytes.substr(0, 12).substr(std::min(bytes.size(), 8UL))) {
    body = body << 8U | static_cast<unsigned char>(byte);
  }
  return std::min(bytes.size(), header_bytes + body);
}

std::size_t line_bytes(std::string_view bytes) {
  const auto end = bytes.find('\n');
  return end == bytes.npos ? bytes.size() : end + 1;
}

std::string_view command_word(std::string_view line) {
  if (line.starts_with('<') && line.find('>') != line.npos) line.remove_prefix(line.find('>') + 1);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line.substr(0, line.find_first_of(" \r\n"));
}

bool is_node_local_word(std::string_view word) {
  constexpr std::array words{"flush_all"sv, "dump"sv, "dump_key"sv, "stats"sv, "show"sv, "kill"sv};
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_node_local_packet(std::string_view packet) {
  return packet.size() > 1 && (packet[1] == 0x08 || packet[1] == 0x18 || packet[1] == 0x10);
}

}  // namespace

Answer play(const Address& address, const JsonCase& golden, const Expectation& expected) {
  TextClient client{address};
  send_case(client, golden);
  if (expected.after == After::closed) {
    const bool open = receive_until(client, answer_limit, [] { return false; });
    return {client.received(), open ? After::open : After::closed};
  }
  const bool silent = expected.after == After::waits && expected.text.empty();
  const auto complete = [&] { return !silent && expected.fits(client.received()); };
  // What is not complete yet where nothing more can be asked is only late.
  const bool asks_behind = expected.after != After::waits;
  if (!receive_until(client, silent || asks_behind ? silence : answer_limit, complete)) {
    return {client.received(), After::closed};
  }
  // A probe behind half a line would be the other half of it.
  if (silent) return {client.received(), After::waits};
  return ask_behind(client, golden, expected);
}

bool has_node_local_request(std::string_view sent) {
  while (!sent.empty()) {
    const bool binary = sent.front() == '\x80';
    const auto request = sent.substr(0, binary ? binary_packet_bytes(sent) : line_bytes(sent));
    if (binary ? is_node_local_packet(request) : is_node_local_word(command_word(request))) return true;
    sent.remove_prefix(request.size());
  }
  return false;
}

std::string without_node(std::string_view answer, const Address& node) {
  const auto name = key_of(node) + ":";
  std::string kept;
  while (!answer.empty()) {
    const bool binary = answer.front() == '\x81';
    const auto part = answer.substr(0, binary ? binary_packet_bytes(answer) : line_bytes(answer));
    const auto content = part.substr(std::min(part.size(), binary ? header_bytes : "STAT "sv.size()));
    if (!content.starts_with(name)) kept += part;
    answer.remove_prefix(part.size());
  }
  return kept;
}

}  // namespace flare::test
