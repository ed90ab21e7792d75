#pragma once

#include <string_view>

namespace flare {

/// docs/design.md 1: a plain number, which every client library's tools can read.
constexpr std::string_view version_number = "2.0.0";

}  // namespace flare
