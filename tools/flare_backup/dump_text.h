#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "flared/storage/record.h"

/// The operator tools' `dump -f default` (docs/spec/tools.md 3.4): `key flag len version expire 'data'`, a line each.
/// `len` decides where the data ends, so that quotes and line ends in it do no harm. Pure.
namespace flare::backup {

void append_dump_line(std::string& out, std::string_view key, const RecordView& record);

struct DumpLine {
  std::string_view key;
  RecordView record;
};
/// The line that `unread` begins with, which then begins behind it; nullopt at the end. The error is a sentence.
Result<std::optional<DumpLine>, std::string> next_dump_line(std::string_view& unread);

}  // namespace flare::backup
