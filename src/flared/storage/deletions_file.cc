#include "flared/storage/deletions_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "flared/storage/file_tools.h"
#include "flared/storage/log_codec.h"

namespace flare {
namespace {

constexpr std::size_t rows_at_once = 1000;  // the table is locked meanwhile

std::filesystem::path path_in(const std::filesystem::path& folder) { return folder / "deletions"; }

void append_row(std::string& bytes, std::string_view key, const Deletions::Deletion& deletion) {
  const LogEntry row{
      .kind = EntryKind::remove, .key = key, .version = deletion.version, .expire_s = deletion.hold_until_s};
  const auto at = bytes.size();
  bytes.resize(at + encoded_bytes(row));
  encode_entry(row, bytes.data() + at);
}

std::string bytes_of(const DeletionsHead& head, const Deletions& deletions) {
  auto bytes = encode_segment_header({.log_id = head.log_id, .first = head.as_of, .epoch = Epoch{0}, .epochs = {}});
  const auto show = [&](std::string_view key, const Deletions::Deletion& row) { append_row(bytes, key, row); };
  const auto end = deletions.last_number();  // not those that come meanwhile: the log has them
  for (std::uint64_t after = 0; after < end;) {
    const auto last = deletions.visit(after, rows_at_once, show);
    if (!last) break;
    after = *last;
  }
  return bytes;
}

}  // namespace

int write_deletions(const std::filesystem::path& folder, const DeletionsHead& head, const Deletions& deletions) {
  const auto path = path_in(folder);
  if (deletions.size() == 0 && head.as_of == Sequence{0}) {
    return ::unlink(path.c_str()) == 0 || errno == ENOENT ? 0 : errno;
  }
  auto beside = path;
  beside += ".tmp";  // removed by the next start
  const FileDescriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  int error = file ? write_at(file.get(), bytes_of(head, deletions), 0) : errno;
  if (error == 0 && ::rename(beside.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(beside.c_str());
  return error;
}

std::optional<DeletionsHead> read_deletions(const std::filesystem::path& folder, Deletions& deletions) {
  const FileDescriptor file{::open(path_in(folder).c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return std::nullopt;
  const MappedFile mapped{file.get(), static_cast<std::uint64_t>(status.st_size)};
  const auto header = decode_segment_header(mapped.bytes());
  if (!header) return std::nullopt;
  for (auto rest = mapped.bytes().substr(header->bytes); !rest.empty();) {
    const auto row = decode_entry(rest);
    if (!row || row->entry.kind != EntryKind::remove) break;
    deletions.remember(row->entry.key, {row->entry.version, row->entry.expire_s});
    rest.remove_prefix(row->bytes);
  }
  return DeletionsHead{header->header.log_id, header->header.first};
}

}  // namespace flare
