#include "flare_tenant/access.h"

#include <arpa/inet.h>

#include <algorithm>

#include "common/base/printable.h"
#include "common/daemon/option_text.h"

namespace flare::tenant {
namespace {

bool is_address(int family, std::string_view text) {
  in6_addr address{};
  const std::string word{text};
  return word.find('\0') == std::string::npos && ::inet_pton(family, word.c_str(), &address) == 1;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool take_network(AllowList& list, std::string_view word) {
  const auto slash = word.find('/');
  const auto address = word.substr(0, slash);
  const bool four = is_ipv4(address);
  if (!four && !is_ipv6(address)) return false;
  if (slash != std::string_view::npos) {
    const auto length = parse_integer<int>(word.substr(slash + 1));
    if (!length || *length < 0 || *length > (four ? 32 : 128)) return false;
  }
  (four ? list.ipv4 : list.ipv6).emplace_back(word);
  return true;
}

bool everything(const std::string& network) { return network.ends_with("/0"); }

AccessLine describe(std::string name, const std::string* list, const std::string& bind) {
  if (list != nullptr) {
    const auto parsed = parse_allow_list(*list);
    if (!parsed) return {std::move(name), "invalid: " + parsed.error(), false};
    if (!parsed->everybody()) return {std::move(name), *list == "none" ? "nobody" : *list, false};
  }
  if (is_loopback(bind)) return {std::move(name), "everybody on this machine (bound to " + bind + ")", false};
  return {std::move(name), "everybody who reaches the port", true};
}

}  // namespace

bool AllowList::everybody() const {
  return all || std::any_of(ipv4.begin(), ipv4.end(), everything) || std::any_of(ipv6.begin(), ipv6.end(), everything);
}

bool is_ipv4(std::string_view text) { return is_address(AF_INET, text); }
bool is_ipv6(std::string_view text) { return is_address(AF_INET6, text); }
bool is_loopback(std::string_view address) {
  return (is_ipv4(address) && address.starts_with("127.")) || (is_ipv6(address) && address == "::1");
}

Result<AllowList, std::string> parse_allow_list(std::string_view text) {
  AllowList list;
  list.all = trimmed(text) == "all";
  if (list.all || trimmed(text) == "none") return list;
  if (trimmed(text).empty()) return std::string{"an empty list: write none, or all"};
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto word = trimmed(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (word == "unix") {
      list.local_socket = true;
    } else if (!take_network(list, word)) {
      return "'" + printable(word) + "' is no address, network (address/length) or the word unix (or all, none, alone)";
    }
  }
  return list;
}

std::vector<AccessLine> effective_access(const DaemonFile& daemon) {
  std::vector<AccessLine> lines;
  for (const auto& name : access_names()) {
    const auto given = daemon.access.find(name);
    lines.push_back(describe(name, given == daemon.access.end() ? nullptr : &given->second, daemon.bind()));
  }
  for (const auto& door : daemon.doors) {
    if (door.name.empty()) continue;
    lines.push_back(describe("door." + door.name + ".allow", door.allow ? &*door.allow : nullptr, door.bind));
  }
  return lines;
}

}  // namespace flare::tenant
