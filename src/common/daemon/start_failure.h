#pragma once

#include <string>

#include "common/daemon/exit_codes.h"

namespace flare {

/// Why a daemon ends before it serves. With ExitCode::ok (--help, --version, --check-config) the text is for stdout,
/// else it is one or more whole lines for stderr, with the program's name in front; without the last line end.
struct StartFailure {
  ExitCode exit_code = ExitCode::ok;
  std::string text;
  bool operator==(const StartFailure&) const = default;
};

/// Prints the text where it belongs; the number to end with.
int report(const StartFailure& failure);

}  // namespace flare
