#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdarg>
#include <thread>

#include "flared/storage/clean_mark.h"
#include "unit/storage/disk_calls.h"
#include "unit/storage/replayed_log.h"

/// A kill at each step of checkpoint, flush, swap, start and stop (design.md 3.2, 3.4, 3.7). A step is a system call by
/// which the process changes a file, be it ours or the library's: this program puts itself in the place of libc's
/// functions for them. The daemon knows nothing of it.
namespace {

std::atomic<long> steps_left{0};  // 0: not armed
bool half_done = false;
std::atomic<bool>* killed_in_a_write = nullptr;  // of the child: told to the test
constexpr off_t page_bytes = 4096;

[[noreturn]] void end_by_kill() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  while (true) ::syscall(SYS_pause);
}

bool is_last_step() {
  auto left = steps_left.load();
  while (left > 0 && !steps_left.compare_exchange_weak(left, left - 1)) {
  }
  return left == 1;
}

template <class... Arguments>
long step(long number, Arguments... arguments) {
  if (is_last_step()) end_by_kill();
  return ::syscall(number, arguments...);
}

// The kernel looks for a kill between two pages of one write: so far and no further is it torn by one.
std::size_t up_to_a_page(std::size_t size, off_t offset) {
  const auto whole_pages = (offset + static_cast<off_t>(size / 2)) / page_bytes * page_bytes;
  return whole_pages > offset ? static_cast<std::size_t>(whole_pages - offset) : 0;
}

long write_step(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  if (is_last_step()) {
    if (killed_in_a_write != nullptr) *killed_in_a_write = true;
    if (half_done) ::syscall(SYS_pwrite64, descriptor, bytes, up_to_a_page(size, offset), offset);
    end_by_kill();
  }
  return ::syscall(SYS_pwrite64, descriptor, bytes, size, offset);
}

long open_step(const char* path, int flags, mode_t mode) {
  const bool changes = (flags & (O_CREAT | O_TRUNC)) != 0;
  return changes ? step(SYS_openat, AT_FDCWD, path, flags, mode) : ::syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

mode_t mode_argument(int flags, std::va_list arguments) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

}  // namespace

extern "C" {
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
  return write_step(descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off64_t offset) {
  return write_step(descriptor, bytes, size, offset);
}
int open(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const auto mode = mode_argument(flags, arguments);
  va_end(arguments);
  return static_cast<int>(open_step(path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const auto mode = mode_argument(flags, arguments);
  va_end(arguments);
  return static_cast<int>(open_step(path, flags, mode));
}
int ftruncate(int descriptor, off_t size) noexcept { return static_cast<int>(step(SYS_ftruncate, descriptor, size)); }
int ftruncate64(int descriptor, off64_t size) noexcept {
  return static_cast<int>(step(SYS_ftruncate, descriptor, size));
}
int fallocate(int descriptor, int mode, off_t offset, off_t size) {
  if (!flare::blocks_are_reserved) return static_cast<int>(step(SYS_fcntl, descriptor, F_GETFD)) < 0 ? -1 : 0;
  return static_cast<int>(step(SYS_fallocate, descriptor, mode, offset, size));
}
// A kill leaves what the kernel has: the disk would only make this slow.
int fsync(int descriptor) { return static_cast<int>(step(SYS_fcntl, descriptor, F_GETFD)) < 0 ? -1 : 0; }
int fdatasync(int descriptor) { return fsync(descriptor); }
int msync(void*, std::size_t, int) {
  if (is_last_step()) end_by_kill();
  return 0;
}
int rename(const char* from, const char* to) noexcept { return static_cast<int>(step(SYS_rename, from, to)); }
int link(const char* from, const char* to) noexcept { return static_cast<int>(step(SYS_link, from, to)); }
int unlink(const char* path) noexcept { return static_cast<int>(step(SYS_unlink, path)); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return static_cast<int>(step(SYS_unlinkat, folder, path, flags));
}
int mkdir(const char* path, mode_t mode) noexcept { return static_cast<int>(step(SYS_mkdir, path, mode)); }
int rmdir(const char* path) noexcept { return static_cast<int>(step(SYS_rmdir, path)); }
}

namespace flare {
namespace {

constexpr long steps_max = 1000;
constexpr Position built{LogId{77}, Epoch{4}, Sequence{1000}};

/// What the killed process has told before: in memory that it shares with the test.
struct Told {
  std::atomic<std::uint64_t> history;       // its log-id when the steps began to count
  std::atomic<std::uint64_t> acknowledged;  // the highest sequence
  std::atomic<bool> done;                   // the operation returned and said so
  std::atomic<bool> in_a_write;             // it was killed there, and so can be in the middle of it
};

class SharedTold {
 public:
  SharedTold()
      : told_(new (::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Told{}) {}
  ~SharedTold() { ::munmap(told_, sizeof(Told)); }
  SharedTold(const SharedTold&) = delete;
  SharedTold& operator=(const SharedTold&) = delete;
  Told& operator*() { return *told_; }
  Told* operator->() { return told_; }

 private:
  Told* told_;
};

/// What the child works with. The steps count from `begin` on.
struct Child {
  KyotoFolder& folder;
  Told& told;
  long step;

  std::unique_ptr<KyotoStorage> open() const {
    auto storage = folder.open();
    if (!storage) _exit(3);
    told.history = raw(storage->position().log_id);
    return storage;
  }
  void begin() const { steps_left = step; }
  void write(KyotoStorage& storage, const Operation& operation) const {
    if (!run(storage, operation)) _exit(4);
    told.acknowledged = raw(storage.position().sequence);
  }
  void set(KyotoStorage& storage, std::string_view key, std::string_view data) const {
    write(storage, {.kind = OperationKind::set, .key = key, .data = data});
  }
  void done() const { told.done = true; }
};

struct Scenario {
  const char* name;
  void (*prepare)(KyotoFolder&);  // by the test, whose process holds no storage afterwards
  void (*work)(const Child&);
  void (*check)(KyotoStorage&, Told&);
  std::uint64_t volume_max = 1 << 20;  // writes between two checkpoints
  Durability durability = Durability::process;
};

std::string numbered(int number) { return "key-" + std::to_string(number); }

void fill(KyotoStorage& storage, int keys) {
  for (int number = 0; number < keys; ++number) set(storage, numbered(number), std::string(200, 'o'));
}

// What the log has is what the store has, and all that was acknowledged is in it.
void check_by_log(KyotoStorage& storage, Told& told) {
  EXPECT_EQ(raw(storage.position().log_id), told.history) << "the history goes on";
  EXPECT_GE(raw(storage.position().sequence), told.acknowledged);
  EXPECT_EQ(contents_of(storage), replayed(storage));
}

void nothing(KyotoFolder&) {}

void closed_with_records(KyotoFolder& folder) {
  const auto storage = folder.open();
  fill(*storage, 10);
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = "key-9", .hold_until_s = now_s + 100}));
}

// Into `folder`, as a kill leaves the data-dir of a storage whose last checkpoint is that of its start.
void killed_with_a_log(KyotoFolder& folder) {
  KyotoFolder running;
  running.options = folder.options;
  running.options.data_dir = running.folder.path();
  const auto storage = running.open();
  fill(*storage, 10);
  std::filesystem::copy(running.folder.path(), folder.folder.path(), std::filesystem::copy_options::recursive);
}

// The log has a flush and what came after it; the store was killed before the flush.
void killed_with_a_flush_in_the_log(KyotoFolder& folder) {
  KyotoFolder running;
  running.options = folder.options;
  running.options.data_dir = running.folder.path();
  const auto storage = running.open();
  fill(*storage, 10);
  std::filesystem::copy(running.folder.path(), folder.folder.path(), std::filesystem::copy_options::recursive);
  ASSERT_TRUE(storage->flush());
  set(*storage, "after", "x");
  std::filesystem::remove_all(folder.path("log"));
  std::filesystem::copy(running.path("log"), folder.path("log"));
}

void checkpoint_between_writes(const Child& child) {
  const auto storage = child.open();
  fill(*storage, 5);
  child.begin();
  const auto before = storage->figures().checkpoints;
  for (int number = 0; number < 12; ++number) child.set(*storage, numbered(number), std::string(20'000, 'n'));
  child.write(*storage, {.kind = OperationKind::remove, .key = numbered(3)});
  while (storage->figures().checkpoints == before) std::this_thread::yield();
  child.set(*storage, "after", "x");
  child.done();
}

void flush_between_writes(const Child& child) {
  const auto storage = child.open();
  fill(*storage, 10);
  child.told.acknowledged = raw(storage->position().sequence);
  child.begin();
  if (!storage->flush()) _exit(4);
  child.told.acknowledged = raw(storage->position().sequence);
  child.done();
}

void check_flush(KyotoStorage& storage, Told& told) {
  check_by_log(storage, told);
  const auto items = storage.figures().items;
  EXPECT_TRUE(items == 10 || items == 0) << items << ": wholly before or wholly after";
  if (told.done) {
    EXPECT_EQ(items, 0U);
  }
}

void swap_a_build_in(const Child& child) {
  const auto storage = child.open();
  fill(*storage, 10);
  child.begin();
  const auto replacement = storage->begin_replacement(0);
  if (!replacement) _exit(4);
  for (int number = 0; number < 5; ++number) {
    if (!(*replacement)->put("built-" + std::to_string(number), {.version = RecordVersion{9}, .data = "y"})) _exit(4);
  }
  (*replacement)->put_deletion("gone", RecordVersion{7}, now_s + 100);
  if (!(*replacement)->commit(built, {{Epoch{4}, Sequence{1000}}})) _exit(4);
  child.done();
}

void check_swap(KyotoStorage& storage, Told& told) {
  const auto contents = contents_of(storage);
  const bool is_built = contents.contains("built-0");
  EXPECT_EQ(contents.size(), is_built ? 5U : 10U) << "whole, be it the old one or the new one";
  EXPECT_EQ(contents.count("key-0"), is_built ? 0U : 1U);
  const auto history = raw(storage.position().log_id);
  if (history == raw(built.log_id)) {
    EXPECT_TRUE(is_built) << "a position in the source's log is for the build only";
    EXPECT_EQ(storage.position(), built);
  }
  if (history == told.history) {
    EXPECT_FALSE(is_built) << "a position in the old log is for the old store only";
  }
  if (told.done) {
    EXPECT_EQ(history, raw(built.log_id));
  }
}

void start_only(const Child& child) {
  child.begin();
  const auto storage = child.open();
  child.set(*storage, "acknowledged", "x");
  child.done();
}

void check_start(KyotoStorage& storage, Told& told) {
  const auto contents = contents_of(storage);
  for (int number = 0; number < 9; ++number) EXPECT_TRUE(contents.contains(numbered(number))) << number;
  EXPECT_GE(raw(storage.position().sequence), told.acknowledged);
  if (told.done) {
    EXPECT_TRUE(contents.contains("acknowledged"));
  }
}

void check_replay(KyotoStorage& storage, Told& told) {
  EXPECT_FALSE(storage.start().new_history);
  check_start(storage, told);
  EXPECT_EQ(contents_of(storage), replayed(storage));
}

void check_replayed_flush(KyotoStorage& storage, Told& told) {
  EXPECT_FALSE(storage.start().new_history);
  auto contents = contents_of(storage);
  EXPECT_EQ(contents, replayed(storage));
  contents.erase("acknowledged");
  EXPECT_EQ(contents, (Contents{{"after", "0 0 1 x"}}));
  EXPECT_GE(raw(storage.position().sequence), told.acknowledged);
}

void check_first_start(KyotoStorage& storage, Told& told) {
  const auto contents = contents_of(storage);
  if (told.done) {
    EXPECT_EQ(contents, (Contents{{"acknowledged", "0 0 1 x"}}));
  }
  EXPECT_LE(contents.size(), 1U);
}

void check_closed_start(KyotoStorage& storage, Told& told) {
  check_start(storage, told);
  EXPECT_EQ(run(storage, {.kind = OperationKind::add, .key = "key-9", .data = "x"})->kind, OutcomeKind::not_stored)
      << "the remembered deletion";
}

void stop_cleanly(const Child& child) {
  const auto storage = child.open();
  fill(*storage, 10);
  child.told.acknowledged = raw(storage->position().sequence);
  child.begin();
  if (!storage->close()) _exit(4);
  child.done();
}

void check_stop(KyotoStorage& storage, Told& told) {
  check_by_log(storage, told);
  if (told.done) {
    EXPECT_TRUE(storage.start().clean);
  }
}

void closed_with_another_log(KyotoFolder& folder) {
  {
    const auto storage = folder.open();
    fill(*storage, 10);
  }
  KyotoFolder other;
  set(*other.open(), "other", "z");
  std::filesystem::remove_all(folder.path("log"));
  std::filesystem::copy(other.path("log"), folder.path("log"));
}

void begin_an_epoch(const Child& child) {
  const auto storage = child.open();
  child.begin();
  child.set(*storage, "k", "before");
  if (!storage->set_epoch(Epoch{5})) _exit(4);
  child.set(*storage, "k", "after");
  child.done();
}

void check_epoch(KyotoStorage& storage, Told& told) {
  check_by_log(storage, told);
  if (told.done) {
    EXPECT_EQ(storage.position().epoch, Epoch{5});
  }
}

// The log's surplus is taken back (docs/replication.md 11): it is wholly there afterwards, or not at all.
constexpr std::size_t taken_back_at = 10;

Correction correction_of(const KyotoStorage& storage) {
  Correction correction{{storage.position().log_id, Epoch{0}, Sequence{taken_back_at}}, Sequence{taken_back_at}, {}};
  correction.put("key-0", {.version = RecordVersion{9}, .data = "the source's"});
  correction.put_deletion("key-1", RecordVersion{9}, now_s + 100);
  correction.put_deletion("surplus", RecordVersion{0}, 0);
  correction.put("key-9", {.version = RecordVersion{1}, .data = std::string(200, 'o')});
  return correction;
}

void take_a_surplus_back(const Child& child) {
  const auto storage = child.open();
  fill(*storage, taken_back_at);
  set(*storage, "key-0", "mine");
  if (!storage->set_epoch(Epoch{5})) _exit(4);  // a segment of its own
  set(*storage, "key-1", "mine");
  set(*storage, "surplus", "mine");
  if (!run(*storage, {.kind = OperationKind::remove, .key = "key-9", .hold_until_s = now_s + 100})) _exit(4);
  const auto correction = correction_of(*storage);
  child.begin();
  if (!storage->correct(correction)) _exit(4);
  const LogEntry entry{.epoch = Epoch{3}, .sequence = Sequence{taken_back_at + 1}, .key = "next", .data = "s"};
  const Storage::Batch batch{*storage};
  if (!storage->apply(entry) || !storage->write_log()) _exit(4);
  child.done();
}

void check_correction(KyotoStorage& storage, Told& told) {
  EXPECT_EQ(raw(storage.position().log_id), told.history);
  const auto contents = contents_of(storage);
  if (raw(storage.position().sequence) == taken_back_at + 4) {
    EXPECT_FALSE(told.done);
    EXPECT_EQ(contents, replayed(storage)) << "not begun";
    return;
  }
  Contents expected;
  for (int number = 2; number < 10; ++number) expected[numbered(number)] = "0 0 1 " + std::string(200, 'o');
  expected["key-0"] = "0 0 9 the source's";
  if (raw(storage.position().sequence) == taken_back_at + 1) {
    EXPECT_EQ(storage.position().epoch, Epoch{3});
    expected["next"] = "0 0 0 s";
  } else {
    EXPECT_FALSE(told.done);
    EXPECT_EQ(raw(storage.position().sequence), taken_back_at);
    EXPECT_EQ(storage.position().epoch, Epoch{0});
  }
  EXPECT_EQ(contents, expected);
  const auto added = [&](const char* key) {
    return run(storage, {.kind = OperationKind::add, .key = key, .data = "x"})->kind;
  };
  EXPECT_EQ(added("key-1"), OutcomeKind::not_stored) << "the source's deletion is remembered";
  EXPECT_EQ(added("surplus"), OutcomeKind::stored);
}

// As killed in the middle: the start does all of it again, and may be killed itself.
void killed_with_a_correction(KyotoFolder& folder) {
  KyotoFolder running;
  running.options = folder.options;
  running.options.data_dir = running.folder.path();
  const auto storage = running.open();
  fill(*storage, taken_back_at);
  set(*storage, "key-0", "mine");
  ASSERT_TRUE(storage->set_epoch(Epoch{5}));
  set(*storage, "key-1", "mine");
  set(*storage, "surplus", "mine");
  ASSERT_TRUE(run(*storage, {.kind = OperationKind::remove, .key = "key-9", .hold_until_s = now_s + 100}));
  ASSERT_EQ(write_correction(running.path("log"), correction_of(*storage)), 0);
  std::filesystem::copy(running.folder.path(), folder.folder.path(), std::filesystem::copy_options::recursive);
}

void open_only(const Child& child) {
  child.begin();
  const auto storage = child.open();
  child.done();
}

void check_redone(KyotoStorage& storage, Told&) {
  EXPECT_FALSE(storage.start().new_history);
  EXPECT_EQ(raw(storage.position().sequence), taken_back_at);
  const auto contents = contents_of(storage);
  EXPECT_EQ(contents.size(), 9U);
  EXPECT_EQ(contents.at("key-0"), "0 0 9 the source's");
  EXPECT_EQ(contents.at("key-9"), "0 0 1 " + std::string(200, 'o'));
  EXPECT_EQ(run(storage, {.kind = OperationKind::add, .key = "key-1", .data = "x"})->kind, OutcomeKind::not_stored);
}

class KillSteps : public testing::TestWithParam<Scenario> {
 protected:
  // What a kill leaves is in the kernel, whatever the disk: memory makes hundreds of starts quick.
  static void SetUpTestSuite() {
    if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
  }
  static void TearDownTestSuite() { ::unsetenv("TMPDIR"); }

  enum class End : std::uint8_t { before_the_step, at_the_step, at_a_write };
  static End kill_at(long step, bool torn) {
    const auto& scenario = GetParam();
    const NoBlocksReserved quick;  // a kill loses no room
    KyotoFolder folder;
    folder.options.buckets = 1000;
    folder.options.checkpoint_pace = {.volume_max = scenario.volume_max, .dirty_max = std::chrono::minutes{10}};
    folder.options.durability = scenario.durability;
    scenario.prepare(folder);
    SharedTold told;
    const pid_t pid = ::fork();
    if (pid == 0) {
      half_done = torn;
      killed_in_a_write = &told->in_a_write;
      scenario.work({folder, *told, step});
      _exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    const bool ended = WIFEXITED(status);
    EXPECT_TRUE(ended ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL) << "status " << status;
    look_at(folder, *told);
    if (ended) return End::before_the_step;
    return told->in_a_write ? End::at_a_write : End::at_the_step;
  }

  static void look_at(KyotoFolder& folder, Told& told) {
    Contents contents;
    {
      const auto storage = folder.open();
      ASSERT_NE(storage, nullptr) << folder.failure;
      GetParam().check(*storage, told);
      set(*storage, "later", "z");
      contents = contents_of(*storage);
    }
    const auto again = folder.open();  // and goes on as any other
    ASSERT_NE(again, nullptr) << folder.failure;
    EXPECT_TRUE(again->start().clean);
    EXPECT_FALSE(again->start().new_history);
    EXPECT_EQ(contents_of(*again), contents);
    for (const char* left : {"flare.kch.new", "flare.kch.new.wal", "log.new", "log.old"}) {
      EXPECT_FALSE(std::filesystem::exists(folder.path(left))) << left;
    }
  }
};

TEST_P(KillSteps, LeaveAWholeStoreThatFitsItsLog) {
  long step = 1;
  long torn = 0;
  for (auto end = kill_at(step, false); end != End::before_the_step; end = kill_at(++step, false)) {
    ASSERT_FALSE(HasFailure()) << "killed at step " << step;
    ASSERT_LT(step, steps_max);
    if (end != End::at_a_write) continue;
    ++torn;
    std::ignore = kill_at(step, true);
    ASSERT_FALSE(HasFailure()) << "killed in the middle of step " << step;
  }
  ASSERT_FALSE(HasFailure()) << "not killed";
  EXPECT_GT(step, 5) << "so few steps show nothing";
  EXPECT_GT(torn, 0);
  std::cout << GetParam().name << ": " << step - 1 << " steps, " << torn << " of them writes\n";
}

INSTANTIATE_TEST_SUITE_P(
    Design_3, KillSteps,
    testing::Values(Scenario{"checkpoint", nothing, checkpoint_between_writes, check_by_log, 8},
                    Scenario{"flush", nothing, flush_between_writes, check_flush},
                    Scenario{"flush_in_group_mode", nothing, flush_between_writes, check_flush, 1 << 20,
                             Durability::group},
                    Scenario{"swap", nothing, swap_a_build_in, check_swap},
                    Scenario{"first_start", nothing, start_only, check_first_start},
                    Scenario{"start_after_a_stop", closed_with_records, start_only, check_closed_start},
                    Scenario{"start_after_a_kill", killed_with_a_log, start_only, check_replay},
                    Scenario{"start_with_a_flush", killed_with_a_flush_in_the_log, start_only, check_replayed_flush},
                    Scenario{"start_of_a_new_history", closed_with_another_log, start_only, check_start},
                    Scenario{"correction", nothing, take_a_surplus_back, check_correction},
                    Scenario{"start_with_a_correction", killed_with_a_correction, open_only, check_redone},
                    Scenario{"epoch", nothing, begin_an_epoch, check_epoch},
                    Scenario{"stop", nothing, stop_cleanly, check_stop}),
    [](const auto& given) { return std::string{given.param.name}; });

}  // namespace
}  // namespace flare
