#include "common/protocol/proxy_prefix.h"

namespace flare {
namespace {

template <class Visit>
void for_each_name(std::string_view prefix, const Visit& visit) {
  while (!prefix.empty()) {
    const auto name = prefix.substr(0, prefix.find(','));
    if (!name.empty()) visit(name);
    prefix.remove_prefix(name.size());
    if (!prefix.empty()) prefix.remove_prefix(1);
  }
}

}  // namespace

bool is_restoring(std::string_view prefix) { return prefix.substr(0, prefix.find(',')) == restoring_name; }

bool is_copying(std::string_view prefix) { return prefix.substr(0, prefix.find(',')) == copying_name; }

std::string_view copied_by(std::string_view prefix) {
  if (!is_copying(prefix) || prefix.size() == copying_name.size()) return {};
  prefix.remove_prefix(copying_name.size() + 1);
  return prefix.substr(0, prefix.find(','));
}

std::size_t prefix_name_count(std::string_view prefix) {
  std::size_t count = 0;
  for_each_name(prefix, [&](std::string_view) { ++count; });
  return count;
}

std::string_view last_prefix_name(std::string_view prefix) {
  std::string_view last;
  for_each_name(prefix, [&](std::string_view name) { last = name; });
  return last;
}

std::size_t prefix_count_of(std::string_view prefix, std::string_view name) {
  std::size_t count = 0;
  for_each_name(prefix, [&](std::string_view found) { count += found == name ? 1 : 0; });
  return count;
}

void append_prefix(OutputBuffer& out, std::string_view prefix, std::string_view own_name) {
  if (prefix.empty() && own_name.empty()) return;
  out.append("<");
  out.append(prefix);
  if (!prefix.empty() && !own_name.empty()) out.append(",");
  out.append(own_name);
  out.append(">");
}

}  // namespace flare
