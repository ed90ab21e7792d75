// What proves users: lines of an auth file, the login of text clients, SASL PLAIN. No accepted entry is lost when it is
// written back, and no password runs into a name.
#include <string>

#include "common/protocol/user_table.h"
#include "fuzz.h"

namespace {

void check(const std::optional<flare::Credentials>& given, std::string_view bytes) {
  if (!given) return;
  flare::fuzz::require(!given->user.empty() && given->user.find(' ') == std::string_view::npos);
  flare::fuzz::require(!given->password.empty() && bytes.ends_with(given->password));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = flare::fuzz::bytes_of(data, size);
  const auto login = flare::parse_login(bytes);
  check(login, bytes);
  const auto plain = flare::parse_sasl_plain(bytes);
  check(plain, bytes);
  if (plain) {
    const auto again = std::string{plain->user} + " " + std::string{plain->password};
    const auto read = flare::parse_login(again);
    flare::fuzz::require(read && read->user == plain->user && read->password == plain->password);
  }
  const auto table = flare::UserTable::parse(bytes);
  if (!table) {
    flare::fuzz::require(!table.error().reason.empty());
  } else {
    flare::fuzz::require(table->size() > 0 && table->size() <= flare::user_limits::users_max);
  }
  return 0;
}
