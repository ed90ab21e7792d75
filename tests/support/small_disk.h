#pragma once

#include <cstdint>
#include <filesystem>

namespace flare::test {

/// Puts the process and its later children into a mount table of their own, for SmallDisk.
void enter_private_mounts();

/// A tmpfs of a size, mounted on a folder. After enter_private_mounts.
class SmallDisk {
 public:
  SmallDisk(std::filesystem::path folder, std::uint64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  void resize(std::uint64_t bytes) const;
  /// Takes all that is free, to the last block, by a file of somebody else.
  void fill() const;
  void give_back() const;
  std::uint64_t free_bytes() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace flare::test
