// Borrowed buffers: how they grow, and what they hold.
#include "flared/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>

namespace flare {
namespace {

void fill(InputBuffer& buffer, std::size_t whole) {
  auto* room = buffer.room(whole);
  const auto bytes = buffer.room_bytes();
  std::memset(room, 'x', bytes);
  buffer.received(bytes);
}

TEST(InputBuffer, GrowsAsBytesArriveNotAsTheyAreClaimed) {
  InputBuffer buffer;
  const auto usual = buffer.capacity();
  fill(buffer, 64 * 1024 * 1024);
  EXPECT_EQ(buffer.capacity(), usual);
  fill(buffer, 64 * 1024 * 1024);
  EXPECT_EQ(buffer.capacity(), 2 * usual);
}

// A request of unknown length asks for one byte more than there is: a receive call for each byte would be the end.
TEST(InputBuffer, NeverGrowsByAFewBytes) {
  InputBuffer buffer;
  int receives = 0;
  for (; buffer.unread().size() < 1024 * 1024; ++receives) fill(buffer, buffer.unread().size() + 1);
  EXPECT_LE(receives, 16);
}

TEST(InputBuffer, HoldsAWholeRequestWithoutMuchMore) {
  InputBuffer buffer;
  constexpr std::size_t whole = 10'000'000;
  while (buffer.unread().size() < whole) fill(buffer, whole);
  EXPECT_LE(buffer.capacity(), whole + limits::read_buffer_bytes);
}

}  // namespace
}  // namespace flare
