// Item requests for an original daemon, in the words that it knows (docs/spec/protocol.md 2).
#include "common/protocol/answer_reader.h"
#include "common/protocol/forward_item.h"
#include "common/protocol/item_answer_line.h"
#include "common/protocol/words.h"

namespace flare {
namespace {

// Whether a meta client asked for what `letter` tells. A binary client takes what there is: 0 where it is not known.
bool asks(const ItemRequest& request, char letter) {
  Words words{request.meta_words};
  for (auto word = words.next(); !word.empty(); word = words.next()) {
    if (word.front() == letter) return true;
  }
  return false;
}

// An original's gets tells everything but the time that is left; its gat no version; its touch nothing.
std::optional<Command> classic_get(const ItemRequest& request) {
  if (request.vivify_exptime || request.recache_s || asks(request, 't')) return std::nullopt;
  if (!request.exptime) return Command::gets;
  if (asks(request, 'c')) return std::nullopt;
  if (request.wants_value) return Command::gat;
  if (asks(request, 's') || asks(request, 'f')) return std::nullopt;
  return Command::touch;
}

// As memcached and our store have it: a version to compare makes set and replace a cas, and means nothing to add.
std::optional<Command> classic_store(const ItemRequest& request) {
  if (request.invalidate || asks(request, 'c')) return std::nullopt;
  switch (request.mode) {
    case StoreMode::set:
      return request.compare ? Command::cas : Command::set;
    case StoreMode::replace:
      return request.compare ? Command::cas : Command::replace;
    case StoreMode::add:
      return Command::add;
    case StoreMode::append:
      return request.compare ? std::nullopt : std::optional{Command::append};
    case StoreMode::prepend:
      return request.compare ? std::nullopt : std::optional{Command::prepend};
  }
  return std::nullopt;
}

// An original's delete with a version removes older ones too: that is no compare.
std::optional<Command> classic_remove(const ItemRequest& request) {
  return request.compare || request.invalidate ? std::nullopt : std::optional{Command::remove};
}

std::optional<Command> classic_arithmetic(const ItemRequest& request) {
  if (request.vivify_exptime || request.compare || request.exptime) return std::nullopt;
  if (asks(request, 't') || asks(request, 'c')) return std::nullopt;
  return request.decrement ? Command::decr : Command::incr;
}

std::optional<Command> classic_command(const ItemRequest& request) {
  switch (request.verb) {
    case ItemVerb::get:
      return classic_get(request);
    case ItemVerb::store:
      return classic_store(request);
    case ItemVerb::remove:
      return classic_remove(request);
    case ItemVerb::arithmetic:
      return classic_arithmetic(request);
    case ItemVerb::debug:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<ItemStatus> status_of_classic(std::string_view line) {
  if (line == "STORED" || line == "DELETED" || line == "TOUCHED") return ItemStatus::done;
  if (line == "END" || line == "NOT_FOUND") return ItemStatus::missing;
  if (line == "NOT_STORED") return ItemStatus::not_stored;
  if (line == "EXISTS") return ItemStatus::exists;
  return std::nullopt;
}

ItemResult parse_classic_value(const ItemRequest& request, const ItemAnswerLine& answer) {
  const auto value = parse_value_line(answer.line);
  if (!value || answer.rest.size() < value->data_bytes) return not_understood();
  auto result = with_status(ItemStatus::done);
  result.version = value->version;
  result.flags = value->flags;
  result.data_bytes = value->data_bytes;
  if (request.wants_value) result.data = answer.rest.substr(0, value->data_bytes);
  return result;
}

}  // namespace

std::optional<Request> classic_form(const ItemRequest& request) {
  const auto command = classic_command(request);
  if (!command) return std::nullopt;
  Request classic;
  classic.command = *command;
  classic.key = request.key;
  if (*command == Command::gets) classic.rest = request.key;
  classic.data = request.data;
  classic.flags = request.flags;
  classic.exptime = request.exptime.value_or(0);
  if (*command == Command::cas) classic.version = *request.compare;
  if (request.verb == ItemVerb::arithmetic) classic.delta = request.delta;
  return classic;
}

ItemResult parse_classic_answer(const ItemRequest& request, std::string_view answer) {
  // cluster.md 5.1: of a read, nothing at all is a miss.
  if (answer.empty() && request.verb == ItemVerb::get) return with_status(ItemStatus::missing);
  const auto split = split_item_answer(answer);
  if (!split) return not_understood();
  if (const auto error = parse_error_line(*split)) return *error;
  if (split->line.starts_with("VALUE ")) return parse_classic_value(request, *split);
  if (const auto status = status_of_classic(split->line)) return with_status(*status);
  auto result = with_status(ItemStatus::done);
  const bool is_number = request.verb == ItemVerb::arithmetic && take_number(split->line, result.number);
  return is_number ? result : not_understood();
}

}  // namespace flare
