#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>

#include <cstdio>
#include <exception>
#include <regex>
#include <string>

#include "common/base/log_spdlog.h"
#include "common/daemon/descriptor.h"
#include "support/private_network.h"

namespace flare {
namespace {

// Binds /dev/log of a /dev of our own, where no other program's lines come.
Descriptor private_syslog() {
  test::enter_private_dev();
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{AF_UNIX, "/dev/log"};
  const timeval deadline{5, 0};
  ::setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::perror("bind");
  return socket;
}

std::string next_line(const Descriptor& socket) {
  char bytes[4096];
  const auto count = ::recv(socket.number(), bytes, sizeof bytes, 0);
  return count < 0 ? "" : std::string(bytes, static_cast<std::size_t>(count));
}

bool is_line(const std::string& line, int priority, const std::string& ident, const std::string& text) {
  const auto head = "<" + std::to_string(priority) + R"(>\w{3} [ \d]\d \d\d:\d\d:\d\d )" + ident;
  if (std::regex_match(line, std::regex(head + R"(\[)" + std::to_string(::getpid()) + R"(\]: )" + text))) return true;
  std::fprintf(stderr, "unexpected line: %s\n", line.c_str());
  return false;
}

bool lines_arrive_as_asked() {
  const auto syslog = private_syslog();
  const auto log = open_log({"flared@user-a", "local0", false});
  log->notice("started");
  if (!is_line(next_line(syslog), LOG_LOCAL0 | LOG_NOTICE, "flared@user-a", R"(\[NTC\] started)")) return false;
  log->warning("key a\nb");
  if (!is_line(next_line(syslog), LOG_LOCAL0 | LOG_WARNING, "flared@user-a", R"(\[WRN\] key a\\x0ab)")) return false;
  log->reopen({"flared@user-a", "daemon", false});
  log->error("100% full %s");
  return is_line(next_line(syslog), LOG_DAEMON | LOG_ERR, "flared@user-a", R"(\[ERR\] 100% full %s)");
}

TEST(Syslog, GetsFacilityIdentPidAndLevel) {
  const pid_t child = ::fork();  // the private /dev is for the child alone
  if (child == 0) {
    try {
      ::_exit(lines_arrive_as_asked() ? 0 : 1);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(2);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace flare
