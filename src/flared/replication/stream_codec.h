#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/result.h"
#include "flared/storage/log_entry.h"
#include "flared/storage/record.h"

/// The lines between a source and its slave (docs/replication.md 3): readable headers, checked sizes, raw data. Pure.
/// In a key `%`, space, control bytes and DEL are written as `%` and two hex digits, so that a line stays a line.
namespace flare::stream {

/// `OK <log-id> <epoch> <sequence>`: the stream follows from there.
struct Ok {
  Position position;
};
/// `SNAPSHOT <log-id> <epoch> <sequence> <epoch table> <expected items>`
struct SnapshotBegin {
  Position position;
  EpochTable epochs;
  std::uint64_t expected_items = 0;
};
/// `RECORD <version> <flags> <expire> <size> <key>` CRLF data CRLF
struct Record {
  std::string_view key;
  RecordView record;
};
/// `DELETED <version> <hold-until> <key>`: a remembered deletion (protocol.md 3); before the records of a snapshot. For
/// a key that was asked for, 0 and 0: nothing is known of it.
struct Deleted {
  std::string_view key;
  RecordVersion version{0};
  std::int64_t hold_until_s = 0;
};
/// `SNAPSHOT-END <count> <checksum>`: of all RECORD and DELETED messages; XXH3 over their bytes, 16 hex digits.
struct SnapshotEnd {
  std::uint64_t count = 0;
  std::uint64_t checksum = 0;
};
/// `COMMON <log-id> <epoch> <sequence>`: the slave's log has another end behind that entry; the stream can follow from
/// there, once the slave has what the source has of the keys it wrote behind it (replication.md 11).
struct Common {
  Position position;
};
/// `KEY <key>`: the slave asks for it.
struct Key {
  std::string_view key;
};
/// `KEYS <count>`, from the slave: those were all. None: it wants a snapshot.
struct Keys {
  std::uint64_t count = 0;
};
/// `KEYS-END <sequence> <count> <checksum>`, from the source, behind a RECORD or DELETED for each key: as SNAPSHOT-END;
/// the entries up to `sequence` make them exact.
struct KeysEnd {
  Sequence exact_at{0};
  std::uint64_t count = 0;
  std::uint64_t checksum = 0;
};
/// `SET <epoch> <seq> <version> <flags> <expire> <size> <key>` + data, `TOUCH` alike,
/// `DELETE <epoch> <seq> <version> <hold-until> <key>`, `FLUSH <epoch> <seq>`
struct Entry {
  LogEntry entry;
};
/// `PING <epoch> <seq> <stamp> [<committed>]`: the source's epoch, the last sequence it has written, and up to where
/// all who may be promoted have it (missing: nothing is known). One follows `OK` and `SNAPSHOT` at once, so that a
/// slave knows the epoch before it takes anything.
struct Ping {
  Epoch epoch{0};
  Sequence sequence{0};
  std::uint64_t stamp = 0;
  Sequence committed{0};
};
/// `INSYNC <epoch> <seq>`: the source confirms that the slave has caught up and that the index knows it.
struct InSync {
  Epoch epoch{0};
  Sequence sequence{0};
};
/// `ACK <epoch> <seq> <durable seq> <stamp>`: `stamp` is that of the newest PING read.
struct Ack {
  Epoch epoch{0};
  Sequence sequence{0};
  Sequence durable{0};
  std::uint64_t stamp = 0;

  bool operator==(const Ack&) const = default;
};
/// `SERVER_ERROR ...`, `CLIENT_ERROR ...` or `ERROR`: the whole line.
struct Refusal {
  std::string_view text;
};

using Message = std::variant<Ok, SnapshotBegin, Record, Deleted, SnapshotEnd, Entry, Ping, InSync, Ack, Refusal, Common,
                             Key, Keys, KeysEnd>;

void append(std::string& out, const Ok& message);
void append(std::string& out, const SnapshotBegin& message);
void append(std::string& out, const Record& message);
void append(std::string& out, const Deleted& message);
void append(std::string& out, const SnapshotEnd& message);
void append(std::string& out, const Entry& message);
void append(std::string& out, const Ping& message);
void append(std::string& out, const InSync& message);
void append(std::string& out, const Ack& message);
void append(std::string& out, const Refusal& message);
void append(std::string& out, const Common& message);
void append(std::string& out, const Key& message);
void append(std::string& out, const Keys& message);
void append(std::string& out, const KeysEnd& message);

enum class CodecError : std::uint8_t {
  line_too_long,
  unknown_word,
  surplus_word,
  bad_number,
  bad_key,
  bad_epochs,
  data_too_large,
  missing_line_end,  // the data is not followed by CRLF
};
std::string_view to_text(CodecError error);

/// A message with the bytes it was read from. Its views live until the next call of the decoder or change of the bytes.
struct Decoded {
  Message message;
  std::string_view raw;
};

/// Takes messages from the front of unread bytes.
class Decoder {
 public:
  explicit Decoder(std::size_t data_bytes_max) : data_bytes_max_(data_bytes_max) {}
  /// nullopt: the bytes hold no whole message yet. Else `unread` begins behind the message.
  Result<std::optional<Decoded>, CodecError> next(std::string_view& unread);

 private:
  std::size_t data_bytes_max_;
  std::string key_;  // an unescaped key
};

}  // namespace flare::stream
