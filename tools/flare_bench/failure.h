#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace flare::bench {

/// The run cannot go on: no connection, no answer, no such process. Ends the program with 3.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[nodiscard]] inline Failure system_failure(const std::string& what) {
  return Failure{what + ": " + std::strerror(errno)};
}

}  // namespace flare::bench
