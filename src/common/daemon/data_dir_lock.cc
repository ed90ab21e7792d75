#include "common/daemon/data_dir_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "common/base/printable.h"

namespace flare {
namespace {

// `flared 123` of the holder as ` by flared, pid 123`; nothing if it has not written yet.
std::string holder_text(int file) {
  std::array<char, 64> bytes{};
  const auto count = ::pread(file, bytes.data(), bytes.size(), 0);
  if (count <= 0) return "";
  std::string_view text(bytes.data(), static_cast<std::size_t>(count));
  text = text.substr(0, text.find('\n'));
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return "";
  return fmt::format(" by {}, pid {}", printable(text.substr(0, blank)), printable(text.substr(blank + 1)));
}

}  // namespace

Result<DataDirLock, StartFailure> DataDirLock::take(const std::string& program, const std::string& data_dir) {
  const auto path = data_dir + "/lock";
  const auto failure = [&](std::string_view reason, ExitCode code = ExitCode::cannot_create) {
    return StartFailure{code, fmt::format("{}: data-dir '{}': {}", program, data_dir, reason)};
  };
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return failure(fmt::format("cannot open '{}': {}", path, std::strerror(errno)));
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure(fmt::format("cannot lock '{}': {}", path, std::strerror(errno)));
    return failure(fmt::format("is in use{} (it holds '{}'): stop that daemon, or give this one a directory of its own",
                               holder_text(file.number()), path),
                   ExitCode::configuration);  // a wrong start, as on another tenant's directory
  }
  const auto text = fmt::format("{} {}\n", program, ::getpid());
  const bool written = ::ftruncate(file.number(), 0) == 0 &&
                       ::pwrite(file.number(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!written) return failure(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  return DataDirLock(std::move(file));
}

}  // namespace flare
