#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// What the storage asks of the file system. Failures are errno values; 0 is success.
namespace flare {

/// An open file; closed at the end.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// A file's bytes, mapped for reading; empty when there are none.
class MappedFile {
 public:
  MappedFile(int descriptor, std::uint64_t bytes);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  bool failed() const { return failed_; }
  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

/// All of `bytes` at `offset`; one call unless the system splits it.
int write_at(int descriptor, std::string_view bytes, std::uint64_t offset);
/// Exactly `size` bytes into `out`.
int read_at(int descriptor, char* out, std::size_t size, std::uint64_t offset);
/// Blocks for the range, without moving the end. 0 where the file system cannot do it.
int reserve_space(int descriptor, std::uint64_t offset, std::uint64_t bytes);
bool means_out_of_space(int error);

/// fdatasync, or fsync for a folder; an errno value.
int sync_file(int descriptor, const std::filesystem::path& path);
/// A store's file, by `sync` if there is one; while it is closed: closing a descriptor of it drops the library's lock.
int sync_closed_file(const std::filesystem::path& path,
                     const std::function<int(int descriptor, const std::filesystem::path& path)>& sync);
int sync_folder(const std::filesystem::path& folder);
/// Written beside, synced, renamed, folder synced: the old content or the new, never half.
int replace_file(const std::filesystem::path& path, std::string_view content);
/// nullopt: there is no such file, or it cannot be read. At most 64 KiB.
std::optional<std::string> read_small_file(const std::filesystem::path& path);

std::string error_text(int error);

}  // namespace flare
