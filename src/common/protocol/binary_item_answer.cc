#include "common/protocol/binary_answer.h"
#include "common/protocol/binary_opcode.h"
#include "common/protocol/binary_packet.h"
#include "common/protocol/item_answer.h"

namespace flare {
namespace {

constexpr std::size_t flags_bytes = 4;
constexpr std::size_t number_bytes = 8;

// Room for the header, with what follows it: the caller fills the rest behind the header and commits all.
char* prepare_packet(OutputBuffer& out, const BinaryAnswerHeader& header) {
  char* const begin = out.prepare(binary_header_bytes + header.extras_bytes + header.key_bytes + header.value_bytes);
  write_binary_header(begin, header);
  return begin + binary_header_bytes;
}

void append_entry(OutputBuffer& out, const ItemRequest& request, const ItemResult& result) {
  const bool tells_key = binary_opcode(request.binary.opcode).tells_key;
  BinaryAnswerHeader header;
  header.request = request.binary;
  header.version = result.version;
  header.extras_bytes = flags_bytes;
  header.key_bytes = tells_key ? request.shown_key().size() : 0;
  header.value_bytes = request.wants_value ? result.data.size() : 0;
  store_network(prepare_packet(out, header), result.flags);
  out.commit(binary_header_bytes + flags_bytes);
  if (tells_key) out.append(request.shown_key());
  if (request.wants_value) out.append(result.data);
}

void append_number(OutputBuffer& out, const ItemRequest& request, const ItemResult& result) {
  BinaryAnswerHeader header;
  header.request = request.binary;
  header.version = result.version;
  header.value_bytes = number_bytes;
  store_network(prepare_packet(out, header), result.number);
  out.commit(binary_header_bytes + number_bytes);
}

void append_bare(OutputBuffer& out, const ItemRequest& request, std::uint64_t version) {
  BinaryAnswerHeader header;
  header.request = request.binary;
  header.version = version;
  prepare_packet(out, header);
  out.commit(binary_header_bytes);
}

// memcached: a miss that tells its key has no text.
void append_missed_key(OutputBuffer& out, const ItemRequest& request) {
  BinaryAnswerHeader header;
  header.request = request.binary;
  header.status = static_cast<std::uint16_t>(BinaryStatus::not_found);
  header.key_bytes = request.shown_key().size();
  prepare_packet(out, header);
  out.commit(binary_header_bytes);
  out.append(request.shown_key());
}

void append_done(OutputBuffer& out, const ItemRequest& request, const ItemResult& result) {
  switch (request.verb) {
    case ItemVerb::get:
      return append_entry(out, request, result);  // also when quiet: only misses are unsaid
    case ItemVerb::arithmetic:
      if (!request.quiet) append_number(out, request, result);
      return;
    case ItemVerb::store:
      if (!request.quiet) append_bare(out, request, result.version);
      return;
    case ItemVerb::remove:
    case ItemVerb::debug:
      if (!request.quiet) append_bare(out, request, 0);
      return;
  }
}

// In the words of memcached: why something was not stored depends on what was asked.
BinaryStatus not_stored_status(const ItemRequest& request) {
  if (request.verb != ItemVerb::store) return BinaryStatus::not_stored;
  if (request.mode == StoreMode::add) return BinaryStatus::exists;
  return request.mode == StoreMode::replace ? BinaryStatus::not_found : BinaryStatus::not_stored;
}

bool is_concatenation(const ItemRequest& request) {
  return request.verb == ItemVerb::store && (request.mode == StoreMode::append || request.mode == StoreMode::prepend);
}

void append_status(OutputBuffer& out, const ItemRequest& request, BinaryStatus status) {
  append_binary_answer(out, request.binary, status, text_of(status));
}

void append_missing(OutputBuffer& out, const ItemRequest& request) {
  if (is_concatenation(request)) return append_status(out, request, BinaryStatus::not_stored);
  if (request.verb != ItemVerb::get) return append_status(out, request, BinaryStatus::not_found);  // also when quiet
  if (request.quiet) return;
  if (binary_opcode(request.binary.opcode).tells_key) return append_missed_key(out, request);
  append_status(out, request, BinaryStatus::not_found);
}

}  // namespace

void append_binary_item_answer(OutputBuffer& out, const ItemRequest& request, const ItemResult& result) {
  switch (result.status) {
    case ItemStatus::done:
      return append_done(out, request, result);
    case ItemStatus::missing:
      return append_missing(out, request);
    case ItemStatus::not_stored:
      return append_status(out, request, not_stored_status(request));
    case ItemStatus::exists:
      return append_status(out, request, BinaryStatus::exists);
    case ItemStatus::non_numeric:
      return append_status(out, request, BinaryStatus::non_numeric);
    case ItemStatus::too_large:
      return append_status(out, request, BinaryStatus::too_large);
    case ItemStatus::failed: {
      const auto error = binary_error_of(result.error);
      return append_binary_answer(out, request.binary, error.status, error.text);
    }
  }
}

}  // namespace flare
