#include "flared/storage/file_tools.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace flare {

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

MappedFile::MappedFile(int descriptor, std::uint64_t bytes) {
  if (bytes == 0) return;
  void* at = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  failed_ = at == MAP_FAILED;
  if (!failed_) bytes_ = {static_cast<const char*>(at), bytes};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

int write_at(int descriptor, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return EIO;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return 0;
}

int read_at(int descriptor, char* out, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const auto got = ::pread(descriptor, out, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return EIO;  // shorter than it was
    out += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return 0;
}

int reserve_space(int descriptor, std::uint64_t offset, std::uint64_t bytes) {
  while (::fallocate(descriptor, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    return errno == EOPNOTSUPP || errno == ENOSYS ? 0 : errno;
  }
  return 0;
}

bool means_out_of_space(int error) { return error == ENOSPC || error == EDQUOT || error == EFBIG; }

int sync_file(int descriptor, const std::filesystem::path&) { return ::fdatasync(descriptor) == 0 ? 0 : errno; }

int sync_closed_file(const std::filesystem::path& path,
                     const std::function<int(int descriptor, const std::filesystem::path& path)>& sync) {
  const FileDescriptor file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (!file) return errno;
  return sync ? sync(file.get(), path) : sync_file(file.get(), path);
}

int sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened || ::fsync(opened.get()) != 0) return errno;
  return 0;
}

int replace_file(const std::filesystem::path& path, std::string_view content) {
  auto beside = path;
  beside += ".tmp";
  const FileDescriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file) return errno;
  if (const int error = write_at(file.get(), content, 0)) return error;
  if (::fsync(file.get()) != 0 || ::rename(beside.c_str(), path.c_str()) != 0) return errno;
  return sync_folder(path.parent_path());
}

std::optional<std::string> read_small_file(const std::filesystem::path& path) {
  const FileDescriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return std::nullopt;
  std::string content(64 * 1024, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const auto got = ::read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  content.resize(size);
  return content;
}

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace flare
