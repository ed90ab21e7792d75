#include "common/daemon/pid_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "common/daemon/descriptor.h"

namespace flare {
namespace {

bool write_new_file(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());  // what a killed start left
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  return file && ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

Result<PidFile, StartFailure> PidFile::create(const std::string& program, const std::string& path) {
  const auto fresh = path + ".new";  // renamed over the old one: nobody reads half a number
  if (write_new_file(fresh, fmt::format("{}\n", ::getpid())) && ::rename(fresh.c_str(), path.c_str()) == 0) {
    return PidFile(path);
  }
  const std::string reason = std::strerror(errno);
  ::unlink(fresh.c_str());
  return StartFailure{ExitCode::cannot_create,
                      fmt::format("{}: cannot write the pid file '{}': {}", program, path, reason)};
}

PidFile::PidFile(PidFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}

PidFile::~PidFile() {
  if (path_.empty()) return;
  long pid = 0;
  std::ifstream(path_) >> pid;
  if (pid == ::getpid()) ::unlink(path_.c_str());  // another daemon told to use the same path may have taken it
}

}  // namespace flare
