#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "flared/storage/log_entry.h"
#include "flared/storage/record.h"

/// A tolerant reader of a hash store's file as a stop of the machine may have left it (docs/design.md 3.6). The
/// library's own repair lost up to 86 % of records that nobody had touched; this one only reads. Pure.
namespace flare::snapshot {

/// How far a record can be believed: its header, its sizes and the record in it fit in each case.
enum class Proof : std::uint8_t {
  reached,  // and its own bucket's chain leads to its place
  spread,   // likewise, but it lies on more than one page of the disk: they may be of different times
  loose,    // it stands where a record may stand, but no chain leads there
};

struct KchRemains {
  LogId log_id{0};  // of the last commit, in the opaque bytes
  Sequence sequence{0};
  std::uint64_t count = 0;    // records by the file's header
  std::uint64_t reached = 0;  // spread ones among them
  std::uint64_t loose = 0;
  std::uint64_t broken_links = 0;   // from a bucket or a record to a place where no record of that bucket is
  std::uint64_t damaged_bytes = 0;  // where nothing that fits was found
};

/// What the header says, before anything else is read. The error is a sentence, as that of scan_kch.
Result<KchRemains, std::string> read_kch_header(std::string_view bytes);

using VisitRemains = std::function<void(std::string_view key, const RecordView& record, Proof proof)>;

/// Shows what the file holds, each place once; one key may come more than once, from an old and a new place. The error
/// is a sentence without the file's name: its header says nothing to go by.
Result<KchRemains, std::string> scan_kch(std::string_view bytes, const VisitRemains& visit);

}  // namespace flare::snapshot
