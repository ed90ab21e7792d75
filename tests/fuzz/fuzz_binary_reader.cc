// Packets of a client connection. The first byte of the input chooses the size of the pieces they arrive in: what is
// said must not depend on it. What is accepted is written again and read alike, and answers are whole packets.
#include <algorithm>
#include <string>

#include "common/protocol/binary_packet.h"
#include "common/protocol/item_answer.h"
#include "common/protocol/request_reader.h"
#include "fuzz.h"

namespace {

using flare::fuzz::require;

constexpr flare::ReaderLimits small_limits{.line_bytes = 512, .key_bytes = 64, .value_bytes = 1024};
constexpr std::size_t packet_bytes_max = flare::binary_header_bytes + 20 + small_limits.key_bytes + 1024;

template <class Number>
void append_number(std::string& bytes, Number number) {
  bytes.resize(bytes.size() + sizeof number);
  flare::store_network(bytes.data() + bytes.size() - sizeof number, number);
}

std::string extras_of(const flare::ItemRequest& item) {
  std::string extras;
  const auto exptime = static_cast<std::uint32_t>(item.exptime.value_or(0));
  if (item.verb == flare::ItemVerb::get && item.exptime) append_number(extras, exptime);
  if (item.verb == flare::ItemVerb::store && item.exptime) {
    append_number(extras, item.flags);
    append_number(extras, exptime);
  }
  if (item.verb == flare::ItemVerb::arithmetic) {
    append_number(extras, item.delta);
    append_number(extras, item.initial);
    append_number(extras, static_cast<std::uint32_t>(item.vivify_exptime.value_or(0xffffffff)));
  }
  return extras;
}

std::string packet_of(const flare::ItemRequest& item) {
  const auto extras = extras_of(item);
  std::string bytes{"\x80"};
  bytes += static_cast<char>(item.binary.opcode);
  append_number(bytes, static_cast<std::uint16_t>(item.key.size()));
  append_number(bytes, static_cast<std::uint8_t>(extras.size()));
  bytes.append(3, '\0');
  append_number(bytes, static_cast<std::uint32_t>(extras.size() + item.key.size() + item.data.size()));
  bytes.append(reinterpret_cast<const char*>(&item.binary.opaque), sizeof item.binary.opaque);
  append_number(bytes, item.compare.value_or(0));
  return bytes.append(extras).append(item.key).append(item.data);
}

std::string fields_of(const flare::ItemRequest& item) {
  std::string text;
  for (const auto view : {item.key, item.data}) text += std::to_string(view.size()) + ':' + std::string{view};
  for (const auto number :
       {std::uint64_t{static_cast<std::uint8_t>(item.verb)}, std::uint64_t{static_cast<std::uint8_t>(item.mode)},
        std::uint64_t{item.flags}, static_cast<std::uint64_t>(item.exptime.value_or(-1)), item.compare.value_or(0),
        std::uint64_t{item.decrement}, item.delta, static_cast<std::uint64_t>(item.vivify_exptime.value_or(-1)),
        item.initial, std::uint64_t{item.wants_value}, std::uint64_t{item.quiet}, std::uint64_t{item.binary.opcode},
        std::uint64_t{item.binary.opaque}}) {
    text += std::to_string(number) + ' ';
  }
  return text + '\n';
}

// Every answer is one whole packet with the request's opcode and opaque, or nothing.
void check_answers(const flare::ItemRequest& item) {
  flare::ItemResult result;
  result.data = "data";
  result.error = "SERVER_ERROR out of disk space\r\n";
  for (int status = 0; status <= static_cast<int>(flare::ItemStatus::failed); ++status) {
    result.status = static_cast<flare::ItemStatus>(status);
    flare::OutputBuffer out;
    flare::append_item_answer(out, item, result, 0);
    const auto bytes = out.view();
    if (bytes.empty()) {
      require(item.quiet);
      continue;
    }
    require(bytes.size() >= flare::binary_header_bytes && bytes.front() == flare::binary_answer_magic);
    const auto header = flare::parse_binary_header(bytes);
    require(header.fits() && header.packet_bytes() == bytes.size());
    require(header.answer.opcode == item.binary.opcode && header.answer.opaque == item.binary.opaque);
  }
}

void check_writes_back_alike(const flare::ItemRequest& item) {
  const auto bytes = packet_of(item);
  flare::RequestReader reader{small_limits};
  const auto again = reader.next(bytes);
  require(again.kind == flare::ReadResult::Kind::request && again.consumed == bytes.size() && again.request.item);
  require(fields_of(*again.request.item) == fields_of(item));
}

std::string said_of(const flare::ReadResult& read) {
  const auto& request = read.request;
  if (read.kind != flare::ReadResult::Kind::request) return std::string{read.answer};
  if (!request.item) {
    return std::to_string(static_cast<int>(request.command)) + std::string{request.rest} +
           std::to_string(request.exptime) + '\n';
  }
  if (request.item->form != flare::ItemRequest::Form::binary) return std::string{request.item->key};
  check_answers(*request.item);
  check_writes_back_alike(*request.item);
  return fields_of(*request.item);
}

std::string read_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
  flare::RequestReader reader{small_limits};
  std::string said;
  std::size_t begin = 0;
  std::size_t needed = 1;
  for (std::size_t arrived = 0; arrived < bytes.size();) {
    arrived = std::min(arrived + piece_bytes, bytes.size());
    while (arrived - begin >= needed) {
      const auto unread = bytes.substr(begin, arrived - begin);
      const auto read = reader.next(unread);
      if (read.kind == flare::ReadResult::Kind::need_more) {
        require(read.bytes_needed > unread.size());
        if (unread.front() == flare::binary_request_magic) require(read.bytes_needed <= packet_bytes_max);
        needed = read.bytes_needed;
        break;
      }
      said += said_of(read);
      if (read.kind == flare::ReadResult::Kind::close) return said + "closed";
      require(read.consumed > 0 && read.consumed <= unread.size());
      begin += read.consumed;
      needed = 1;
    }
  }
  return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const std::size_t piece_bytes = std::size_t{flare::fuzz::take_choice(bytes)} + 1;
  require(read_in_pieces(bytes, piece_bytes) == read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1)));
  return 0;
}
