#include <cstdlib>
#include <new>

#include "unit/storage/storage_helpers.h"

namespace {

thread_local bool counting = false;
thread_local int allocations = 0;

void* allocate(std::size_t size) {
  if (counting) ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}

}  // namespace

// For the whole program, so that what the library allocates is counted too.
void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace flare {
namespace {

class CountingSink final : public RecordSink {
 public:
  void record(std::string_view, const RecordView& record) override { bytes += record.data.size(); }
  std::size_t bytes = 0;
};

class Allocations : public testing::Test {
 protected:
  // Of 1,000 sets and gets in batches of ten, after a warm-up.
  void measure(std::size_t data_bytes) {
    KyotoFolder folder;
    const auto storage = folder.open();
    ASSERT_NE(storage, nullptr);
    const std::string data(data_bytes, 'x');
    turns(*storage, data);
    set(*storage, "behind them", data);  // the library reads the last record of a file in another way
    allocations = 0;
    counting = true;
    turns(*storage, data);
    counting = false;
  }

  static void turns(Storage& storage, std::string_view data) {
    CountingSink sink;
    char key[4] = "000";
    for (int turn = 0; turn < 100; ++turn) {
      const Storage::Batch batch{storage};
      for (int at = 0; at < 10; ++at) {
        key[0] = static_cast<char>('0' + turn / 10);
        key[1] = static_cast<char>('0' + turn % 10);
        key[2] = static_cast<char>('0' + at);
        std::ignore = storage.execute({.kind = OperationKind::set, .key = {key, 3}, .data = data}, now_s, nullptr);
        std::ignore = storage.get({key, 3}, now_s, sink);
      }
      std::ignore = storage.write_log();
    }
  }
};

TEST_F(Allocations, AreNoneForRecordsOfTheLibrarysBuffer) {
  measure(4);
  EXPECT_EQ(allocations, 0);
}

// The library reads a longer record's body into memory of its own, once for each call; we add nothing to it.
TEST_F(Allocations, AreTheLibrarysOneForALongerRecord) {
  measure(20);
  EXPECT_LE(allocations, 2000);
}

}  // namespace
}  // namespace flare
