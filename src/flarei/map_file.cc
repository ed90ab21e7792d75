#include "flarei/map_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "flarei/index_facts.h"
#include "flarei/map_sum.h"
#include "flarei/map_xml.h"
#include "flarei/reigns.h"

namespace flare {

namespace {

constexpr int generations = 3;
constexpr std::size_t file_bytes_max = 64 * 1024 * 1024;

StoreError failure(std::string_view doing, const std::string& path) {
  return {fmt::format("cannot {} {}: {}", doing, path, std::strerror(errno))};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }

 private:
  int number_;
};

/// nullopt: there is no such file.
Result<std::optional<std::string>, StoreError> read_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file.is_open()) {
    if (errno == ENOENT) return std::optional<std::string>{};
    return failure("open", path);
  }
  std::string bytes;
  char block[16 * 1024];
  for (;;) {
    const auto n = ::read(file.get(), block, sizeof(block));
    if (n == 0) return std::optional{std::move(bytes)};
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("read", path);
    bytes.append(block, static_cast<std::size_t>(n));
    if (bytes.size() > file_bytes_max) return StoreError{path + " is too large for a node map"};
  }
}

Result<void, StoreError> write_durably(const std::string& path, std::string_view bytes) {
  const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file.is_open()) return failure("create", path);
  while (!bytes.empty()) {
    const auto n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failure("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(file.get()) != 0) return failure("sync", path);
  return {};
}

Result<void, StoreError> sync_folder(const std::string& folder) {
  const Descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened.is_open()) return failure("open", folder);
  if (::fsync(opened.get()) != 0) return failure("sync", folder);
  return {};
}

std::string generation(const std::string& path, int number) { return fmt::format("{}.{}", path, number); }

// The present file gets a second name, so that it never misses; a missing generation is nothing to fail for.
Result<void, StoreError> keep_generations(const std::string& path) {
  for (int number = generations; number > 1; --number) {
    const auto older = generation(path, number);
    const auto newer = generation(path, number - 1);
    if (::rename(newer.c_str(), older.c_str()) != 0 && errno != ENOENT) return failure("rename", newer);
  }
  const auto newest = generation(path, 1);
  if (::link(path.c_str(), newest.c_str()) == 0 || errno == ENOENT) return {};
  // A file system without hard links: a copy.
  auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  return *bytes ? write_durably(newest, **bytes) : Result<void, StoreError>{};
}

Result<NodeMap, StoreError> parse(const std::string& path, std::string_view bytes) {
  auto map = map_from_xml(bytes);
  if (!map) return StoreError{fmt::format("{} holds no node map: {}", path, map.error().text)};
  if (look_at_sum(bytes) != MapSum::wrong) return std::move(*map);
  return StoreError{
      fmt::format("{} does not match the sum in its last line: it is damaged, or was changed by hand. Who changed it "
                  "takes the word sum=... out of that line and starts again",
                  path)};
}

// No start overwrites what somebody may still need.
StoreError with_way_out(const StoreError& error, const std::string& path) {
  return {
      fmt::format("{}; repair it, put one of {}.1 to .{} in its place, or remove it to take the map that "
                  "the nodes offer",
                  error.text, path, generations)};
}

}  // namespace

MapFile::MapFile(std::string folder) : folder_(std::move(folder)), path_(folder_ + "/flare.xml") {}

Result<MapFile::Loaded, StoreError> MapFile::load() const {
  Loaded loaded;
  std::string source = path_;
  auto bytes = read_file(path_);
  if (!bytes) return with_way_out(bytes.error(), path_);
  if (!*bytes) {
    // cluster.md 4.6: an original that was killed between unlink and rename leaves only this one.
    source = path_ + ".tmp";
    bytes = read_file(source);
    if (!bytes) return with_way_out(bytes.error(), path_);
    if (!*bytes || !map_from_xml(**bytes)) {
      loaded.remarks.push_back(fmt::format("{} does not exist: starting with an empty node map", path_));
      return loaded;
    }
    loaded.remarks.push_back(fmt::format("{} does not exist: taking the map of {}", path_, source));
  }
  auto map = parse(source, **bytes);
  if (!map) return with_way_out(map.error(), path_);
  loaded.found = true;
  loaded.map = std::move(*map);
  if (auto facts = facts_of_xml(**bytes, loaded.map)) {
    loaded.cluster = std::move(facts->cluster);
    loaded.map.reigns = std::move(facts->reigns);
  }
  loaded.map = with_known_reigns(std::move(loaded.map));
  for (const auto& sentence : violations(loaded.map)) {
    loaded.remarks.push_back(fmt::format("the node map of {} is doubtful: {}", source, sentence));
  }
  return loaded;
}

Result<void, StoreError> MapFile::save(const NodeMap& map) {
  const auto temporary = path_ + ".tmp";
  auto xml = map_to_xml(map);
  if (!cluster_.empty() || !map.reigns.empty()) xml = with_sum(std::move(xml) + facts_line(cluster_, map));
  if (auto written = write_durably(temporary, xml); !written) return written;
  if (auto kept = keep_generations(path_); !kept) return kept;
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return failure("rename", temporary);
  return sync_folder(folder_);
}

}  // namespace flare
