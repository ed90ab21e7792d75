#include "flared/replication/stream_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "common/base/limits.h"
#include "flared/replication/header_words.h"
#include "flared/replication/hello.h"

namespace flare::stream {

namespace {

constexpr std::string_view line_end = "\r\n";

bool must_escape(unsigned char byte) { return byte <= ' ' || byte == 0x7f || byte == '%'; }

void append_key(std::string& out, std::string_view key) {
  for (const char c : key) {
    if (must_escape(static_cast<unsigned char>(c))) {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
}

// The key that a word stands for; in `room` if it has an escape. nullopt: not what append_key writes.
std::optional<std::string_view> read_key(std::string_view word, std::string& room) {
  if (word.empty()) return std::nullopt;
  auto key = word;
  if (word.find('%') != std::string_view::npos) {
    room.clear();
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (word[i] != '%') {
        room += word[i];
        continue;
      }
      const auto byte = HeaderWords::parse_number<unsigned char>(word.substr(i + 1, 2), 16);
      if (i + 2 >= word.size() || !byte || !must_escape(*byte)) return std::nullopt;
      room += static_cast<char>(*byte);
      i += 2;
    }
    key = room;
  }
  const auto bare = [&](char c) { return c != '%' && must_escape(static_cast<unsigned char>(c)); };
  if (key.size() > limits::key_bytes_max || std::any_of(word.begin(), word.end(), bare)) return std::nullopt;
  return key;
}

void append_data(std::string& out, std::string_view data) {
  out += line_end;
  out += data;
  out += line_end;
}

void append_stored(std::string& out, std::string_view word, const LogEntry& entry) {
  fmt::format_to(std::back_inserter(out), "{} {} {} {} {} {} {} ", word, raw(entry.epoch), raw(entry.sequence),
                 raw(entry.version), entry.flags, entry.expire_s, entry.data.size());
  append_key(out, entry.key);
  append_data(out, entry.data);
}

// A header that was read; `data_bytes` where data follows it.
struct Header {
  Message message;
  std::optional<std::size_t> data_bytes;
};
using HeaderResult = Result<Header, CodecError>;

HeaderResult finished(const HeaderWords& words, Message message) {
  if (!words.at_end()) return CodecError::surplus_word;
  return Header{std::move(message), std::nullopt};
}

HeaderResult read_ok(HeaderWords words) {
  const auto log_id = words.next_id<LogId>(16);
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  if (!log_id || !epoch || !sequence) return CodecError::bad_number;
  return finished(words, Ok{{*log_id, *epoch, *sequence}});
}

HeaderResult read_common(HeaderWords words) {
  auto header = read_ok(words);
  if (header) header->message = Common{std::get<Ok>(header->message).position};
  return header;
}

HeaderResult read_asked_key(HeaderWords words, std::string& room) {
  const auto key = read_key(words.next(), room);
  if (!key) return CodecError::bad_key;
  return finished(words, Key{*key});
}

HeaderResult read_keys(HeaderWords words) {
  const auto count = words.next_number<std::uint64_t>();
  if (!count) return CodecError::bad_number;
  return finished(words, Keys{*count});
}

HeaderResult read_keys_end(HeaderWords words) {
  const auto exact_at = words.next_id<Sequence>();
  const auto count = words.next_number<std::uint64_t>();
  const auto checksum = words.next_number<std::uint64_t>(16);
  if (!exact_at || !count || !checksum) return CodecError::bad_number;
  return finished(words, KeysEnd{*exact_at, *count, *checksum});
}

HeaderResult read_snapshot_begin(HeaderWords words) {
  const auto log_id = words.next_id<LogId>(16);
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  if (!log_id || !epoch || !sequence) return CodecError::bad_number;
  auto epochs = parse_epochs(words.next());
  if (!epochs) return CodecError::bad_epochs;
  const auto expected = words.next_number<std::uint64_t>();
  if (!expected) return CodecError::bad_number;
  return finished(words, SnapshotBegin{{*log_id, *epoch, *sequence}, std::move(*epochs), *expected});
}

HeaderResult read_record(HeaderWords words, std::string& room) {
  const auto version = words.next_id<RecordVersion>();
  const auto flags = words.next_number<std::uint32_t>();
  const auto expire_s = words.next_number<std::int64_t>();
  const auto size = words.next_number<std::size_t>();
  if (!version || !flags || !expire_s || !size) return CodecError::bad_number;
  const auto key = read_key(words.next(), room);
  if (!key) return CodecError::bad_key;
  if (!words.at_end()) return CodecError::surplus_word;
  return Header{Record{*key, RecordView{*flags, *expire_s, *version, {}}}, *size};
}

HeaderResult read_deleted(HeaderWords words, std::string& room) {
  const auto version = words.next_id<RecordVersion>();
  const auto hold_until_s = words.next_number<std::int64_t>();
  if (!version || !hold_until_s) return CodecError::bad_number;
  const auto key = read_key(words.next(), room);
  if (!key) return CodecError::bad_key;
  return finished(words, Deleted{*key, *version, *hold_until_s});
}

HeaderResult read_snapshot_end(HeaderWords words) {
  const auto count = words.next_number<std::uint64_t>();
  const auto checksum = words.next_number<std::uint64_t>(16);
  if (!count || !checksum) return CodecError::bad_number;
  return finished(words, SnapshotEnd{*count, *checksum});
}

HeaderResult read_stored(HeaderWords words, EntryKind kind, std::string& room) {
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  const auto version = words.next_id<RecordVersion>();
  const auto flags = words.next_number<std::uint32_t>();
  const auto expire_s = words.next_number<std::int64_t>();
  const auto size = words.next_number<std::size_t>();
  if (!epoch || !sequence || !version || !flags || !expire_s || !size) return CodecError::bad_number;
  const auto key = read_key(words.next(), room);
  if (!key) return CodecError::bad_key;
  if (!words.at_end()) return CodecError::surplus_word;
  return Header{Entry{{kind, *epoch, *sequence, *key, *version, *flags, *expire_s, {}}}, *size};
}

HeaderResult read_remove(HeaderWords words, std::string& room) {
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  const auto version = words.next_id<RecordVersion>();
  const auto hold_until_s = words.next_number<std::int64_t>();
  if (!epoch || !sequence || !version || !hold_until_s) return CodecError::bad_number;
  const auto key = read_key(words.next(), room);
  if (!key) return CodecError::bad_key;
  return finished(words, Entry{{EntryKind::remove, *epoch, *sequence, *key, *version, 0, *hold_until_s, {}}});
}

HeaderResult read_position_and_stamp(HeaderWords words, std::string_view word) {
  const auto epoch = words.next_id<Epoch>();
  const auto sequence = words.next_id<Sequence>();
  if (!epoch || !sequence) return CodecError::bad_number;
  if (word == "FLUSH") {
    LogEntry entry;
    entry.kind = EntryKind::flush;
    entry.epoch = *epoch;
    entry.sequence = *sequence;
    return finished(words, Entry{entry});
  }
  if (word == "INSYNC") return finished(words, InSync{*epoch, *sequence});
  const auto durable = word == "ACK" ? words.next_id<Sequence>() : Sequence{0};
  const auto stamp = words.next_number<std::uint64_t>();
  if (!durable || !stamp) return CodecError::bad_number;
  if (word == "ACK") return finished(words, Ack{*epoch, *sequence, *durable, *stamp});
  Ping ping{*epoch, *sequence, *stamp};
  if (!words.at_end()) {
    const auto committed = words.next_id<Sequence>();
    if (!committed) return CodecError::bad_number;
    ping.committed = *committed;
  }
  return finished(words, ping);
}

HeaderResult read_header(std::string_view line, std::string& room) {
  HeaderWords words{line};
  const auto word = words.next();
  if (word == "SET") return read_stored(words, EntryKind::set, room);
  if (word == "TOUCH") return read_stored(words, EntryKind::touch, room);
  if (word == "DELETE") return read_remove(words, room);
  if (word == "RECORD") return read_record(words, room);
  if (word == "DELETED") return read_deleted(words, room);
  if (word == "FLUSH" || word == "INSYNC" || word == "PING" || word == "ACK") {
    return read_position_and_stamp(words, word);
  }
  if (word == "OK") return read_ok(words);
  if (word == "SNAPSHOT") return read_snapshot_begin(words);
  if (word == "SNAPSHOT-END") return read_snapshot_end(words);
  if (word == "KEY") return read_asked_key(words, room);
  if (word == "COMMON") return read_common(words);
  if (word == "KEYS") return read_keys(words);
  if (word == "KEYS-END") return read_keys_end(words);
  if (word == "SERVER_ERROR" || word == "CLIENT_ERROR" || word == "ERROR") return Header{Refusal{line}, std::nullopt};
  return CodecError::unknown_word;
}

void give_data(Message& message, std::string_view data) {
  if (auto* record = std::get_if<Record>(&message)) record->record.data = data;
  if (auto* entry = std::get_if<Entry>(&message)) entry->entry.data = data;
}

}  // namespace

void append(std::string& out, const Ok& message) {
  const auto& [log_id, epoch, sequence] = message.position;
  fmt::format_to(std::back_inserter(out), "OK {:016x} {} {}\r\n", raw(log_id), raw(epoch), raw(sequence));
}

void append(std::string& out, const SnapshotBegin& message) {
  const auto& [log_id, epoch, sequence] = message.position;
  fmt::format_to(std::back_inserter(out), "SNAPSHOT {:016x} {} {} {} {}\r\n", raw(log_id), raw(epoch), raw(sequence),
                 format_epochs(message.epochs), message.expected_items);
}

void append(std::string& out, const Record& message) {
  const auto& record = message.record;
  fmt::format_to(std::back_inserter(out), "RECORD {} {} {} {} ", raw(record.version), record.flags, record.expire_s,
                 record.data.size());
  append_key(out, message.key);
  append_data(out, record.data);
}

void append(std::string& out, const Deleted& message) {
  fmt::format_to(std::back_inserter(out), "DELETED {} {} ", raw(message.version), message.hold_until_s);
  append_key(out, message.key);
  out += line_end;
}

void append(std::string& out, const SnapshotEnd& message) {
  fmt::format_to(std::back_inserter(out), "SNAPSHOT-END {} {:016x}\r\n", message.count, message.checksum);
}

void append(std::string& out, const Entry& message) {
  const auto& entry = message.entry;
  switch (entry.kind) {
    case EntryKind::set:
      return append_stored(out, "SET", entry);
    case EntryKind::touch:
      return append_stored(out, "TOUCH", entry);
    case EntryKind::remove:
      fmt::format_to(std::back_inserter(out), "DELETE {} {} {} {} ", raw(entry.epoch), raw(entry.sequence),
                     raw(entry.version), entry.expire_s);
      append_key(out, entry.key);
      out += line_end;
      return;
    case EntryKind::flush:
      fmt::format_to(std::back_inserter(out), "FLUSH {} {}\r\n", raw(entry.epoch), raw(entry.sequence));
      return;
  }
}

void append(std::string& out, const Ping& message) {
  fmt::format_to(std::back_inserter(out), "PING {} {} {}", raw(message.epoch), raw(message.sequence), message.stamp);
  if (message.committed != Sequence{0}) fmt::format_to(std::back_inserter(out), " {}", raw(message.committed));
  out += "\r\n";
}

void append(std::string& out, const InSync& message) {
  fmt::format_to(std::back_inserter(out), "INSYNC {} {}\r\n", raw(message.epoch), raw(message.sequence));
}

void append(std::string& out, const Ack& message) {
  fmt::format_to(std::back_inserter(out), "ACK {} {} {} {}\r\n", raw(message.epoch), raw(message.sequence),
                 raw(message.durable), message.stamp);
}

void append(std::string& out, const Refusal& message) {
  out += message.text;
  out += line_end;
}

void append(std::string& out, const Common& message) {
  const auto& [log_id, epoch, sequence] = message.position;
  fmt::format_to(std::back_inserter(out), "COMMON {:016x} {} {}\r\n", raw(log_id), raw(epoch), raw(sequence));
}

void append(std::string& out, const Key& message) {
  out += "KEY ";
  append_key(out, message.key);
  out += line_end;
}

void append(std::string& out, const Keys& message) {
  fmt::format_to(std::back_inserter(out), "KEYS {}\r\n", message.count);
}

void append(std::string& out, const KeysEnd& message) {
  fmt::format_to(std::back_inserter(out), "KEYS-END {} {} {:016x}\r\n", raw(message.exact_at), message.count,
                 message.checksum);
}

std::string_view to_text(CodecError error) {
  switch (error) {
    case CodecError::line_too_long:
      return "line too long";
    case CodecError::unknown_word:
      return "unknown word";
    case CodecError::surplus_word:
      return "surplus word";
    case CodecError::bad_number:
      return "bad number";
    case CodecError::bad_key:
      return "bad key";
    case CodecError::bad_epochs:
      return "bad epoch table";
    case CodecError::data_too_large:
      return "value larger than max-value-size here";
    case CodecError::missing_line_end:
      return "missing line end";
  }
  return "unknown";
}

Result<std::optional<Decoded>, CodecError> Decoder::next(std::string_view& unread) {
  const auto end = unread.substr(0, limits::line_bytes_max).find('\n');
  if (end == std::string_view::npos) {
    if (unread.size() >= limits::line_bytes_max) return CodecError::line_too_long;
    return std::optional<Decoded>{};
  }
  if (end == 0 || unread[end - 1] != '\r') return CodecError::missing_line_end;
  auto header = read_header(unread.substr(0, end - 1), key_);
  if (!header) return header.error();
  auto total = end + 1;
  if (const auto size = header->data_bytes) {
    if (*size > data_bytes_max_) return CodecError::data_too_large;
    if (unread.size() - total < *size + line_end.size()) return std::optional<Decoded>{};
    if (unread.substr(total + *size, line_end.size()) != line_end) return CodecError::missing_line_end;
    give_data(header->message, unread.substr(total, *size));
    total += *size + line_end.size();
  }
  Decoded decoded{std::move(header->message), unread.substr(0, total)};
  unread.remove_prefix(total);
  return std::optional<Decoded>{std::move(decoded)};
}

}  // namespace flare::stream
