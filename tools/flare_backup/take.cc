#include "flare_backup/take.h"

#include <fmt/format.h>
#include <unistd.h>

#include "flare_backup/connection.h"
#include "flare_backup/progress.h"
#include "flared/replication/backup.h"
#include "flared/replication/hello.h"
#include "flared/snapshot/snapshot_writer.h"

namespace flare::backup {
namespace {

constexpr std::size_t data_bytes_max = std::size_t{1} << 31;

/// What one message makes of the file.
class Taking {
 public:
  Taking(Connection& connection, snapshot::Writer& writer) : connection_(connection), writer_(writer) {}

  /// Until the source says that all it had written is here.
  Result<void, std::string> run() {
    auto& buffer = connection_.unread();
    while (!level_) {
      std::string_view unread{buffer};
      if (const auto taken = take_messages(unread); !taken) return taken;
      buffer.erase(0, buffer.size() - unread.size());
      progress_.show(records_.loaded(), records_.expected(), writer_.bytes());
      if (level_) break;
      if (const auto told = acknowledge(); !told) return told;
      if (const auto more = connection_.read_more(buffer); !more) return more;
    }
    const auto& position = records_.position();
    return writer_.finish(position.epoch, position.sequence, entries_);
  }

 private:
  Result<void, std::string> take_messages(std::string_view& unread) {
    while (!level_) {
      const auto decoded = decoder_.next(unread);
      if (!decoded) return fmt::format("{}: bad message: {}", connection_.peer(), to_text(decoded.error()));
      if (!*decoded) return {};
      if (const auto taken = take(**decoded); !taken) return taken;
    }
    return {};
  }

  // The rules of a slave decide what may come: count and checksum, and entries without gaps.
  Result<void, std::string> take(const stream::Decoded& decoded) {
    const auto action = records_.on_message(decoded);
    if (const auto* refuse = std::get_if<Backup::Refuse>(&action)) {
      return fmt::format("{}: {}", connection_.peer(), refuse->reason);
    }
    if (std::holds_alternative<stream::Ping>(decoded.message)) return {};
    level_ = std::holds_alternative<Backup::Confirmed>(action);
    if (level_) return {};
    if (std::holds_alternative<Backup::Apply>(action)) ++entries_;
    return writer_.append(decoded.raw);
  }

  Result<void, std::string> acknowledge() {
    if (records_.state() != Backup::State::streaming) return {};
    std::string ack;
    stream::append(ack, records_.ack(records_.position().sequence));
    return connection_.send(ack);
  }

  Connection& connection_;
  snapshot::Writer& writer_;
  stream::Decoder decoder_{data_bytes_max};
  Backup records_{Position{}, Epoch{0}};
  std::uint64_t entries_ = 0;
  bool level_ = false;
  ProgressBar progress_{"backup"};
};

}  // namespace

Result<snapshot::Facts, std::string> take(const TakePlan& plan) {
  auto connection = Connection::open(plan.node, plan.patience);
  if (!connection) return connection.error();
  if (const auto introduced = connection->introduce(); !introduced) return introduced.error();
  const auto request = format_backup({plan.bandwidth_kb_s, fmt::format("flare-backup-{}", ::getpid())});
  if (const auto sent = connection->send(request + "\r\n"); !sent) return sent.error();
  const auto line = connection->read_line();
  if (!line) return line.error();
  const auto head = snapshot::parse_head(*line);
  if (!head) return fmt::format("{}: gives no backup: {}", connection->peer(), *line);
  auto writer = snapshot::Writer::create(plan.file, *head);
  if (!writer) return writer.error();
  if (const auto taken = Taking{*connection, **writer}.run(); !taken) return taken.error();
  return snapshot::verify_file(plan.file, data_bytes_max);
}

}  // namespace flare::backup
