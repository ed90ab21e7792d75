#include "flared/replication/cluster_position.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/protocol/words.h"
#include "flared/storage/file_tools.h"

namespace flare {

namespace {

constexpr std::string_view first_word = "FLARE-CLUSTER-REPLICATION";
constexpr std::string_view format_number = "1";

std::optional<std::uint64_t> hex_number(std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, 16);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string to_line(const ClusterPosition& position) {
  const auto& [log_id, epoch, sequence] = position.position;
  return fmt::format("{} {} {} {:016x} {} {}\n", first_word, format_number, position.target, raw(log_id), raw(epoch),
                     raw(sequence));
}

std::optional<ClusterPosition> parse_cluster_position(std::string_view line) {
  if (!line.ends_with('\n')) return std::nullopt;
  Words words{line.substr(0, line.size() - 1)};
  if (words.next() != first_word || words.next() != format_number) return std::nullopt;
  ClusterPosition position;
  position.target = words.next();
  const auto log_id = hex_number(words.next());
  const auto epoch = words.next_number<std::uint64_t>();
  const auto sequence = words.next_number<std::uint64_t>();
  if (position.target.empty() || !log_id || !epoch || !sequence || !words.done()) return std::nullopt;
  position.position = {LogId{*log_id}, Epoch{*epoch}, Sequence{*sequence}};
  return position;
}

bool is_in_history(const Position& kept, const Position& last, const EpochTable& epochs) {
  if (kept.log_id != last.log_id || kept.sequence > last.sequence) return false;
  if (kept.sequence == last.sequence) return kept.epoch == last.epoch;
  const auto found =
      std::find_if(epochs.begin(), epochs.end(), [&](const EpochEnd& one) { return kept.sequence <= one.last; });
  return found != epochs.end() && found->epoch == kept.epoch;
}

std::optional<ClusterPosition> ClusterPositionFile::read() const {
  const auto content = read_small_file(path_);
  return content ? parse_cluster_position(*content) : std::nullopt;
}

Result<void, std::string> ClusterPositionFile::write(const ClusterPosition& position) const {
  if (const auto error = replace_file(path_, to_line(position)); error != 0) {
    return fmt::format("{} cannot be written: {}; a restart will send again what is behind its position",
                       path_.string(), error_text(error));
  }
  return {};
}

}  // namespace flare
