#include "flare_bench/binary_wire.h"

#include <optional>

namespace flare::bench {
namespace {

constexpr std::size_t head_bytes = 24;
constexpr std::size_t set_extra_bytes = 8;  // flags and expiry
constexpr std::size_t get_extra_bytes = 4;  // flags
constexpr std::uint32_t body_bytes_max = 64 * 1024 * 1024 + 64 * 1024;
constexpr char request_magic = static_cast<char>(0x80);
constexpr char answer_magic = static_cast<char>(0x81);

enum class Opcode : std::uint8_t { get = 0x00, set = 0x01, noop = 0x0a, get_key_quiet = 0x0d };
enum class Status : std::uint16_t { fine = 0x0000, not_found = 0x0001 };

template <class Number>
void append_number(Number number, std::string& out) {
  for (int shift = 8 * (static_cast<int>(sizeof number) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>((static_cast<std::uint64_t>(number) >> shift) & 0xFF);
  }
}

std::uint32_t read_number(std::string_view bytes) {
  std::uint32_t number = 0;
  for (const auto byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

void append_head(Opcode opcode, std::size_t key, std::size_t extra, std::size_t value, std::uint32_t opaque,
                 std::string& out) {
  out += request_magic;
  out += static_cast<char>(opcode);
  append_number(static_cast<std::uint16_t>(key), out);
  out += static_cast<char>(extra);
  out.append(3, '\0');  // data type, vbucket
  append_number(static_cast<std::uint32_t>(extra + key + value), out);
  append_number(opaque, out);
  out.append(8, '\0');  // cas
}

struct Packet {
  Opcode opcode{};
  Status status{};
  std::uint32_t opaque = 0;
  std::string_view extra{}, key{}, value{};
  std::size_t bytes = 0;
};

// One packet; sets `broken` if there can be none.
std::optional<Packet> read_packet(std::string_view input, bool& broken) {
  if (input.size() < head_bytes) return std::nullopt;
  const std::size_t key = read_number(input.substr(2, 2));
  const std::size_t extra = read_number(input.substr(4, 1));
  const std::size_t body = read_number(input.substr(8, 4));
  broken = input[0] != answer_magic || extra + key > body || body > body_bytes_max;
  if (broken || input.size() < head_bytes + body) return std::nullopt;
  const auto rest = input.substr(head_bytes, body);
  return Packet{.opcode = static_cast<Opcode>(input[1]),
                .status = static_cast<Status>(read_number(input.substr(6, 2))),
                .opaque = read_number(input.substr(12, 4)),
                .extra = rest.substr(0, extra),
                .key = rest.substr(extra, key),
                .value = rest.substr(extra + key),
                .bytes = head_bytes + body};
}

AnswerState without_packet(bool broken) { return broken ? AnswerState::broken : AnswerState::incomplete; }

bool flags_are_zero(const Packet& packet) { return packet.extra == std::string_view{"\0\0\0\0", get_extra_bytes}; }

}  // namespace

void BinaryWire::write_get(std::span<const KeyNumber> keys, std::string& out) const {
  const bool many = keys.size() > 1;
  std::uint32_t place = 0;
  for (const auto key : keys) {
    append_head(many ? Opcode::get_key_quiet : Opcode::get, names_.bytes(), 0, 0, place++, out);
    names_.append(key, out);
  }
  if (many) append_head(Opcode::noop, 0, 0, 0, place, out);
}

void BinaryWire::write_set_head(KeyNumber key, std::size_t value_bytes, std::string& out) const {
  append_head(Opcode::set, names_.bytes(), set_extra_bytes, value_bytes, 0, out);
  out.append(set_extra_bytes, '\0');
  names_.append(key, out);
}

// The opaque number tells the place. Of many, those that are not there are not answered; a noop's answer is the end.
AnswerState BinaryWire::read_get(std::string_view input, std::size_t keys, Answer& answer) const {
  const bool many = keys > 1;
  for (bool end = false; !end;) {
    bool broken = false;
    const auto packet = read_packet(input.substr(answer.bytes), broken);
    if (!packet) return without_packet(broken);
    answer.bytes += packet->bytes;
    end = !many || packet->opcode == Opcode::noop;
    if (packet->opcode == Opcode::noop) {
      if (!many || packet->opaque != keys) return AnswerState::broken;
    } else if (packet->opcode != (many ? Opcode::get_key_quiet : Opcode::get) || packet->opaque >= keys) {
      return AnswerState::broken;
    } else if (packet->status == Status::fine) {
      if (!flags_are_zero(*packet)) return AnswerState::broken;
      answer.values.push_back({.name = packet->key, .place = packet->opaque, .value = packet->value});
    } else if (packet->status != Status::not_found) {
      answer.error = packet->value.empty() ? "an error without words" : packet->value;
    }
  }
  return AnswerState::complete;
}

AnswerState BinaryWire::read_set(std::string_view input, Answer& answer) const {
  bool broken = false;
  const auto packet = read_packet(input, broken);
  if (!packet) return without_packet(broken);
  if (packet->opcode != Opcode::set) return AnswerState::broken;
  answer.stored = packet->status == Status::fine;
  if (!answer.stored) answer.error = packet->value.empty() ? "an error without words" : packet->value;
  answer.bytes = packet->bytes;
  return AnswerState::complete;
}

}  // namespace flare::bench
