#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/protocol/item_request.h"

/// The 24 bytes before every body of memcached's binary protocol (docs/spec/protocol.md 4). Pure.
namespace flare {

constexpr char binary_request_magic = '\x80';
constexpr char binary_answer_magic = '\x81';
constexpr std::size_t binary_header_bytes = 24;

/// A number of `Number`'s size in network order.
template <class Number>
Number load_network(const char* from) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>((std::uint64_t{number} << 8) | static_cast<unsigned char>(from[i]));
  }
  return number;
}

template <class Number>
void store_network(char* to, Number number) {
  for (std::size_t i = sizeof(Number); i > 0; --i) {
    to[i - 1] = static_cast<char>(number & 0xff);
    number = static_cast<Number>(std::uint64_t{number} >> 8);
  }
}

/// What a request's header says. Its data type and vbucket mean nothing here, as in memcached.
struct BinaryRequestHeader {
  BinaryHeader answer;  // what the answer repeats
  std::size_t key_bytes = 0;
  std::size_t extras_bytes = 0;
  std::size_t body_bytes = 0;  // extras, key and value
  std::uint64_t compare = 0;   // `cas`: 0 is none

  bool fits() const { return extras_bytes + key_bytes <= body_bytes; }
  std::size_t value_bytes() const { return body_bytes - extras_bytes - key_bytes; }  // where it fits
  std::size_t packet_bytes() const { return binary_header_bytes + body_bytes; }
};

/// `bytes`: at least binary_header_bytes.
inline BinaryRequestHeader parse_binary_header(std::string_view bytes) {
  BinaryRequestHeader header;
  header.answer.opcode = static_cast<std::uint8_t>(bytes[1]);
  header.key_bytes = load_network<std::uint16_t>(bytes.data() + 2);
  header.extras_bytes = static_cast<std::uint8_t>(bytes[4]);
  header.body_bytes = load_network<std::uint32_t>(bytes.data() + 8);
  std::memcpy(&header.answer.opaque, bytes.data() + 12, sizeof header.answer.opaque);
  header.compare = load_network<std::uint64_t>(bytes.data() + 16);
  return header;
}

struct BinaryAnswerHeader {
  BinaryHeader request;
  std::uint16_t status = 0;
  std::size_t key_bytes = 0;
  std::size_t extras_bytes = 0;
  std::size_t value_bytes = 0;
  std::uint64_t version = 0;
};

/// Fills binary_header_bytes at `to`.
inline void write_binary_header(char* to, const BinaryAnswerHeader& header) {
  to[0] = binary_answer_magic;
  to[1] = static_cast<char>(header.request.opcode);
  store_network(to + 2, static_cast<std::uint16_t>(header.key_bytes));
  to[4] = static_cast<char>(header.extras_bytes);
  to[5] = 0;  // data type: raw bytes
  store_network(to + 6, header.status);
  store_network(to + 8, static_cast<std::uint32_t>(header.extras_bytes + header.key_bytes + header.value_bytes));
  std::memcpy(to + 12, &header.request.opaque, sizeof header.request.opaque);
  store_network(to + 16, header.version);
}

}  // namespace flare
