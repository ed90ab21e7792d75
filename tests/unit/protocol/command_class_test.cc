// docs/security.md: which command needs which class. The table of that page must be the code's.
#include "common/protocol/command_class.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace flare {
namespace {

using enum AccessClass;

struct Row {
  std::string at_flared;
  std::string at_flarei;
};

// `| command | class at flared | class at flarei |`
std::map<std::string, Row> rows_of_page() {
  const auto page = std::filesystem::path(FLARE_GOLDEN_DIR).parent_path().parent_path() / "docs/security.md";
  std::ifstream file{page};
  EXPECT_TRUE(file) << page;
  std::map<std::string, Row> rows;
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    in_table = line.starts_with("## ") ? line == "## Which command needs which class" : in_table;
    if (!in_table || !line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    for (std::size_t begin = 2; begin < line.size();) {
      const auto end = line.find(" |", begin);
      if (end == std::string::npos) break;
      cells.push_back(line.substr(begin, end - begin));
      begin = end + 3;
    }
    if (cells.size() == 3) rows[cells[0]] = {cells[1], cells[2]};
  }
  return rows;
}

template <class Command>
std::map<std::string, std::string> rows_of_code() {
  std::map<std::string, std::string> rows;
  for (int i = 0; i < 256; ++i) {
    const auto command = static_cast<Command>(i);
    if (name_of(command).empty()) continue;
    const auto needed = classes_for(command);
    EXPECT_FALSE(needed.empty()) << name_of(command);
    rows['`' + std::string{name_of(command)} + '`'] =
        needed == AccessClasses::all() ? "any" : std::string{to_text(needed)};
  }
  return rows;
}

TEST(CommandClass, IsTheTableOfTheSecurityPage) {
  std::map<std::string, std::string> flared, flarei;
  for (const auto& [name, row] : rows_of_page()) {
    if (row.at_flared != "-") flared[name] = row.at_flared;
    if (row.at_flarei != "-") flarei[name] = row.at_flarei;
  }
  EXPECT_EQ(flared, rows_of_code<Command>());
  EXPECT_EQ(flarei, rows_of_code<IndexCommand>());
}

TEST(CommandClass, OfAPrefixedDataRequestIsCluster) {
  Request request;
  request.command = Command::set;
  EXPECT_EQ(classes_for(request), data | cluster);
  request.command = Command::get;
  EXPECT_EQ(classes_for(request), read | data | cluster);
  request.proxied = true;
  EXPECT_EQ(classes_for(request), AccessClasses{cluster});
  request.command = Command::set;
  EXPECT_EQ(classes_for(request), AccessClasses{cluster});
  request.command = Command::flush_all;
  EXPECT_EQ(classes_for(request), AccessClasses{admin});
  request.command = Command::ping;
  EXPECT_EQ(classes_for(request), AccessClasses::all());
}

TEST(CommandClass, OfAnItemThatIsOnlyReadIsRead) {
  ItemRequest item;
  item.verb = ItemVerb::get;
  Request request;
  request.command = Command::item;
  request.item = &item;
  EXPECT_EQ(classes_for(request), read | data | cluster);
  const auto changes = [&](auto change) {
    auto changed = item;
    change(changed);
    request.item = &changed;
    return classes_for(request) == (data | cluster);
  };
  EXPECT_TRUE(changes([](auto& one) { one.exptime = 5; })) << "touch";
  EXPECT_TRUE(changes([](auto& one) { one.vivify_exptime = 5; })) << "made if it is missing";
  EXPECT_TRUE(changes([](auto& one) { one.recache_s = 5; })) << "one client wins";
  for (const auto verb : {ItemVerb::store, ItemVerb::remove, ItemVerb::arithmetic}) {
    EXPECT_TRUE(changes([verb](auto& one) { one.verb = verb; }));
  }
  item.verb = ItemVerb::debug;
  request.item = &item;
  EXPECT_EQ(classes_for(request), read | data | cluster);
}

TEST(CommandClass, OfStatsThatTellOfOthersOrSetBackIsNarrower) {
  const auto needed = [](std::string_view words) {
    Request request;
    request.command = Command::stats;
    request.rest = words;
    return classes_for(request);
  };
  for (const auto* words : {"", "settings", "items", "nodes", "quota"}) {
    EXPECT_EQ(needed(words), AccessClasses::all()) << words;
  }
  for (const auto* words : {"conns", "threads", "threads request", "conns x"}) {
    EXPECT_EQ(needed(words), cluster | admin) << words;
  }
  EXPECT_EQ(needed("reset"), AccessClasses{admin});
}

TEST(CommandClass, IsNamedInTheAnswerOfARefusal) {
  EXPECT_EQ(denied_answer(admin), "CLIENT_ERROR access denied (class admin needed)\r\n");
  EXPECT_EQ(denied_answer(cluster | admin), "CLIENT_ERROR access denied (class cluster or admin needed)\r\n");
}

TEST(AccessClasses, GrantWhatTheyShare) {
  EXPECT_TRUE((data | admin).has_any_of(cluster | admin));
  EXPECT_FALSE((data | admin).has_any_of(cluster));
  EXPECT_FALSE(AccessClasses{}.has_any_of(AccessClasses::all()));
}

}  // namespace
}  // namespace flare
