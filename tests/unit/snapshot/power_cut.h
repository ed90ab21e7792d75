#pragma once

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sstream>

#include "unit/storage/storage_helpers.h"

/// A disk whose power can be cut (issue 6.3): it knows each file as of its last sync, and composes images in which
/// every page written since is old or new at random.
namespace flare {

inline std::string whole_file(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream{path, std::ios::binary}.rdbuf();
  return std::move(content).str();
}

class CuttableDisk {
 public:
  explicit CuttableDisk(std::filesystem::path root) : root_(std::move(root)) {}

  /// In place of fdatasync. What is in the kernel when it is called is on the disk when it returns; no more is
  /// promised.
  SyncFile sync() {
    return [this](int, const std::filesystem::path& path) {
      if (std::filesystem::is_directory(path)) return 0;
      auto content = whole_file(path);
      const std::lock_guard lock{mutex_};
      synced_[inode_of(path)] = std::move(content);
      return 0;
    };
  }

  /// Everything is on the disk, as after a long pause.
  void settle() {
    const std::lock_guard lock{mutex_};
    synced_.clear();
    for (const auto& path : files()) synced_[inode_of(path)] = whole_file(path);
  }

  /// One disk as the cut may leave it, in `folder`. Marks, snapshots and names are synced by the code itself (fsync,
  /// rename): they are new. The store's file is never synced but before it takes the name of one that it replaces.
  void cut_into(const std::filesystem::path& folder, std::uint32_t seed) {
    std::mt19937 random{seed};
    const std::lock_guard lock{mutex_};
    for (const auto& path : files()) {
      const auto name = path.lexically_relative(root_);
      std::filesystem::create_directories((folder / name).parent_path());
      const auto now = whole_file(path);
      const auto old = synced_.find(inode_of(path));
      const bool torn = path.extension() == ".log" || path.extension() == ".kch" || path.extension() == ".wal";
      const auto image = torn ? mixed(old == synced_.end() ? std::string{} : old->second, now, random) : now;
      std::ofstream{folder / name, std::ios::binary} << image;
    }
    std::ofstream{folder / "flare.boot"} << "another boot";
  }

 private:
  static constexpr std::size_t page_bytes = 4096;

  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root_}) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    return files;
  }

  static ino_t inode_of(const std::filesystem::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
  }

  static std::string mixed(const std::string& old, const std::string& now, std::mt19937& random) {
    // The size is metadata of its own: old, new or between; what a file grew by and was not written reads as zeros.
    std::uniform_int_distribution<std::size_t> sizes{std::min(old.size(), now.size()),
                                                     std::max(old.size(), now.size())};
    const std::size_t choices[] = {old.size(), now.size(), now.size(), sizes(random)};
    std::string image(choices[random() % 4], '\0');
    const auto news_of_4 = random() % 5;  // from none to all
    for (std::size_t at = 0; at < image.size(); at += page_bytes) {
      const auto& from = random() % 4 < news_of_4 ? now : old;
      if (at >= from.size()) continue;
      const auto bytes = std::min({page_bytes, from.size() - at, image.size() - at});
      image.replace(at, bytes, from, at, bytes);
    }
    return image;
  }

  const std::filesystem::path root_;
  std::mutex mutex_;
  std::map<ino_t, std::string> synced_;  // a file that is renamed keeps what is on the disk
};

}  // namespace flare
