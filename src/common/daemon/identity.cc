#include "common/daemon/identity.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>

#include "common/base/printable.h"
#include "common/daemon/descriptor.h"

namespace flare {
namespace {

constexpr std::string_view format_word = "flare-identity";
constexpr std::string_view format_number = "1";
constexpr std::string_view none = "-";
constexpr std::size_t file_bytes_max = 4096;

std::string_view word_or_none(std::string_view word) { return word.empty() ? none : word; }

std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::string_view port_of(std::string_view name) { return name.substr(name.rfind(':') + 1); }

bool same_name(const DaemonIdentity& kept, const DaemonIdentity& starting) {
  if (kept.kind == DaemonKind::index) return port_of(kept.name) == port_of(starting.name);
  return kept.name == starting.name;
}

std::string described(const DaemonIdentity& identity) {
  return fmt::format("{} {}, {}", to_text(identity.kind), printable(identity.name), to_text(identity.cluster));
}

// nullopt: no error. Otherwise the sentence about one line.
std::optional<std::string> take_field(std::string_view line, DaemonIdentity& identity) {
  const auto blank = line.find(' ');
  const auto name = line.substr(0, blank);
  const auto value = blank == std::string_view::npos ? std::string_view{} : line.substr(blank + 1);
  const auto bad = [&] { return fmt::format("'{}' has the value '{}'", printable(name), printable(value)); };
  const auto visible = [](char byte) { return byte > ' ' && byte < 0x7f; };
  if (value.empty() || !std::all_of(value.begin(), value.end(), visible)) return bad();
  if (name == "kind") {
    if (value != to_text(DaemonKind::index) && value != to_text(DaemonKind::node)) return bad();
    identity.kind = value == to_text(DaemonKind::index) ? DaemonKind::index : DaemonKind::node;
  } else if (name == "name") {
    identity.name = value;
  } else if (name == "cluster") {
    if (value != none && !is_cluster_id(value)) return bad();
    identity.cluster.cluster = value == none ? std::string_view{} : value;
  } else if (name == "tenant") {
    identity.cluster.tenant = value == none ? std::string_view{} : value;
  } else {
    return fmt::format("unknown line '{}'", printable(line));
  }
  return std::nullopt;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

// errno of what failed, 0 for success: beside, synced, renamed, folder synced.
int replace_durably(const std::string& folder, const std::string& path, std::string_view text) {
  const auto temporary = path + ".tmp";
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file) return errno;
    if (::write(file.number(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return errno;
    if (::fsync(file.number()) != 0) return errno;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno;
  const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return errno;
  return ::fsync(opened.number()) == 0 ? 0 : errno;
}

std::string random_hex(int words) {
  std::random_device device;
  std::string text;
  for (int i = 0; i < words; ++i) text += fmt::format("{:08x}", device());
  return text;
}

}  // namespace

std::string_view to_text(DaemonKind kind) { return kind == DaemonKind::index ? "flarei" : "flared"; }

std::string identity_text(const DaemonIdentity& identity) {
  return fmt::format("{} {}\nkind {}\nname {}\ncluster {}\ntenant {}\n", format_word, format_number,
                     to_text(identity.kind), identity.name, word_or_none(identity.cluster.cluster),
                     word_or_none(identity.cluster.tenant));
}

Result<DaemonIdentity, std::string> parse_identity(std::string_view text) {
  const auto head = take_line(text);
  if (!head.starts_with(format_word)) return std::string("it is no identity file");
  if (head.substr(format_word.size()) != fmt::format(" {}", format_number)) {
    return fmt::format("its format '{}' is not known to this version, which knows '{} {}'", printable(head),
                       format_word, format_number);
  }
  DaemonIdentity identity;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (line.empty()) continue;
    if (const auto error = take_field(line, identity)) return *error;
  }
  if (identity.name.empty()) return std::string("the line 'name' is missing");
  return identity;
}

std::optional<std::string> identity_mismatch(const DaemonIdentity& kept, const DaemonIdentity& starting) {
  const auto& mine = starting.cluster;
  // A tenant may be named later; one that was named stays (design.md 5). A cluster id is drawn or learnt after this.
  const bool tenant_fits = kept.cluster.tenant.empty() || kept.cluster.tenant == mine.tenant;
  const bool cluster_fits =
      kept.cluster.cluster.empty() || mine.cluster.empty() || kept.cluster.cluster == mine.cluster;
  if (kept.kind == starting.kind && tenant_fits && cluster_fits && same_name(kept, starting)) return std::nullopt;
  return fmt::format("belongs to {}, but this is {}", described(kept), described(starting));
}

DaemonIdentity joined_identity(const DaemonIdentity& kept, const DaemonIdentity& starting) {
  auto joined = starting;
  if (joined.cluster.cluster.empty()) joined.cluster.cluster = kept.cluster.cluster;
  if (joined.cluster.tenant.empty()) joined.cluster.tenant = kept.cluster.tenant;
  return joined;
}

IdentityFile::IdentityFile(std::string program, const std::string& data_dir)
    : program_(std::move(program)), data_dir_(data_dir), path_(data_dir + "/identity") {}

StartFailure IdentityFile::failure(ExitCode code, std::string_view reason) const {
  return {code, fmt::format("{}: data-dir '{}': {}", program_, data_dir_, reason)};
}

Result<std::optional<DaemonIdentity>, StartFailure> IdentityFile::load() const {
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::optional<DaemonIdentity>{};
  if (!file) return failure(ExitCode::io, fmt::format("cannot open '{}': {}", path_, std::strerror(errno)));
  std::array<char, file_bytes_max> bytes{};
  const auto count = ::pread(file.number(), bytes.data(), bytes.size(), 0);
  if (count < 0) return failure(ExitCode::io, fmt::format("cannot read '{}': {}", path_, std::strerror(errno)));
  auto parsed = parse_identity({bytes.data(), static_cast<std::size_t>(count)});
  if (parsed) return std::optional{std::move(*parsed)};
  return failure(ExitCode::configuration,
                 fmt::format("'{}' cannot be used: {}; restore it, or give this daemon a directory of its own", path_,
                             parsed.error()));
}

Result<DaemonIdentity, StartFailure> IdentityFile::check(const DaemonIdentity& starting) const {
  const auto kept = load();
  if (!kept) return kept.error();
  if (*kept) {
    const auto mismatch = identity_mismatch(**kept, starting);
    if (!mismatch) return joined_identity(**kept, starting);
    return failure(ExitCode::configuration,
                   fmt::format("{}; give this daemon a directory of its own (if the change is meant, edit '{}')",
                               *mismatch, path_));
  }
  const bool of_index = exists(data_dir_ + "/flare.xml");
  const bool of_node = exists(data_dir_ + "/flare.kch") || exists(data_dir_ + "/flare.hdb");
  if (of_index == of_node || of_index == (starting.kind == DaemonKind::index)) return starting;
  return failure(ExitCode::configuration,
                 fmt::format("belongs to a {} (it holds {}), but this is {}; give this daemon a directory of its own",
                             to_text(of_index ? DaemonKind::index : DaemonKind::node),
                             of_index ? "flare.xml" : "a store", described(starting)));
}

Result<void, StartFailure> IdentityFile::keep(const DaemonIdentity& identity, Log& log) const {
  const auto kept = load();
  if (!kept) return kept.error();
  if (*kept && **kept == identity) return {};
  if (const int error = replace_durably(data_dir_, path_, identity_text(identity)); error != 0) {
    return failure(ExitCode::io, fmt::format("cannot write '{}': {}", path_, std::strerror(error)));
  }
  log.notice("data-dir '{}' {} {}", data_dir_, *kept ? "is now of" : "had no identity and is adopted: it is of",
             described(identity));
  return {};
}

std::string random_cluster_id() { return random_hex(4); }
std::string random_start_id() { return random_hex(2); }

}  // namespace flare
