#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/daemon/start_failure.h"

namespace flare {

bool user_exists(const std::string& name);
bool group_exists(const std::string& name);

/// Gives root up for `user` (and `group`, or the user's own group) for good; to be called after binding. Both empty:
/// nothing is done. Without root only the present account may be named.
std::optional<StartFailure> drop_privileges(const std::string& program, const std::string& user,
                                            const std::string& group);

/// While it lives, root works with the account's rights, so that lock, pid file and storage made before the ports are
/// bound belong to the account that must write them later. Then bind, then drop_privileges. Nothing happens without
/// root or without an account.
class BorrowedAccount {
 public:
  static Result<BorrowedAccount, StartFailure> take(const std::string& program, const std::string& user,
                                                    const std::string& group);
  BorrowedAccount(BorrowedAccount&& other) noexcept;
  BorrowedAccount& operator=(BorrowedAccount&&) = delete;
  ~BorrowedAccount() { give_back(); }
  /// Root again, as far as it was before.
  void give_back();

 private:
  BorrowedAccount() = default;
  bool borrowed_ = false;
  std::vector<gid_t> root_groups_;
};

}  // namespace flare
