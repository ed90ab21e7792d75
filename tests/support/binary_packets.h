#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// Packets of memcached's binary protocol, written by the rules of protocol.md 4 and by nothing of src.
namespace flare::test {

inline std::string network(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>((number >> (8 * i)) & 0xff);
  return text;
}

/// Bytes as two digits each; spaces are for the eye.
inline std::string from_hex(std::string_view hex) {
  std::string digits;
  for (const char digit : hex) {
    if (digit != ' ') digits += digit;
  }
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

inline std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (const char byte : bytes) {
    hex += digits[static_cast<unsigned char>(byte) >> 4];
    hex += digits[static_cast<unsigned char>(byte) & 15];
  }
  return hex;
}

struct Packet {
  std::uint8_t opcode = 0;
  std::string key = {};
  std::string extras = {};
  std::string value = {};
  std::uint64_t cas = 0;
  std::uint32_t opaque = 0xdeadbeef;
  std::uint16_t status = 0;  // of an answer
  friend bool operator==(const Packet&, const Packet&) = default;
};

/// What differs from a bare success, for failures of tests and for their tables.
inline std::string text_of(const Packet& packet) {
  std::string text = "status=" + std::to_string(packet.status);
  if (packet.cas != 0) text += " cas=" + std::to_string(packet.cas);
  if (!packet.extras.empty()) text += " extras=" + to_hex(packet.extras);
  if (!packet.key.empty()) text += " key=" + packet.key;
  if (!packet.value.empty()) text += " value=" + packet.value;
  return text;
}

inline std::string packet_of(char magic, const Packet& packet) {
  return magic + network(packet.opcode, 1) + network(packet.key.size(), 2) + network(packet.extras.size(), 1) +
         network(0, 1) + network(packet.status, 2) +
         network(packet.extras.size() + packet.key.size() + packet.value.size(), 4) + network(packet.opaque, 4) +
         network(packet.cas, 8) + packet.extras + packet.key + packet.value;
}

inline std::string request_packet(const Packet& packet) { return packet_of('\x80', packet); }
inline std::string answer_packet(const Packet& packet) { return packet_of('\x81', packet); }

/// The header alone, with sizes that need not be those of any body.
inline std::string bare_header(std::uint8_t opcode, std::uint16_t key_bytes, std::uint8_t extras_bytes,
                               std::uint32_t body_bytes) {
  return "\x80" + network(opcode, 1) + network(key_bytes, 2) + network(extras_bytes, 1) + network(0, 3) +
         network(body_bytes, 4) + network(0xdeadbeef, 4) + network(0, 8);
}

}  // namespace flare::test
