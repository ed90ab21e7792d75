#include "flare_backup/dump_text.h"

#include <gtest/gtest.h>

#include "flare_backup/progress.h"

namespace flare::backup {
namespace {

TEST(DumpText, IsTheFormOfTheOperatorTools) {
  std::string text;
  append_dump_line(text, "key", {5, 1700000000, RecordVersion{7}, "it's\ndata"});
  EXPECT_EQ(text, "key 5 9 7 1700000000 'it's\ndata'\n");
}

TEST(DumpText, IsReadBackWhateverTheDataHolds) {
  std::string text;
  const std::string data[] = {"", "'", "\n'", "' 1 2 3 4 '\nkey 0 1 1 0 'x'", std::string(3, '\0')};
  for (const auto& each : data) append_dump_line(text, "key", {1, 0, RecordVersion{9}, each});
  std::string_view unread{text};
  for (const auto& each : data) {
    const auto line = next_dump_line(unread);
    ASSERT_TRUE(line && *line);
    EXPECT_EQ((*line)->record.data, each);
    EXPECT_EQ((*line)->record.version, RecordVersion{9});
  }
  EXPECT_TRUE(unread.empty());
  EXPECT_FALSE(*next_dump_line(unread));
}

TEST(DumpText, RefusesWhatItWouldNotWrite) {
  for (const std::string_view text : {"key", "key 0 1 1 0\n'x'", "key 0 2 1 0 'x'\n", "key 0 1 1 'x'\n",
                                      "key 0 1 1 0 'x'y\n", " 0 1 1 0 'x'\n", "key -1 1 1 0 'x'\n"}) {
    auto unread = text;
    EXPECT_FALSE(next_dump_line(unread)) << text;
  }
}

TEST(ProgressLine, ShowsHowFarItIs) {
  EXPECT_EQ(progress_line("backup", 50, 100, 1024 * 1024, std::chrono::seconds{2}),
            "backup [###############...............]  50 % 50 records, 1.0 MiB, 0.5 MiB/s");
  EXPECT_EQ(progress_line("import", 7, 0, 0, {}), "import 7 records, 0.0 MiB, 0.0 MiB/s");
}

}  // namespace
}  // namespace flare::backup
