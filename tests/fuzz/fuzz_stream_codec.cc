// The lines between a source and its slave (docs/replication.md 3), in pieces: what is decoded is encoded alike, and
// where a piece ends changes nothing. Also the first lines, `repl hello` and `repl import`.
#include <algorithm>
#include <string>
#include <variant>

#include "flared/replication/hello.h"
#include "flared/replication/stream_codec.h"
#include "fuzz.h"

namespace {

using flare::fuzz::require;

constexpr std::size_t data_bytes_max = 1024;

std::string encoded(const flare::stream::Message& message) {
  std::string text;
  std::visit([&](const auto& kind) { flare::stream::append(text, kind); }, message);
  return text;
}

// Numbers may come with leading zeros: so it is the second reading that has to be written back byte by byte.
void check_message(const flare::stream::Decoded& decoded) {
  const auto text = encoded(decoded.message);
  flare::stream::Decoder decoder{data_bytes_max};
  std::string_view unread = text;
  const auto again = decoder.next(unread);
  require(again && *again && unread.empty());
  require((*again)->message.index() == decoded.message.index() && encoded((*again)->message) == text);
}

// All messages as the encoder writes them, and the error that ends them.
std::string read_in_pieces(std::string_view bytes, std::size_t piece_bytes, bool check) {
  flare::stream::Decoder decoder{data_bytes_max};
  std::string text;
  std::size_t begin = 0;
  for (std::size_t arrived = 0; arrived < bytes.size();) {
    arrived = std::min(arrived + piece_bytes, bytes.size());
    while (true) {
      auto unread = bytes.substr(begin, arrived - begin);
      const auto decoded = decoder.next(unread);
      if (!decoded) return text + std::string{to_text(decoded.error())};
      if (!*decoded) break;
      require((*decoded)->raw.data() == bytes.data() + begin && !(*decoded)->raw.empty());
      if (check) check_message(**decoded);
      text += encoded((*decoded)->message);
      begin += (*decoded)->raw.size();
    }
  }
  return text;
}

// Where a source and a slave part is an entry that both have.
void check_start(const flare::Hello& hello, const flare::Position& own, const flare::EpochTable& epochs, bool back) {
  const auto decision = flare::decide_start(hello, own, epochs, back);
  if (decision.kind != flare::StartDecision::Kind::keys) return;
  require(decision.common.sequence <= hello.position.sequence && decision.common.sequence <= own.sequence);
  require(decision.common.sequence == flare::sequence_needed(hello, own, epochs));
}

void check_first_line(std::string_view line) {
  if (const auto hello = flare::parse_hello(line)) {
    const auto text = flare::format_hello(*hello);
    const auto again = flare::parse_hello(text);
    require(again && flare::format_hello(*again) == text);
    check_start(*hello, hello->position, hello->epochs, true);
    const flare::EpochTable epochs{{flare::Epoch{1}, flare::Sequence{4}}, {flare::Epoch{3}, flare::Sequence{9}}};
    for (const bool back : {false, true}) {
      check_start(*hello, {hello->position.log_id, flare::Epoch{3}, flare::Sequence{9}}, epochs, back);
    }
  }
  if (const auto import = flare::parse_import(line)) {
    const auto text = flare::format_import(*import);
    const auto again = flare::parse_import(text);
    require(again && flare::format_import(*again) == text);
  }
  if (const auto handover = flare::parse_handover(line)) {
    const auto text = flare::format_handover(handover->partition, handover->partitions, handover->slave);
    const auto again = flare::parse_handover(text);
    require(again && flare::format_handover(again->partition, again->partitions, again->slave) == text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const std::size_t piece_bytes = std::size_t{flare::fuzz::take_choice(bytes)} + 1;
  check_first_line(bytes);
  require(read_in_pieces(bytes, piece_bytes, true) ==
          read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1), false));
  return 0;
}
