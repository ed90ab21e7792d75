#include "common/protocol/binary_reader.h"

#include <algorithm>
#include <cassert>

#include "common/protocol/binary_opcode.h"

namespace flare {
namespace {

constexpr std::uint32_t never_created = 0xffffffff;  // exptime of increment and decrement: a missing entry stays so
constexpr std::size_t sasl_bytes_max = 1024;         // beyond the longest user and password
constexpr std::string_view key_refusal = "Invalid key: spaces and control bytes are not taken";

BinaryRead need_more(std::size_t bytes) {
  BinaryRead read;
  read.result.kind = ReadResult::Kind::need_more;
  read.result.bytes_needed = bytes;
  return read;
}

enum class Part : std::uint8_t { none, may, must };

/// The form of a body, as memcached checks it before anything else.
struct BodyRule {
  std::size_t extras_bytes = 0;
  bool extras_may_lack = false;
  Part key = Part::none;
  bool value = false;
};

constexpr BodyRule rule_of(BinaryBody body) {
  switch (body) {
    case BinaryBody::key:
      return {0, false, Part::must, false};
    case BinaryBody::exptime_key:
      return {4, false, Part::must, false};
    case BinaryBody::store:
      return {8, false, Part::must, true};
    case BinaryBody::append:
    case BinaryBody::key_value:
      return {0, false, Part::must, true};
    case BinaryBody::arithmetic:
      return {20, false, Part::must, false};
    case BinaryBody::unknown:
    case BinaryBody::nothing:
      return {0, false, Part::none, false};
    case BinaryBody::delay:
      return {4, true, Part::none, false};
    case BinaryBody::words:
      return {0, false, Part::may, false};
    case BinaryBody::level:
      return {4, false, Part::none, false};
  }
  return {};  // not reached: every member is above
}

bool good_form(const BinaryRequestHeader& header, BinaryBody body) {
  if (body == BinaryBody::unknown) return true;
  const auto rule = rule_of(body);
  if (header.extras_bytes != rule.extras_bytes && !(rule.extras_may_lack && header.extras_bytes == 0)) return false;
  if (header.key_bytes == 0 && rule.key == Part::must) return false;
  if (header.key_bytes > 0 && rule.key == Part::none) return false;
  return rule.value || header.value_bytes() == 0;
}

bool is_control(char byte) { return static_cast<unsigned char>(byte) < ' ' || byte == '\x7f'; }

// docs/design.md 2, protocol.md 9.4: a key is a word of the text protocol too, which other nodes are asked in. So are
// the words of stat, but they are several.
bool good_key(std::string_view key, BinaryBody body) {
  const bool spaces = body == BinaryBody::words;
  return std::none_of(key.begin(), key.end(),
                      [spaces](char byte) { return is_control(byte) || (byte == ' ' && !spaces); });
}

/// Extras, one number after the other. A missing one is 0: only flush's may be missing.
class Extras {
 public:
  explicit Extras(std::string_view bytes) : bytes_(bytes) {}

  template <class Number>
  Number next() {
    if (bytes_.size() < sizeof(Number)) return 0;
    const auto number = load_network<Number>(bytes_.data());
    bytes_.remove_prefix(sizeof(Number));
    return number;
  }

 private:
  std::string_view bytes_;
};

// 32 bits without a sign: memcached knows no negative exptime here.
std::int64_t next_exptime(Extras& extras) { return extras.next<std::uint32_t>(); }

std::optional<std::uint64_t> compare_of(const BinaryRequestHeader& header) {
  if (header.compare == 0) return std::nullopt;
  return header.compare;
}

// As memcached: with a cas, set, add and replace are all a compare-and-swap. It ignores that of get and touch.
void take_store(ItemRequest& item, const BinaryRequestHeader& header) {
  item.compare = compare_of(header);
  if (item.compare && (item.mode == StoreMode::add || item.mode == StoreMode::replace)) item.mode = StoreMode::set;
}

void take_arithmetic(ItemRequest& item, Extras extras) {
  item.delta = extras.next<std::uint64_t>();
  item.initial = extras.next<std::uint64_t>();
  const auto exptime = extras.next<std::uint32_t>();
  if (exptime != never_created) item.vivify_exptime = exptime;
}

ItemRequest make_item(const BinaryOpcode& opcode, const BinaryRequestHeader& header) {
  ItemRequest item;
  item.form = ItemRequest::Form::binary;
  item.binary = header.answer;
  item.verb = opcode.verb;
  item.mode = opcode.mode;
  item.quiet = opcode.quiet;
  item.wants_value = opcode.wants_value;
  item.decrement = opcode.decrement;
  return item;
}

void take_body(ItemRequest& item, BinaryBody body, const BinaryRequestHeader& header, Extras extras) {
  switch (body) {
    case BinaryBody::exptime_key:
      item.exptime = next_exptime(extras);
      return;
    case BinaryBody::store:
      item.flags = extras.next<std::uint32_t>();
      item.exptime = next_exptime(extras);
      return take_store(item, header);
    case BinaryBody::append:
      return take_store(item, header);
    case BinaryBody::arithmetic:
      item.compare = compare_of(header);
      return take_arithmetic(item, extras);
    case BinaryBody::key:
      if (item.verb == ItemVerb::remove) item.compare = compare_of(header);
      return;
    case BinaryBody::unknown:
    case BinaryBody::nothing:
    case BinaryBody::delay:
    case BinaryBody::words:
    case BinaryBody::level:
    case BinaryBody::key_value:
      return;
  }
}

}  // namespace

BinaryRead BinaryReader::next(std::string_view unread, ItemRequest& item) {
  if (unread.size() < binary_header_bytes) return need_more(binary_header_bytes);
  const auto header = parse_binary_header(unread);
  const auto& opcode = binary_opcode(header.answer.opcode);
  // memcached closes after these: who counts bytes otherwise than we do cannot be followed.
  if (header.key_bytes > limits_.key_bytes) return close(header, BinaryStatus::invalid_arguments, "Invalid arguments");
  if (!header.fits()) return close(header, BinaryStatus::unknown_command, "Unknown command");
  if (!good_form(header, opcode.body)) return close(header, BinaryStatus::invalid_arguments, "Invalid arguments");
  const bool is_sasl = opcode.command == Command::sasl && limits_.sasl;
  if (!opcode.served && !is_sasl) return refuse(unread, header, BinaryStatus::unknown_command, "Unknown command");
  const auto value_bytes_max = is_sasl ? sasl_bytes_max : limits_.value_bytes;
  if (header.value_bytes() > value_bytes_max) return refuse(unread, header, BinaryStatus::too_large, "Too large.");

  if (unread.size() < header.packet_bytes()) return need_more(header.packet_bytes());
  const auto packet = unread.substr(0, header.packet_bytes());
  const auto key = packet.substr(binary_header_bytes + header.extras_bytes, header.key_bytes);
  if (!good_key(key, opcode.body)) return refuse(unread, header, BinaryStatus::invalid_arguments, key_refusal);
  return take(packet, header, item);
}

BinaryRead BinaryReader::take(std::string_view packet, const BinaryRequestHeader& header, ItemRequest& item) {
  const auto& opcode = binary_opcode(header.answer.opcode);
  Extras extras{packet.substr(binary_header_bytes, header.extras_bytes)};
  const auto key = packet.substr(binary_header_bytes + header.extras_bytes, header.key_bytes);
  BinaryRead read;
  read.result.kind = ReadResult::Kind::request;
  read.result.consumed = packet.size();
  Request& request = read.result.request;
  request.command = opcode.command;
  if (opcode.command == Command::item) {
    item = make_item(opcode, header);
    item.key = key;
    item.data = packet.substr(packet.size() - header.value_bytes());
    take_body(item, opcode.body, header, extras);
    request.item = &item;
    return read;
  }
  header_ = header.answer;
  request.binary = &header_;
  request.rest = key;
  request.data = packet.substr(packet.size() - header.value_bytes());
  if (opcode.body == BinaryBody::delay) request.exptime = next_exptime(extras);
  return read;
}

// protocol.md 9.5: the body of a refused packet is never read as a request.
BinaryRead BinaryReader::refuse(std::string_view unread, const BinaryRequestHeader& header, BinaryStatus status,
                                std::string_view text) {
  BinaryRead read;
  read.result.kind = ReadResult::Kind::refused;
  read.result.consumed = std::min(unread.size(), header.packet_bytes());
  read.result.answer = compose(header, status, text);
  read.skip_bytes = header.packet_bytes() - read.result.consumed;
  return read;
}

BinaryRead BinaryReader::close(const BinaryRequestHeader& header, BinaryStatus status, std::string_view text) {
  BinaryRead read;
  read.result.kind = ReadResult::Kind::close;
  read.result.answer = compose(header, status, text);
  return read;
}

std::string_view BinaryReader::compose(const BinaryRequestHeader& header, BinaryStatus status, std::string_view text) {
  assert(text.size() <= refusal_text_max);
  BinaryAnswerHeader answer;
  answer.request = header.answer;
  answer.status = static_cast<std::uint16_t>(status);
  answer.value_bytes = text.size();
  write_binary_header(refusal_.data(), answer);
  std::copy(text.begin(), text.end(), refusal_.data() + binary_header_bytes);
  return {refusal_.data(), binary_header_bytes + text.size()};
}

}  // namespace flare
