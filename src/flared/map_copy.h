#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/log.h"
#include "common/net/blocking_pool.h"
#include "common/net/task.h"
#include "flared/index_link.h"

namespace flare {

/// What a node keeps of its index: the last map and how keys are divided, so that it can start without one (option
/// start-without-index). Text with a checksum. Pure.
std::string format_map_copy(const IndexLink::Joined& known);
/// nullopt: it is damaged, or of another format.
std::optional<IndexLink::Joined> parse_map_copy(std::string_view text);

/// nullopt: there is none that can be used.
std::optional<IndexLink::Joined> read_map_copy(const std::filesystem::path& path);

/// Writes the newest copy beside the control thread, one at a time: of several that come meanwhile the last.
class MapCopyKeeper {
 public:
  MapCopyKeeper(IoExecutor executor, BlockingPool& pool, std::filesystem::path path, Log& log);
  MapCopyKeeper(const MapCopyKeeper&) = delete;
  MapCopyKeeper& operator=(const MapCopyKeeper&) = delete;

  void keep(const IndexLink::Joined& known);

 private:
  IoTask<> write();

  IoExecutor executor_;
  BlockingPool& pool_;
  std::filesystem::path path_;
  Log& log_;
  std::optional<std::string> next_;
  bool writing_ = false;
};

}  // namespace flare
