#include "flared/storage/clean_mark.h"

#include <gtest/gtest.h>

namespace flare {
namespace {

TEST(CleanMark, ReadsBack) {
  const CleanMark mark{.log_id = LogId{~0ULL}, .sequence = Sequence{5}, .file_bytes = 6, .modified_ns = -7, .inode = 8};
  EXPECT_EQ(parse_clean_mark(format_clean_mark(mark)), mark);
}

TEST(CleanMark, IsRefusedWhenCutOrForeign) {
  const auto text = format_clean_mark({.log_id = LogId{123}, .sequence = Sequence{5}});
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_clean_mark(text.substr(0, size))) << size;
  EXPECT_FALSE(parse_clean_mark(text + "x"));
  EXPECT_FALSE(parse_clean_mark("flare-clean-2" + text.substr(13)));
}

}  // namespace
}  // namespace flare
