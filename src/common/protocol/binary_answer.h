#pragma once

#include <cstdint>
#include <string_view>

#include "common/protocol/item_request.h"
#include "common/protocol/output_buffer.h"

/// Answers of memcached's binary protocol that are no item's (docs/spec/protocol.md 4). Pure.
namespace flare {

enum class BinaryStatus : std::uint16_t {
  success = 0x00,
  not_found = 0x01,
  exists = 0x02,
  too_large = 0x03,
  invalid_arguments = 0x04,
  not_stored = 0x05,
  non_numeric = 0x06,
  auth_error = 0x20,
  unknown_command = 0x81,
  out_of_memory = 0x82,
  internal_error = 0x84,
};

/// memcached's own words for it; empty for success, and for internal_error, which says itself what happened.
std::string_view text_of(BinaryStatus status);

/// What an error line of the text protocol is in a packet. The words behind ERROR, CLIENT_ERROR or SERVER_ERROR become
/// the value, but where memcached has words of its own for it. Status: out_of_memory when a bound of memory, disk space
/// or stored data is reached, auth_error when access is denied, invalid_arguments for other faults of the client,
/// internal_error for the rest.
struct BinaryError {
  BinaryStatus status = BinaryStatus::internal_error;
  std::string_view text;
};
BinaryError binary_error_of(std::string_view line);

/// A packet with the request's opcode and opaque, no extras and no key.
void append_binary_answer(OutputBuffer& out, const BinaryHeader& header, BinaryStatus status, std::string_view value);

/// What a node-local command answers in text, as packets: `STAT name value` lines one by one and the empty one for END,
/// `VERSION v`, `OK`, `RESET`, and error lines by binary_error_of. Quiet opcodes say nothing of an `OK`. `ERROR` to a
/// stat is an unknown word: not_found, as memcached has it. Empty text is no answer.
void append_binary_of_text(OutputBuffer& out, const BinaryHeader& header, std::string_view text);

}  // namespace flare
