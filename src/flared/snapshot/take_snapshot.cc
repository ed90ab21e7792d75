#include "flared/snapshot/take_snapshot.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "flared/replication/snapshot_encoder.h"
#include "flared/replication/storage_failure.h"
#include "flared/snapshot/local_snapshots.h"
#include "flared/storage/log_codec.h"

namespace flare::snapshot {
namespace {

constexpr std::size_t chunk_bytes_max = 256 * 1024;

Result<void, std::string> goes_on(const Writer& writer, const Progress& progress) {
  if (progress && !progress(writer.bytes())) return std::string{"the snapshot was broken off"};
  return {};
}

Result<void, std::string> take_records(Scan& scan, Writer& writer, const Progress& progress) {
  SnapshotEncoder encoder;
  for (bool more = true; more;) {
    const auto gathered = encoder.gather(scan);
    if (!gathered) return store_failed("scanning", gathered.error());
    more = *gathered;
    if (const auto written = writer.append(encoder.take()); !written) return written.error();
    if (const auto going = goes_on(writer, progress); !going) return going.error();
  }
  std::string end;
  stream::append(end, encoder.end());
  return writer.append(end);
}

// A scanned record may come from an entry that the kernel does not have yet.
Result<Sequence, std::string> write_log(Storage& storage) {
  const Storage::Batch batch{storage};
  const auto last = storage.position().sequence;
  if (const auto written = storage.write_log(); !written) return store_failed("writing the log", written.error());
  return last;
}

struct Copied {
  Position position;
  std::uint64_t entries = 0;
};

Result<void, std::string> encode(std::string_view chunk, std::string& out, Copied& copied) {
  while (!chunk.empty()) {
    const auto decoded = decode_entry(chunk);
    if (!decoded || decoded->entry.sequence != next(copied.position.sequence)) return std::string{"the log is damaged"};
    stream::append(out, stream::Entry{decoded->entry});
    copied.position.epoch = decoded->entry.epoch;
    copied.position.sequence = decoded->entry.sequence;
    ++copied.entries;
    chunk.remove_prefix(decoded->bytes);
  }
  return {};
}

Result<Copied, std::string> take_entries(Storage& storage, Position from, Writer& writer, const Progress& progress) {
  const auto last = write_log(storage);
  if (!last) return last.error();
  Copied copied{from, 0};
  std::string chunk;
  std::string out;
  while (copied.position.sequence < *last) {
    chunk.clear();
    out.clear();
    const auto read = storage.read_log(copied.position.sequence, chunk_bytes_max, chunk);
    if (!read) return store_failed("reading the log", read.error());
    if (const auto encoded = encode(chunk, out, copied); !encoded) return encoded.error();
    if (out.empty()) return std::string{"the log ended early"};
    if (const auto written = writer.append(out); !written) return written.error();
    if (const auto going = goes_on(writer, progress); !going) return going.error();
  }
  return copied;
}

}  // namespace

Result<Position, std::string> take(Storage& storage, Writer& writer, const Progress& progress) {
  const auto scan = storage.begin_scan();
  if (!scan) return store_failed("beginning a scan", scan.error());
  const auto position = (*scan)->position();
  std::string begin;
  stream::append(begin, stream::SnapshotBegin{position, (*scan)->epochs(), (*scan)->expected_items()});
  if (const auto written = writer.append(begin); !written) return written.error();
  if (const auto taken = take_records(**scan, writer, progress); !taken) return taken.error();
  const auto copied = take_entries(storage, position, writer, progress);
  if (!copied) return copied.error();
  // A store swapped in meanwhile is of another history: what was copied behind the scan may be its entries.
  if (storage.position().log_id != position.log_id) return std::string{"the store was replaced meanwhile"};
  const auto finished = writer.finish(copied->position.epoch, copied->position.sequence, copied->entries);
  if (!finished) return finished.error();
  return copied->position;
}

Result<TakenLocal, std::string> take_local(Storage& storage, const std::filesystem::path& data_dir, const Head& head,
                                           const Progress& progress) {
  const auto folder = local_folder(data_dir);
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    return fmt::format("{}: cannot be created: {}", folder.string(), error_text(errno));
  }
  if (const int error = sync_folder(data_dir)) {
    return fmt::format("{}: cannot be synced: {}", data_dir.string(), error_text(error));
  }
  // Its name tells the position that it turns out to have: until then it has one that no start takes for a snapshot's.
  const auto unnamed = folder / "taking";
  auto writer = Writer::create(unnamed, head);
  if (!writer) return writer.error();
  const auto position = take(storage, **writer, progress);
  if (!position) return position.error();
  TakenLocal taken{*position, folder / local_name(position->log_id, position->sequence), (*writer)->bytes()};
  if (::rename(unnamed.c_str(), taken.path.c_str()) != 0) {
    return fmt::format("{}: cannot be named: {}", taken.path.string(), error_text(errno));
  }
  if (const int error = sync_folder(folder)) {
    return fmt::format("{}: cannot be synced: {}", folder.string(), error_text(error));
  }
  return taken;
}

}  // namespace flare::snapshot
