#include "support/small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace flare::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno) + " (system tests need root, or user namespaces)");
}

std::string size_option(std::uint64_t bytes) { return "size=" + std::to_string(bytes); }

}  // namespace

void enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) fail("unshare(CLONE_NEWNS)");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("mount / private");
}

SmallDisk::SmallDisk(std::filesystem::path folder, std::uint64_t bytes) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  if (::mount("none", folder_.c_str(), "tmpfs", 0, size_option(bytes).c_str()) != 0) fail("mount " + folder_.string());
}

SmallDisk::~SmallDisk() { ::umount2(folder_.c_str(), MNT_DETACH); }

void SmallDisk::resize(std::uint64_t bytes) const {
  if (::mount(nullptr, folder_.c_str(), nullptr, MS_REMOUNT, size_option(bytes).c_str()) != 0) fail("remount");
}

void SmallDisk::fill() const {
  const int file = ::open((folder_ / "of-somebody-else").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const std::string block(4096, 'x');
  while (::write(file, block.data(), block.size()) > 0) {
  }
  ::close(file);
}

void SmallDisk::give_back() const { std::filesystem::remove(folder_ / "of-somebody-else"); }

std::uint64_t SmallDisk::free_bytes() const { return std::filesystem::space(folder_).available; }

}  // namespace flare::test
