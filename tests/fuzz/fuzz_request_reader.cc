// Bytes of a client connection. The first byte of the input chooses the size of the pieces they arrive in: the requests
// must not depend on it, and a write that is forwarded must say the same to the next node.
#include <algorithm>
#include <string>
#include <vector>

#include "common/protocol/forward_request.h"
#include "common/protocol/request_reader.h"
#include "fuzz.h"
#include "unit/protocol/item_text.h"

namespace {

using flare::fuzz::require;

constexpr flare::ReaderLimits small_limits{.line_bytes = 512, .key_bytes = 64, .value_bytes = 1024};
// Room for the own name, and for a relative time that became an absolute one.
constexpr flare::ReaderLimits next_node_limits{.line_bytes = 1024, .key_bytes = 64, .value_bytes = 1024};
constexpr std::int64_t now_s = 1'800'000'000;

void append_fields(std::string& text, const flare::Request& request) {
  for (const auto view : {request.prefix, request.key, request.rest, request.data}) {
    text += std::to_string(view.size()) + ':';
    text += view;
  }
  for (const std::int64_t number :
       {static_cast<std::int64_t>(request.command), std::int64_t{request.proxied}, std::int64_t{request.flags},
        request.exptime, std::int64_t{request.memcached_order}, std::int64_t{request.with_version},
        std::int64_t{request.noreply}, std::int64_t{request.sync}, std::int64_t{request.async}, request.wait_us,
        std::int64_t{request.partition}, std::int64_t{request.partition_size}, std::int64_t{request.bandwidth_kb_s},
        std::int64_t{request.kill_id}}) {
    text += std::to_string(number) + ' ';
  }
  text += std::to_string(request.version) + ' ' + std::to_string(request.delta) + '\n';
  if (request.item != nullptr) text += flare::test::text_of(*request.item);
}

std::string forwarded(const flare::Request& request) {
  flare::OutputBuffer out;
  flare::append_forwarded_write(out, request, "n:1", now_s);
  return std::string{out.view()};
}

void check_forwarding(flare::Request request) {
  if (!flare::is_forwarded_write(request.command)) return;
  if (request.memcached_order) {  // goes out key by key
    request.key = request.rest.substr(0, request.rest.find(' '));
  }
  const std::string first = forwarded(request);
  flare::RequestReader reader{next_node_limits};
  const auto result = reader.next(first);
  require(result.kind == flare::ReadResult::Kind::request && result.consumed == first.size());
  flare::Request again = result.request;
  require(again.command == request.command && again.proxied && !again.noreply);
  require(again.data == request.data && again.flags == request.flags && again.delta == request.delta);
  require(again.with_version ? again.rest == request.key : again.key == request.key);
  if (again.with_version) again.key = again.rest;
  again.prefix = request.prefix;
  require(forwarded(again) == first);
}

std::string read_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
  flare::RequestReader reader{small_limits};
  std::string text;
  std::size_t begin = 0;
  std::size_t needed = 1;
  for (std::size_t arrived = 0; arrived < bytes.size();) {
    arrived = std::min(arrived + piece_bytes, bytes.size());
    while (arrived - begin >= needed) {
      const auto unread = bytes.substr(begin, arrived - begin);
      const auto result = reader.next(unread);
      text += result.answer;
      if (result.kind == flare::ReadResult::Kind::close) return text + "closed";
      if (result.kind == flare::ReadResult::Kind::need_more) {
        require(result.bytes_needed > unread.size());
        needed = result.bytes_needed;
        break;
      }
      require(result.consumed > 0 && result.consumed <= unread.size());
      if (result.kind == flare::ReadResult::Kind::request) {
        append_fields(text, result.request);
        check_forwarding(result.request);
      }
      begin += result.consumed;
      needed = 1;
    }
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const std::size_t piece_bytes = std::size_t{flare::fuzz::take_choice(bytes)} + 1;
  require(read_in_pieces(bytes, piece_bytes) == read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1)));
  return 0;
}
