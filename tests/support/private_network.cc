#include "support/private_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace flare::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno) + " (system tests need root, or user namespaces)");
}

void write_proc(const char* path, const std::string& text) {
  std::ofstream out{path};
  out << text;
}

// Who is not root becomes root of a user namespace of its own.
void unshare_network() {
  const auto user = ::getuid();
  const auto group = ::getgid();
  if (::unshare(CLONE_NEWNET) == 0) return;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) fail("unshare(CLONE_NEWNET)");
  write_proc("/proc/self/setgroups", "deny");
  write_proc("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  write_proc("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
}

void raise_loopback() {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (descriptor < 0 || ::ioctl(descriptor, SIOCSIFFLAGS, &request) != 0) fail("raise lo");
  ::close(descriptor);
}

void mount_or_fail(const char* from, const std::string& to, const char* type, unsigned long flags) {
  if (::mount(from, to.c_str(), type, flags, nullptr) != 0) fail("mount " + to);
}

}  // namespace

void enter_private_network() {
  unshare_network();
  raise_loopback();
}

void enter_private_dev() {
  if (::unshare(CLONE_NEWNS) != 0) fail("unshare(CLONE_NEWNS)");
  mount_or_fail(nullptr, "/", nullptr, MS_REC | MS_PRIVATE);
  const auto old = std::filesystem::temp_directory_path() / ("flare-dev-" + std::to_string(::getpid()));
  std::filesystem::create_directories(old);
  mount_or_fail("/dev", old.string(), nullptr, MS_BIND | MS_REC);
  mount_or_fail("none", "/dev", "tmpfs", 0);
  for (const char* device : {"null", "zero", "random", "urandom"}) {
    const std::string target = std::string{"/dev/"} + device;
    std::ofstream{target}.flush();
    mount_or_fail((old / device).c_str(), target, nullptr, MS_BIND);
  }
  ::umount2(old.c_str(), MNT_DETACH);
  std::filesystem::remove(old);
}

}  // namespace flare::test
