#include "common/daemon/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace flare {
namespace {

constexpr std::size_t account_bytes_max = std::size_t{1} << 20;

// The lookups of <pwd.h> and <grp.h> want a buffer whose size only they know.
template <class Entry, class Look>  // the entry points into `buffer`
std::optional<Entry> look_up(std::vector<char>& buffer, Look look) {
  Entry entry{};
  Entry* found = nullptr;
  for (buffer.resize(1024); buffer.size() <= account_bytes_max; buffer.resize(buffer.size() * 2)) {
    const int error = look(&entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (error != 0 || !found) return std::nullopt;
    return entry;
  }
  return std::nullopt;
}

struct User {
  uid_t id;
  gid_t group;
};

std::optional<User> find_user(const std::string& name) {
  std::vector<char> buffer;
  const auto entry =
      look_up<passwd>(buffer, [&](auto... arguments) { return ::getpwnam_r(name.c_str(), arguments...); });
  if (!entry) return std::nullopt;
  return User{entry->pw_uid, entry->pw_gid};
}

std::optional<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer;
  const auto entry =
      look_up<group>(buffer, [&](auto... arguments) { return ::getgrnam_r(name.c_str(), arguments...); });
  if (!entry) return std::nullopt;
  return entry->gr_gid;
}

StartFailure failure(const std::string& program, const std::string& what) {
  return {ExitCode::system,
          fmt::format("{}: {}: {}; start as root, or as that account", program, what, std::strerror(errno))};
}

/// Options `user` and `group`, looked up; what is empty stays as it is.
struct Account {
  std::string user;
  std::optional<uid_t> user_id;
  std::optional<gid_t> group_id;
};

Result<Account, StartFailure> find_account(const std::string& program, const std::string& user,
                                           const std::string& group) {
  const auto missing = [&](const char* option, const std::string& name) {
    return StartFailure{ExitCode::configuration,
                        fmt::format("{}: option '{}': value '{}': there is no such {}", program, option, name, option)};
  };
  Account account{user, std::nullopt, std::nullopt};
  if (!user.empty()) {
    const auto entry = find_user(user);
    if (!entry) return missing("user", user);
    account.user_id = entry->id;
    account.group_id = entry->group;
  }
  if (!group.empty()) {
    account.group_id = find_group(group);
    if (!account.group_id) return missing("group", group);
  }
  return account;
}

// Root's own supplementary groups must not stay behind.
bool set_groups(const Account& account) {
  if (::geteuid() != 0 || !account.group_id) return true;
  if (account.user.empty()) return ::setgroups(1, &*account.group_id) == 0;
  return ::initgroups(account.user.c_str(), *account.group_id) == 0;
}

constexpr auto unchanged_user = static_cast<uid_t>(-1);
constexpr auto unchanged_group = static_cast<gid_t>(-1);

}  // namespace

bool user_exists(const std::string& name) { return find_user(name).has_value(); }
bool group_exists(const std::string& name) { return find_group(name).has_value(); }

std::optional<StartFailure> drop_privileges(const std::string& program, const std::string& user,
                                            const std::string& group) {
  const auto account = find_account(program, user, group);
  if (!account) return account.error();
  if (!set_groups(*account)) return failure(program, "cannot set the supplementary groups");
  if (const auto id = account->group_id) {  // before the user: afterwards it may not be done
    if (::setresgid(*id, *id, *id) != 0) return failure(program, fmt::format("cannot become group {}", *id));
  }
  if (const auto id = account->user_id) {
    if (::setresuid(*id, *id, *id) != 0) return failure(program, "cannot become user '" + user + "'");
  }
  return std::nullopt;
}

Result<BorrowedAccount, StartFailure> BorrowedAccount::take(const std::string& program, const std::string& user,
                                                            const std::string& group) {
  const auto account = find_account(program, user, group);
  if (!account) return account.error();
  BorrowedAccount borrowed;
  if (::geteuid() != 0 || (!account->user_id && !account->group_id))
    return Result<BorrowedAccount, StartFailure>(std::move(borrowed));

  const int count = ::getgroups(0, nullptr);
  if (count < 0) return failure(program, "cannot read the supplementary groups");
  borrowed.root_groups_.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, borrowed.root_groups_.data()) < 0) {
    return failure(program, "cannot read the supplementary groups");
  }
  borrowed.borrowed_ = true;  // from here on the destructor undoes what was done
  if (!set_groups(*account) ||
      ::setresgid(unchanged_group, account->group_id.value_or(unchanged_group), unchanged_group) != 0 ||
      ::setresuid(unchanged_user, account->user_id.value_or(unchanged_user), unchanged_user) != 0) {
    return failure(program, "cannot take the rights of user '" + user + "', group '" + group + "'");
  }
  return Result<BorrowedAccount, StartFailure>(std::move(borrowed));
}

BorrowedAccount::BorrowedAccount(BorrowedAccount&& other) noexcept
    : borrowed_(std::exchange(other.borrowed_, false)), root_groups_(std::move(other.root_groups_)) {}

void BorrowedAccount::give_back() {
  if (!std::exchange(borrowed_, false)) return;
  // The real ids were never changed, so neither can be refused.
  [[maybe_unused]] const bool is_root = ::setresuid(unchanged_user, ::getuid(), unchanged_user) == 0 &&
                                        ::setresgid(unchanged_group, ::getgid(), unchanged_group) == 0 &&
                                        ::setgroups(root_groups_.size(), root_groups_.data()) == 0;
}

}  // namespace flare
