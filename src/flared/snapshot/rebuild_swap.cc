#include "flared/snapshot/rebuild_swap.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "flared/snapshot/salvage_notice.h"
#include "flared/storage/clean_mark.h"
#include "flared/storage/file_tools.h"

namespace flare::snapshot {
namespace {

namespace fs = std::filesystem;

Result<void, std::string> move_over(const fs::path& from, const fs::path& to) {
  std::error_code error;
  if (!fs::exists(from, error)) return {};
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return fmt::format("{}: cannot be renamed to {}: {}", from.string(), to.string(), error_text(errno));
}

}  // namespace

fs::path complete_mark(const fs::path& data_dir) { return data_dir / "rebuild" / "complete"; }

// `rebuild/` goes last: while it is there and complete, this is gone on with.
Result<void, std::string> swap_in(const fs::path& data_dir) {
  const auto inside = data_dir / "rebuild";
  std::error_code error;
  if (fs::exists(inside / "log", error)) {
    fs::remove_all(data_dir / "log.unused", error);
    if (const auto moved = move_over(data_dir / "log", data_dir / "log.unused"); !moved) return moved;
    if (const auto moved = move_over(inside / "log", data_dir / "log"); !moved) return moved;
  }
  if (fs::exists(inside / "flare.kch", error)) {
    const auto undo = data_dir / "flare.kch.wal";  // of the old store: it must not be rolled back into the new one
    fs::remove(undo, error);
    if (error)
      return fmt::format("{}: cannot be removed: {}; remove it and start again", undo.string(), error.message());
  }
  if (const auto moved = move_over(notice_path(inside), notice_path(data_dir)); !moved) return moved;
  if (const auto moved = move_over(inside / "flare.kch", data_dir / "flare.kch"); !moved) return moved;
  if (const int failed = sync_folder(data_dir)) {
    return fmt::format("{}: cannot be synced: {}", data_dir.string(), error_text(failed));
  }
  if (const auto moved = move_over(clean_mark_path(inside), clean_mark_path(data_dir)); !moved) return moved;
  if (const int failed = sync_folder(data_dir)) {
    return fmt::format("{}: cannot be synced: {}", data_dir.string(), error_text(failed));
  }
  fs::remove_all(inside, error);
  return {};
}

}  // namespace flare::snapshot
