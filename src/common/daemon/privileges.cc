#include "common/daemon/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace flare {
namespace {

constexpr std::size_t account_bytes_max = 1024 * 1024;

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

std::optional<StartFailure> become_group(const std::string& program, const std::string& user, gid_t group_id) {
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    const int error = user.empty() ? ::setgroups(1, &group_id) : ::initgroups(user.c_str(), group_id);
    if (error != 0) return failure(program, "cannot set the supplementary groups");
  }
  if (::setresgid(group_id, group_id, group_id) != 0)
    return failure(program, fmt::format("cannot become group {}", group_id));
  return std::nullopt;
}

}  // namespace

bool user_exists(const std::string& name) { return find_user(name).has_value(); }
bool group_exists(const std::string& name) { return find_group(name).has_value(); }

std::optional<StartFailure> drop_privileges(const std::string& program, const std::string& user,
                                            const std::string& group) {
  const auto missing = [&](const char* option, const std::string& name) {
    return StartFailure{ExitCode::configuration,
                        fmt::format("{}: option '{}': value '{}': there is no such {}", program, option, name, option)};
  };
  std::optional<User> user_entry;
  if (!user.empty()) {
    user_entry = find_user(user);
    if (!user_entry) return missing("user", user);
  }
  std::optional<gid_t> group_id;
  if (user_entry) group_id = user_entry->group;
  if (!group.empty()) {
    group_id = find_group(group);
    if (!group_id) return missing("group", group);
  }
  if (group_id) {  // before the user: afterwards it may not be done
    if (auto refused = become_group(program, user, *group_id)) return refused;
  }
  if (user_entry && ::setresuid(user_entry->id, user_entry->id, user_entry->id) != 0) {
    return failure(program, "cannot become user '" + user + "'");
  }
  return std::nullopt;
}

}  // namespace flare
