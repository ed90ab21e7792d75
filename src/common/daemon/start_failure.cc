#include "common/daemon/start_failure.h"

#include <cstdio>

namespace flare {

int report(const StartFailure& failure) {
  std::FILE* stream = failure.exit_code == ExitCode::ok ? stdout : stderr;
  if (!failure.text.empty()) std::fprintf(stream, "%s\n", failure.text.c_str());
  std::fflush(stream);
  return static_cast<int>(failure.exit_code);
}

}  // namespace flare
