#include "support/binary_client.h"

#include <stdexcept>

namespace flare::test {
namespace {

constexpr std::size_t header_bytes = 24;

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (const char byte : bytes.substr(at, size)) number = (number << 8) | static_cast<unsigned char>(byte);
  return number;
}

}  // namespace

Packet BinaryClient::read() {
  const auto header = text_.read_exactly(header_bytes);
  if (header.front() != '\x81') throw std::runtime_error("no packet of an answer: " + to_hex(header));
  const auto key_bytes = number_at(header, 2, 2);
  const auto extras_bytes = number_at(header, 4, 1);
  const auto body = text_.read_exactly(number_at(header, 8, 4));
  if (extras_bytes + key_bytes > body.size()) throw std::runtime_error("a body too short: " + to_hex(header + body));
  Packet packet;
  packet.opcode = static_cast<std::uint8_t>(header[1]);
  packet.status = static_cast<std::uint16_t>(number_at(header, 6, 2));
  packet.opaque = static_cast<std::uint32_t>(number_at(header, 12, 4));
  packet.cas = number_at(header, 16, 8);
  packet.extras = body.substr(0, extras_bytes);
  packet.key = body.substr(extras_bytes, key_bytes);
  packet.value = body.substr(extras_bytes + key_bytes);
  return packet;
}

Packet BinaryClient::ask(const Packet& request) {
  send(request);
  return read();
}

std::vector<Packet> BinaryClient::read_list() {
  std::vector<Packet> list;
  for (auto packet = read(); !packet.key.empty() || !packet.value.empty(); packet = read()) list.push_back(packet);
  return list;
}

}  // namespace flare::test
