#include <gtest/gtest.h>

#include <filesystem>

#include "unit/daemon/options_support.h"

/// What an operator reads and copies must be true: example configs and man pages.
namespace flare::test {
namespace {

namespace fs = std::filesystem;

const fs::path source_dir = fs::path(FLARE_GOLDEN_DIR).parent_path().parent_path();

// Every commented-out `#name = value` switched on, to prove it too; user, group and paths are the operator's.
std::string with_comments_on(const std::string& text) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    auto line = text.substr(begin, end - begin);
    begin = end + 1;
    const bool hidden = line.starts_with("#") && !line.starts_with("# ") && line.find(" = ") != std::string::npos;
    const bool of_this_host =
        line.starts_with("#user") || line.starts_with("#group") || line.find("/") != std::string::npos;
    if (hidden && !of_this_host) line.erase(0, 1);
    out += line + "\n";
  }
  return out;
}

template <class Options>
void expect_taken(const TempDir& folder, const std::string& text, const fs::path& example) {
  write_file(folder / "example.conf", text);
  const auto options =
      parse<Options>({"-f", folder / "example.conf", "--data-dir=" + folder.path().string()});  // theirs is not here
  ASSERT_TRUE(options) << example << ": " << options.error().text;
  EXPECT_TRUE(option_warnings(*options).empty()) << example;
}

TEST(ExampleConfigs, AreTakenAlsoWithTheirCommentedLines) {
  const TempDir folder;
  int examples = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_dir / "conf")) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().filename();
    for (const auto& text : {read_file(entry.path()), with_comments_on(read_file(entry.path()))}) {
      if (name == "flarei.conf") expect_taken<FlareiOptions>(folder, text, entry.path());
      if (name == "flared.conf") expect_taken<FlaredOptions>(folder, text, entry.path());
    }
    examples += name.extension() == ".conf" ? 1 : 0;
  }
  EXPECT_GE(examples, 6);
}

TEST(ExampleConfigs, OfTenantsNeverShareAnything) {
  const TempDir folder;
  const auto options_of = [&](const std::string& tenant) {
    return *parse<FlaredOptions>(
        {"-f", source_dir / "conf" / tenant / "flared.conf", "--data-dir=" + folder.path().string()});
  };
  const auto a = options_of("user-a");
  const auto b = options_of("user-b");
  EXPECT_EQ(a.tenant, "user-a");
  EXPECT_EQ(b.tenant, "user-b");
  EXPECT_NE(a.server_port, b.server_port);
  EXPECT_NE(a.indexes, b.indexes);
}

template <class Options>
class ManPage : public testing::Test {};
using BothDaemons = testing::Types<FlareiOptions, FlaredOptions>;
TYPED_TEST_SUITE(ManPage, BothDaemons);

TYPED_TEST(ManPage, NamesEveryOption) {
  const TempDir folder;
  const auto page = read_file(source_dir / "docs/man" / (std::string(ParserOf<TypeParam>::name) + ".8"));
  const auto options = parse_with_required<TypeParam>(folder, {});
  ASSERT_TRUE(options) << options.error().text;
  for (auto [name, value] : shown_options(*options)) {
    std::string in_page;
    for (const char byte : name) in_page += byte == '-' ? std::string("\\-") : std::string(1, byte);
    EXPECT_NE(page.find(in_page), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace flare::test
