#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <optional>

#include "common/daemon/data_dir_lock.h"
#include "common/daemon/file_limit.h"
#include "common/daemon/pid_file.h"
#include "common/daemon/privileges.h"
#include "support/temp_dir.h"

/// What a daemon checks and takes on this machine before it listens.
namespace flare {
namespace {

namespace fs = std::filesystem;

// In a process of its own, since what is done to limits and accounts cannot be undone.
int status_of(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class LocalFiles : public testing::Test {
 protected:
  test::TempDir folder;
  std::string pid_path = folder / "flarex.pid";
  std::string own_pid = std::to_string(::getpid()) + "\n";
};

TEST_F(LocalFiles, PidFileHoldsThePidAndGoesAtTheEnd) {
  {
    const auto file = PidFile::create("flarex", pid_path);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(test::read_file(pid_path), own_pid);
  }
  EXPECT_FALSE(fs::exists(pid_path));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST_F(LocalFiles, PidFileTakesThePlaceOfWhateverStoodThere) {
  for (const auto* old : {"", "garbage", "0\n", "-1\n", "1\n", "999999999\n", "99999999999999999999999\n"}) {
    test::write_file(pid_path, old);
    const auto file = PidFile::create("flarex", pid_path);
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(test::read_file(pid_path), own_pid) << old;
  }
}

TEST_F(LocalFiles, PidFileOfAnotherDaemonIsLeftAlone) {
  {
    const auto file = PidFile::create("flarex", pid_path);
    ASSERT_TRUE(file) << file.error().text;
    test::write_file(pid_path, "1\n");
  }
  EXPECT_EQ(test::read_file(pid_path), "1\n");
}

TEST_F(LocalFiles, PidFileThatCannotBeWrittenIsNamed) {
  const auto file = PidFile::create("flarex", "/proc/flarex.pid");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().exit_code, ExitCode::cannot_create);
  EXPECT_TRUE(file.error().text.starts_with("flarex: cannot write the pid file '/proc/flarex.pid': "))
      << file.error().text;
  test::write_file(pid_path + "/inside", "");  // a directory in the way
  EXPECT_FALSE(PidFile::create("flarex", pid_path));
}

TEST_F(LocalFiles, LockKeepsASecondDaemonOutAndNamesTheFirst) {
  const auto first = DataDirLock::take("flarei", folder.path());
  ASSERT_TRUE(first) << first.error().text;
  const auto second = DataDirLock::take("flared", folder.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().exit_code, ExitCode::configuration);
  EXPECT_TRUE(second.error().text.starts_with("flared: data-dir '" + folder.path().string() +
                                              "': is in use by flarei, pid " + std::to_string(::getpid()) + " "))
      << second.error().text;
}

TEST_F(LocalFiles, LockIsFreeWhenItsHolderHasGone) {
  EXPECT_TRUE(DataDirLock::take("flared", folder.path()));
  const int status = status_of([&] {
    const auto lock = DataDirLock::take("flared", folder.path());
    return lock ? 0 : 1;  // _exit without a destructor, as a killed daemon
  });
  EXPECT_EQ(status, 0);
  const auto again = DataDirLock::take("flared", folder.path());
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(test::read_file(folder / "lock"), "flared " + own_pid);
}

TEST_F(LocalFiles, LockFollowsNoLinkAndNeedsItsDirectory) {
  test::write_file(folder / "foreign", "keep");
  fs::create_symlink(folder / "foreign", folder / "lock");
  EXPECT_FALSE(DataDirLock::take("flared", folder.path()));
  EXPECT_EQ(test::read_file(folder / "foreign"), "keep");
  EXPECT_EQ(DataDirLock::take("flared", "/no/such/directory").error().exit_code, ExitCode::cannot_create);
}

TEST_F(LocalFiles, FileLimitIsRaisedAsFarAsAllowed) {
  const int enough = status_of([] {
    const rlimit low{64, 4096};
    if (::setrlimit(RLIMIT_NOFILE, &low) != 0 || raise_file_limit(1000)) return 1;
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    return now.rlim_cur == 2296 ? 0 : 2;  // those of the cluster's daemons are 1280
  });
  EXPECT_EQ(enough, 0);
  // More than the kernel lets anyone have (fs.nr_open).
  const auto warning = raise_file_limit(2'000'000'000);
  ASSERT_TRUE(warning);
  EXPECT_NE(warning->find("max-connection 2000000000 may need 4000000016"), std::string::npos) << *warning;
}

TEST_F(LocalFiles, AccountsAreKnownByName) {
  EXPECT_TRUE(user_exists("root"));
  EXPECT_TRUE(group_exists("root"));
  EXPECT_FALSE(user_exists("no-such-user-here"));
  EXPECT_FALSE(group_exists("no-such-group-here"));
  EXPECT_EQ(drop_privileges("flarex", "no-such-user-here", "")->exit_code, ExitCode::configuration);
  EXPECT_EQ(BorrowedAccount::take("flarex", "", "no-such-group-here").error().exit_code, ExitCode::configuration);
  EXPECT_EQ(drop_privileges("flarex", "", ""), std::nullopt);
}

TEST_F(LocalFiles, RootIsDroppedForGoodOrTheRefusalIsSaid) {
  const bool is_root = ::geteuid() == 0;
  const int status = status_of([&] {
    const auto refused = drop_privileges("flarex", is_root ? "nobody" : "root", "");
    if (!is_root) return refused && refused->exit_code == ExitCode::system ? 0 : 1;
    if (refused || ::geteuid() == 0 || ::getegid() == 0 || ::getgroups(0, nullptr) > 1) return 2;
    return ::seteuid(0) == 0 ? 3 : 0;
  });
  EXPECT_EQ(status, 0);
}

TEST_F(LocalFiles, MadeWithABorrowedAccountBelongToIt) {
  const bool is_root = ::geteuid() == 0;
  fs::permissions(folder.path(), fs::perms::all);
  const int status = status_of([&] {
    {
      const auto borrowed = BorrowedAccount::take("flarex", "nobody", "");
      if (!borrowed) return 1;
      test::write_file(folder / "made", "x");
    }
    struct stat made {};
    if (::stat((folder / "made").c_str(), &made) != 0) return 2;
    if (is_root && made.st_uid == 0) return 3;
    return (::geteuid() == 0) == is_root ? 0 : 4;  // root again
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace flare
