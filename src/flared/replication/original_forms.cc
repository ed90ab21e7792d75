#include "flared/replication/original_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "common/base/limits.h"
#include "common/protocol/exptime.h"

namespace flare {

namespace {

bool splits_a_line(char byte) { return byte == ' ' || byte == '\r' || byte == '\n' || byte == '\0'; }

void append_sender(std::string& out, std::string_view own_name) {
  if (!own_name.empty()) out.append("<").append(own_name).append(">");
}

}  // namespace

bool original_knows_key(std::string_view key) {
  return !key.empty() && key.size() <= limits::key_bytes_max && std::none_of(key.begin(), key.end(), splits_a_line);
}

std::int64_t original_expire_s(std::int64_t expire_s) { return expire_s == 0 ? 0 : std::max(expire_s, long_past_s); }

void append_original_form(std::string& out, const LogEntry& entry, std::string_view own_name, std::int64_t now_s) {
  auto end = std::back_inserter(out);
  switch (entry.kind) {
    case EntryKind::set:
      append_sender(out, own_name);
      fmt::format_to(end, "set {} {} {} {} {}\r\n", entry.key, entry.flags, original_expire_s(entry.expire_s),
                     entry.data.size(), raw(entry.version));
      out.append(entry.data).append("\r\n");
      return;
    case EntryKind::touch:
      append_sender(out, own_name);
      fmt::format_to(end, "touch {} {}\r\n", entry.key, original_expire_s(entry.expire_s));
      return;
    case EntryKind::remove:
      append_original_deletion(out, entry.key, entry.version, entry.expire_s, own_name, now_s);
      return;
    case EntryKind::flush:
      out.append("flush_all\r\n");
      return;
  }
}

void append_original_deletion(std::string& out, std::string_view key, RecordVersion version, std::int64_t hold_until_s,
                              std::string_view own_name, std::int64_t now_s) {
  const auto hold_s = hold_until_s > now_s ? original_expire_s(hold_until_s) : 0;
  append_sender(out, own_name);
  fmt::format_to(std::back_inserter(out), "delete {} {} {}\r\n", key, hold_s, raw(version));
}

OriginalAnswer judge_original_answer(std::string_view line) {
  constexpr std::array<std::string_view, 7> taken{"STORED",  "NOT_STORED", "DELETED", "NOT_FOUND",
                                                  "TOUCHED", "EXISTS",     "OK"};
  if (std::find(taken.begin(), taken.end(), line) != taken.end()) return OriginalAnswer::taken;
  return line.starts_with("SERVER_ERROR") ? OriginalAnswer::refused : OriginalAnswer::unexpected;
}

}  // namespace flare
