// What an original answers to `dump`. The first byte chooses the size of the pieces.
#include <algorithm>
#include <string>
#include <variant>

#include "flared/replication/dump_reader.h"
#include "fuzz.h"

namespace {

using flare::DumpReader;
using flare::fuzz::require;

// All that was understood, and whether it ended by a refusal.
std::string read_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
  const DumpReader reader{1024};
  std::string buffer;
  std::string told;
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
    buffer += bytes.substr(at, piece_bytes);
    std::string_view unread{buffer};
    for (;;) {
      const auto before = unread.size();
      const auto next = reader.next(unread);
      if (!next) return told + "refused";
      if (!*next) break;
      require(unread.size() < before);
      if (const auto* record = std::get_if<DumpReader::Record>(&**next)) {
        require(record->record.data.size() <= 1024);
        told.append(record->key).append(" ").append(record->record.data).append("\n");
      } else {
        told += std::holds_alternative<DumpReader::End>(**next) ? "end\n" : "busy\n";
      }
    }
    buffer.erase(0, buffer.size() - unread.size());
  }
  return told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  const std::size_t piece_bytes = std::size_t{flare::fuzz::take_choice(bytes)} + 1;
  require(read_in_pieces(bytes, piece_bytes) == read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1)));
  return 0;
}
