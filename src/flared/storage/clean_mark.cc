#include "flared/storage/clean_mark.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>

#include "flared/storage/file_tools.h"

namespace flare {
namespace {

constexpr std::string_view first_word = "flare-clean-1";

// The next word as a number; `text` moves behind it.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  if (!text.starts_with(' ')) return false;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

}  // namespace

std::string format_clean_mark(const CleanMark& mark) {
  return fmt::format("{} {} {} {} {} {}\n", first_word, raw(mark.log_id), raw(mark.sequence), mark.file_bytes,
                     mark.modified_ns, mark.inode);
}

std::optional<CleanMark> parse_clean_mark(std::string_view text) {
  if (!text.starts_with(first_word)) return std::nullopt;
  text.remove_prefix(first_word.size());
  std::uint64_t log_id = 0;
  std::uint64_t sequence = 0;
  CleanMark mark;
  if (!take_number(text, log_id) || !take_number(text, sequence) || !take_number(text, mark.file_bytes) ||
      !take_number(text, mark.modified_ns) || !take_number(text, mark.inode) || text != "\n") {
    return std::nullopt;
  }
  mark.log_id = LogId{log_id};
  mark.sequence = Sequence{sequence};
  return mark;
}

std::optional<CleanMark> look_at_store(const std::filesystem::path& store) {
  struct stat status {};
  if (::stat(store.c_str(), &status) != 0) return std::nullopt;
  return CleanMark{.file_bytes = static_cast<std::uint64_t>(status.st_size),
                   .modified_ns = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec,
                   .inode = status.st_ino};
}

std::filesystem::path clean_mark_path(const std::filesystem::path& data_dir) { return data_dir / "flare.clean"; }
std::filesystem::path boot_mark_path(const std::filesystem::path& data_dir) { return data_dir / "flare.boot"; }

bool machine_stopped(const std::filesystem::path& data_dir) {
  if (!look_at_store(data_dir / "flare.kch")) return false;
  if (parse_clean_mark(read_small_file(clean_mark_path(data_dir)).value_or(""))) return false;
  const auto last_boot = read_small_file(boot_mark_path(data_dir));
  return last_boot && *last_boot != boot_id();
}

std::string boot_id() { return read_small_file("/proc/sys/kernel/random/boot_id").value_or(""); }

}  // namespace flare
