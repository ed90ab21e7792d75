// What another node sends. The first byte chooses the shape of the answer, the second the size of the pieces.
#include <algorithm>

#include "common/protocol/answer_reader.h"
#include "fuzz.h"

namespace {

using flare::AnswerScan;
using flare::fuzz::require;

constexpr std::size_t value_bytes_max = 1024;

AnswerScan scan_in_pieces(std::string_view bytes, flare::AnswerShape shape, std::size_t piece_bytes) {
  flare::AnswerReader reader{shape, value_bytes_max};
  AnswerScan scan;
  for (std::size_t arrived = 0; arrived < bytes.size();) {
    arrived = std::min(arrived + piece_bytes, bytes.size());
    if (arrived < scan.bytes_needed) continue;
    scan = reader.scan(bytes.substr(0, arrived));
    if (scan.kind != AnswerScan::Kind::need_more) break;
    require(scan.bytes_needed > arrived);
  }
  require(scan.kind != AnswerScan::Kind::complete || (scan.size > 0 && scan.size <= bytes.size()));
  return scan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const auto shape = static_cast<flare::AnswerShape>(flare::fuzz::take_choice(bytes) % 4);
  const std::size_t piece_bytes = std::size_t{flare::fuzz::take_choice(bytes)} + 1;
  const auto pieces = scan_in_pieces(bytes, shape, piece_bytes);
  const auto whole = scan_in_pieces(bytes, shape, std::max<std::size_t>(bytes.size(), 1));
  require(pieces.kind == whole.kind && pieces.size == whole.size);
  return 0;
}
