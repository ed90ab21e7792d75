// Bytes of a snapshot file: nothing crashes, and a file made of the input is read back; one changed byte is noticed.
#include <string>

#include "flared/replication/stream_checksum.h"
#include "flared/snapshot/snapshot_reader.h"
#include "fuzz.h"

namespace {

using flare::fuzz::require;
namespace snapshot = flare::snapshot;
namespace stream = flare::stream;

constexpr std::size_t data_bytes_max = 1 << 20;

void check_bytes(std::string_view bytes) {
  if (const auto head = snapshot::parse_head(bytes)) {
    require(snapshot::format_head(*head) == std::string{bytes} + "\r\n");
  }
  if (const auto end = snapshot::parse_end(bytes)) require(snapshot::format_end(*end) == std::string{bytes} + "\r\n");
  if (const auto facts = snapshot::verify(bytes, data_bytes_max)) require(facts->bytes == bytes.size());
}

// With right first and last lines around it, so that the middle is reached.
void check_middle(std::string_view middle) {
  auto bytes = snapshot::format_head({}) + std::string{middle};
  stream::Checksum checksum;
  checksum.add(bytes);
  bytes += snapshot::format_end({flare::Epoch{1}, flare::Sequence{7}, 0, checksum.value()});
  std::ignore = snapshot::verify(bytes, data_bytes_max);
}

void check_round_trip(std::string_view data, std::uint8_t choice) {
  const auto key = std::string{"k"} + std::string{data.substr(0, choice % 64)};
  auto bytes = snapshot::format_head({{}, "node:1", flare::PartitionId{0}, 1, choice});
  stream::append(bytes, stream::SnapshotBegin{{flare::LogId{1}, flare::Epoch{1}, flare::Sequence{7}}, {}, 1});
  std::string record;
  stream::append(record, stream::Record{key, {choice, 0, flare::RecordVersion{choice}, data}});
  stream::Checksum records;
  records.add(record);
  bytes += record;
  stream::append(bytes, stream::SnapshotEnd{1, records.value()});
  stream::Checksum all;
  all.add(bytes);
  bytes += snapshot::format_end({flare::Epoch{1}, flare::Sequence{7}, 0, all.value()});
  const auto facts = snapshot::verify(bytes, data_bytes_max);
  require(facts && facts->records == 1);
  bytes[(data.size() * 31 + choice) % bytes.size()] ^= static_cast<char>(choice | 1);
  require(!snapshot::verify(bytes, data_bytes_max));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto bytes = flare::fuzz::bytes_of(data, size);
  check_bytes(bytes);
  check_middle(bytes);
  const auto choice = flare::fuzz::take_choice(bytes);
  check_round_trip(bytes, choice);
  return 0;
}
