#include "common/daemon/daemonize.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdio>
#include <functional>

#include "support/temp_dir.h"

namespace flare {
namespace {

constexpr int parent_went_on = 99;  // no exit code of ours

/// What a shell sees of a program that daemonizes: the status of its first process and what it printed.
struct Seen {
  int status = -1;
  std::string errors;
};

// `child` runs in the daemon and gives its exit status; `program` is forked so that the test itself stays as it is.
Seen run_program(const test::TempDir& folder, const std::function<int(Daemonizer)>& child, bool daemonize = true,
                 std::chrono::milliseconds deadline = start_deadline) {
  const std::string errors = folder / "errors";
  test::write_file(errors, "");
  const pid_t program = ::fork();
  if (program == 0) {
    const Descriptor file(::open(errors.c_str(), O_WRONLY | O_APPEND));
    ::dup2(file.number(), STDERR_FILENO);
    auto daemonizer = Daemonizer::start("flarex", daemonize, deadline);
    ::_exit(daemonizer ? child(std::move(*daemonizer)) : parent_went_on);
  }
  int status = 0;
  ::waitpid(program, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), test::read_file(errors)};
}

/// A pipe whose reader sees the end only when the daemon has gone.
class Life {
 public:
  Life() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::perror("pipe2");
    read_ = Descriptor(ends[0]);
    write_ = Descriptor(ends[1]);
  }
  void tell(const std::string& text) const {
    if (::write(write_.number(), text.data(), text.size()) < 0) std::perror("write");
  }
  // All that was told until the daemon ended.
  std::string listen() {
    write_.reset();
    std::string text;
    char bytes[256];
    ssize_t count = 0;
    while ((count = ::read(read_.number(), bytes, sizeof bytes)) > 0)
      text.append(bytes, static_cast<std::size_t>(count));
    return text;
  }

 private:
  Descriptor read_, write_;
};

class Daemonizing : public testing::Test {
 protected:
  test::TempDir folder;
};

TEST_F(Daemonizing, ParentEndsWithZeroWhenTheChildServes) {
  Life life;
  const auto seen = run_program(folder, [&](Daemonizer daemonizer) {
    daemonizer.report_ready();
    life.tell(::getsid(0) == ::getpid() ? "own session" : "session of the shell");
    return 0;
  });
  EXPECT_EQ(seen.status, 0);
  EXPECT_EQ(seen.errors, "");
  EXPECT_EQ(life.listen(), "own session");
}

TEST_F(Daemonizing, ParentEndsWithTheChildsCodeAndMessage) {
  const auto seen = run_program(folder, [](Daemonizer daemonizer) {
    return daemonizer.report_failure({ExitCode::index_unreachable, "flarex: no index answers"});
  });
  EXPECT_EQ(seen.status, 69);
  EXPECT_EQ(seen.errors, "flarex: no index answers\n");
}

TEST_F(Daemonizing, LongMessagesArriveWhole) {
  const std::string text(300'000, 'm');
  const auto seen = run_program(folder, [&](Daemonizer daemonizer) {
    return daemonizer.report_failure({ExitCode::configuration, text});
  });
  EXPECT_EQ(seen.status, 78);
  EXPECT_EQ(seen.errors, text + "\n");
}

TEST_F(Daemonizing, ParentTellsHowAChildEndedThatSaidNothing) {
  const auto status = run_program(folder, [](Daemonizer) { return 42; });
  EXPECT_EQ(status.status, 42);
  EXPECT_NE(status.errors.find("ended with status 42 before it served"), std::string::npos) << status.errors;

  const auto zero = run_program(folder, [](Daemonizer) { return 0; });
  EXPECT_EQ(zero.status, 71);  // it does not serve

  const auto killed = run_program(folder, [](Daemonizer) { return ::raise(SIGKILL); });
  EXPECT_EQ(killed.status, 71);
  EXPECT_NE(killed.errors.find("killed by signal 9 before it served"), std::string::npos) << killed.errors;
}

TEST_F(Daemonizing, ParentDoesNotWaitForEver) {
  Life go_on;
  Life* const shared = &go_on;
  const auto seen = run_program(
      folder,
      [shared](Daemonizer daemonizer) {
        shared->listen();           // until the test goes on
        daemonizer.report_ready();  // the parent has gone: neither signal nor error
        return 0;
      },
      true, std::chrono::milliseconds(100));
  EXPECT_EQ(seen.status, 71);
  EXPECT_NE(seen.errors.find("does not serve after"), std::string::npos) << seen.errors;
}

TEST_F(Daemonizing, StandardStreamsBecomeNullWhenTheChildServes) {
  Life life;
  const auto names = [] {
    std::string text;
    for (const auto* link : {"/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2"}) {
      char target[256] = {};
      if (::readlink(link, target, sizeof target - 1) > 0) text += std::string(target) + " ";
    }
    return text;
  };
  run_program(folder, [&](Daemonizer daemonizer) {
    daemonizer.report_ready();
    life.tell(names());
    return 0;
  });
  EXPECT_EQ(life.listen(), "/dev/null /dev/null /dev/null ");

  Life other;
  run_program(folder, [&](Daemonizer daemonizer) {
    daemonizer.report_ready(true);
    other.tell(names());
    return 0;
  });
  EXPECT_EQ(other.listen(), "/dev/null /dev/null " + (folder / "errors").string() + " ");
}

TEST_F(Daemonizing, InTheForegroundTheProcessReportsItself) {
  const auto failed = run_program(
      folder,
      [](Daemonizer daemonizer) {
        return daemonizer.report_failure({ExitCode::cannot_create, "flarex: port"});
      },
      false);
  EXPECT_EQ(failed.status, 73);
  EXPECT_EQ(failed.errors, "flarex: port\n");
  const auto served = run_program(
      folder,
      [](Daemonizer daemonizer) {
        daemonizer.report_ready();
        std::fprintf(stderr, "still heard\n");
        return 0;
      },
      false);
  EXPECT_EQ(served.status, 0);
  EXPECT_EQ(served.errors, "still heard\n");
}

}  // namespace
}  // namespace flare
