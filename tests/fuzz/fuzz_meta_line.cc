// One meta command or binary packet of a client: what is accepted goes out to another node, is read there and says the
// same; what that node answers is read back whole. The first byte of the input chooses the result there.
#include <string>

#include "common/protocol/answer_reader.h"
#include "common/protocol/exptime.h"
#include "common/protocol/forward_item.h"
#include "common/protocol/item_answer.h"
#include "common/protocol/request_reader.h"
#include "fuzz.h"
#include "unit/protocol/item_text.h"

namespace {

using flare::fuzz::require;

constexpr flare::ReaderLimits small_limits{.line_bytes = 512, .key_bytes = 64, .value_bytes = 1024};
// Room for the own name and for absolute times.
constexpr flare::ReaderLimits next_node_limits{.line_bytes = 1024, .key_bytes = 64, .value_bytes = 1024};
constexpr std::int64_t now_s = 1'800'000'000;

std::string forwarded(const flare::ItemRequest& item, std::string_view prefix) {
  flare::OutputBuffer out;
  flare::append_forwarded_item(out, item, prefix, "n:1", now_s);
  return std::string{out.view()};
}

flare::ItemRequest with_absolute_times(flare::ItemRequest item) {
  if (item.exptime) item.exptime = flare::absolute_expire_s(*item.exptime, now_s);
  if (item.vivify_exptime) item.vivify_exptime = flare::absolute_expire_s(*item.vivify_exptime, now_s);
  return item;
}

// A result such as the verb may have; `choice` picks the status and the marks.
flare::ItemResult result_of(const flare::ItemRequest& item, std::uint8_t choice) {
  flare::ItemResult result;
  result.status = static_cast<flare::ItemStatus>(choice % (item.verb == flare::ItemVerb::debug ? 2 : 6));
  if (result.status != flare::ItemStatus::done) return result;
  const bool arithmetic = item.verb == flare::ItemVerb::arithmetic;
  if (item.verb != flare::ItemVerb::remove) result.version = 18446744073709551615u - choice;
  if (item.verb == flare::ItemVerb::remove || item.verb == flare::ItemVerb::store) return result;
  result.expire_s = (choice & 0x40) != 0 ? now_s + choice : 0;
  if (arithmetic && item.wants_value) result.number = 18446744073709551615u - choice;
  if (arithmetic) return result;
  result.data_bytes = item.key.size();
  if (item.verb == flare::ItemVerb::debug) return result;
  result.flags = 4294967295u - choice;
  if (item.wants_value) result.data = item.key;
  result.won = (choice & 0x20) != 0;
  result.stale = (choice & 0x10) != 0;
  result.token_sent = (choice & 0x80) != 0;
  return result;
}

void check_answer(const flare::ItemRequest& asked, const flare::ItemRequest& at_node, std::uint8_t choice) {
  const auto result = result_of(asked, choice);
  flare::OutputBuffer out;
  flare::append_meta_answer(out, at_node, result, now_s);
  const auto scan = flare::AnswerReader{flare::AnswerShape::item}.scan(out.view());
  require(scan.kind == flare::AnswerScan::Kind::complete && scan.size == out.size());
  require(flare::test::text_of(flare::parse_item_answer(asked, out.view(), now_s)) == flare::test::text_of(result));
}

void check_forwarding(const flare::Request& request, std::uint8_t choice) {
  const flare::ItemRequest& item = *request.item;
  const std::string first = forwarded(item, request.prefix);
  flare::RequestReader reader{next_node_limits};
  const auto result = reader.next(first);
  require(result.kind == flare::ReadResult::Kind::request && result.consumed == first.size());
  require(result.request.command == flare::Command::item && result.request.proxied);
  const flare::ItemRequest& again = *result.request.item;
  require(!again.quiet && again.key == item.key && again.data == item.data);
  require(forwarded(again, request.prefix) == first);
  require(flare::test::action_text(again) == flare::test::action_text(with_absolute_times(item)));
  check_answer(item, again, choice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const auto choice = flare::fuzz::take_choice(bytes);
  flare::RequestReader reader{small_limits};
  const auto read = reader.next(bytes);
  if (read.kind != flare::ReadResult::Kind::request || read.request.item == nullptr) return 0;
  check_forwarding(read.request, choice);
  // Whatever the client asked for, its answer is written.
  flare::OutputBuffer out;
  flare::append_item_answer(out, *read.request.item, result_of(*read.request.item, choice), now_s);
  return 0;
}
