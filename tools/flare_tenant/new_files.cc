#include "flare_tenant/new_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace flare::tenant {
namespace {

constexpr mode_t parent_mode = 0755;
constexpr std::chrono::seconds lock_limit{10};
constexpr std::chrono::milliseconds lock_pause{50};

std::string failure(const std::filesystem::path& path) {
  return fmt::format("{}: {}", path.string(), std::strerror(errno));
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

NewFiles::~NewFiles() {
  std::error_code ignored;
  for (auto path = made_.rbegin(); path != made_.rend(); ++path) std::filesystem::remove(*path, ignored);
}

std::optional<std::string> NewFiles::need_folder(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return std::nullopt;
  auto failed = add_folder(path, parent_mode);
  if (failed && std::filesystem::is_directory(path, error)) return std::nullopt;  // somebody else has just made it
  return failed;
}

std::optional<std::string> NewFiles::add_folder(const std::filesystem::path& path, mode_t mode) {
  if (path.has_relative_path()) {
    if (auto failed = need_folder(path.parent_path())) return failed;
  }
  if (::mkdir(path.c_str(), mode) != 0) return failure(path);
  made_.push_back(path);
  if (::chmod(path.c_str(), mode) != 0) return failure(path);
  return std::nullopt;
}

std::optional<std::string> NewFiles::add_file(const std::filesystem::path& path, const std::string& text, mode_t mode) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!file) return failure(path);
  made_.push_back(path);
  if (!write_all(file.number(), text) || ::fchmod(file.number(), mode) != 0 || ::fsync(file.number()) != 0) {
    return failure(path);
  }
  return std::nullopt;
}

Result<Descriptor, std::string> lock_config_root(const std::filesystem::path& root) {
  const auto path = root / ".flare-tenant.lock";
  Descriptor lock{::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!lock) return failure(path);
  const auto end = std::chrono::steady_clock::now() + lock_limit;
  while (::flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(path);
    if (std::chrono::steady_clock::now() >= end) {
      return fmt::format("{}: another flare-tenant has held it for {} s", path.string(), lock_limit.count());
    }
    std::this_thread::sleep_for(lock_pause);
  }
  return lock;
}

}  // namespace flare::tenant
