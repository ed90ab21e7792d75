#pragma once

#include <filesystem>
#include <optional>

#include "common/base/ids.h"
#include "flared/storage/deletions.h"

/// Remembered deletions that the update log no longer has (docs/design.md 3.9): the file `deletions` in the log's
/// folder, so that it comes and goes with that. It has the bytes of a log segment (log_codec.h), one entry for each
/// key.
namespace flare {

/// For which log the file is, and where in it the table counts: behind the entry `as_of`, if the log still has that.
struct DeletionsHead {
  LogId log_id{0};
  Sequence as_of{0};
};

/// Replaced whole, or removed when there are none and the log alone tells so; a kill leaves the old one or the new one.
/// Not synced: after a stop of the machine the store is built anew. An errno value.
int write_deletions(const std::filesystem::path& folder, const DeletionsHead& head, const Deletions& deletions);

/// Adds its rows up to the first that is damaged. nullopt: there is no such file.
std::optional<DeletionsHead> read_deletions(const std::filesystem::path& folder, Deletions& deletions);

}  // namespace flare
