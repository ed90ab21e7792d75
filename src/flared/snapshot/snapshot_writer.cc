#include "flared/snapshot/snapshot_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace flare::snapshot {
namespace {

constexpr std::size_t buffer_bytes = 1024 * 1024;

}  // namespace

Result<std::unique_ptr<Writer>, std::string> Writer::create(std::filesystem::path path, const Head& head) {
  auto beside = path;
  beside += ".part";
  FileDescriptor file{::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file) return fmt::format("{}: cannot be created: {}", beside.string(), error_text(errno));
  std::unique_ptr<Writer> writer{new Writer{std::move(path), std::move(beside), std::move(file)}};
  if (const auto begun = writer->append(format_head(head)); !begun) return begun.error();
  return writer;
}

Writer::Writer(std::filesystem::path path, std::filesystem::path beside, FileDescriptor file)
    : path_(std::move(path)), beside_(std::move(beside)), file_(std::move(file)) {}

Writer::~Writer() {
  if (!finished_) ::unlink(beside_.c_str());
}

std::string Writer::failure(int error) const {
  return fmt::format("{}: cannot be written: {}", beside_.string(), error_text(error));
}

Result<void, std::string> Writer::append(std::string_view bytes) {
  checksum_.add(bytes);
  buffer_.append(bytes);
  if (buffer_.size() < buffer_bytes) return {};
  return write_buffered();
}

Result<void, std::string> Writer::write_buffered() {
  if (const int error = write_at(file_.get(), buffer_, written_)) return failure(error);
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<void, std::string> Writer::finish(Epoch epoch, Sequence sequence, std::uint64_t entries) {
  buffer_ += format_end({epoch, sequence, entries, checksum_.value()});
  if (const auto written = write_buffered(); !written) return written.error();
  if (::fsync(file_.get()) != 0 || ::rename(beside_.c_str(), path_.c_str()) != 0) return failure(errno);
  finished_ = true;
  const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path{"."};
  if (const int error = sync_folder(folder)) return failure(error);
  return {};
}

}  // namespace flare::snapshot
