#pragma once

#include <optional>
#include <string>

#include "common/daemon/start_failure.h"

namespace flare {

bool user_exists(const std::string& name);
bool group_exists(const std::string& name);

/// Gives root up for `user` (and `group`, or the user's own group) for good; to be called after binding. Both empty:
/// nothing is done. Without root only the present account may be named.
std::optional<StartFailure> drop_privileges(const std::string& program, const std::string& user,
                                            const std::string& group);

}  // namespace flare
