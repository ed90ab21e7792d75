#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/daemon/descriptor.h"

namespace flare::tenant {

/// Files and folders of one `create`: nothing that exists is touched, and all is taken back unless `keep` is called.
class NewFiles {
 public:
  NewFiles() = default;
  ~NewFiles();
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;

  /// With this mode, whatever the umask is. Parents that are missing are made with 0755. Why not, or nothing.
  std::optional<std::string> add_folder(const std::filesystem::path& path, mode_t mode);
  /// As add_folder, but it may be there already.
  std::optional<std::string> need_folder(const std::filesystem::path& path);
  std::optional<std::string> add_file(const std::filesystem::path& path, const std::string& text, mode_t mode);
  void keep() { made_.clear(); }

 private:
  std::vector<std::filesystem::path> made_;
};

/// One `create` or `remove` at a time below a config root: ports are chosen under it.
[[nodiscard]] Result<Descriptor, std::string> lock_config_root(const std::filesystem::path& root);

}  // namespace flare::tenant
