#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "flared/storage/log_entry.h"

/// What an original slave is sent, and what it answers (docs/spec/cluster.md 5.3, docs/replication.md 5). Pure.
namespace flare {

/// Whether an original can be told of the key: as one word of a line.
bool original_knows_key(std::string_view key);

/// An absolute time as an original reads it: 0 never; it would take a small one for relative.
std::int64_t original_expire_s(std::int64_t expire_s);

/// The entry as one request, prefixed with `own_name`: `set` of the whole value with its version, `delete` with its
/// version, `touch` without one. A flush is `flush_all`, which an original carries out at itself only.
void append_original_form(std::string& out, const LogEntry& entry, std::string_view own_name, std::int64_t now_s);
/// `delete k 0 <version>`, so that an older record of the key cannot stay (a held one with its time).
void append_original_deletion(std::string& out, std::string_view key, RecordVersion version, std::int64_t hold_until_s,
                              std::string_view own_name, std::int64_t now_s);

enum class OriginalAnswer : std::uint8_t {
  taken,       // done, or not newer: both are as they should be
  refused,     // the slave could not: SERVER_ERROR
  unexpected,  // it did not understand: nothing behind it can be trusted
};
OriginalAnswer judge_original_answer(std::string_view line);

}  // namespace flare
