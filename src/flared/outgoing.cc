#include "flared/outgoing.h"

#include <algorithm>

#include "common/protocol/forward_item.h"
#include "common/protocol/forward_request.h"
#include "common/protocol/reply_writer.h"
#include "common/protocol/words.h"
#include "flared/item_operations.h"

namespace flare {

namespace {

// Of a get, gat or gats: no value is left out for an error. Behind data stands a line end, so the last line is a line.
bool is_whole(std::string_view answer) {
  return answer == reply::end || answer == reply::not_found || answer.ends_with("\r\nEND\r\n");
}

// The other node has the key and cannot read it (daemons.md 3.5): such an answer is told as it is, unlike that of a
// node that has no answer (cluster.md 9.11), for no client may take it for a miss.
bool tells_damage(std::string_view answer) {
  return answer == reply::io_error || (answer.ends_with(reply::io_error) && answer.starts_with("VALUE ") &&
                                       answer.substr(0, answer.size() - reply::io_error.size()).ends_with("\r\n"));
}

void fail_key(const AnswerPlace& place, std::string_view answer) {
  tells_damage(answer) ? place.fail_damaged(reply::io_error) : place.fail_read(reply::proxy_error);
}

// Of gats, whose END is for the client's last key only.
void deliver_value(const AnswerPlace& place, std::string_view answer) {
  const auto value = first_value(answer);
  if (value.empty() && !is_whole(answer)) return fail_key(place, answer);
  place.fill(value);
}

}  // namespace

std::string_view first_value(std::string_view answer) {
  const auto end = answer.find("\r\n");
  if (end == std::string_view::npos) return {};
  const auto line = parse_value_line(answer.substr(0, end));
  return line ? answer.substr(0, end + 2 + line->data_bytes + 2) : std::string_view{};
}

bool Outgoing::may_repeat() const {
  return is_read || (write.item() != nullptr && !changes_entry(write.item()->request()));
}

bool Outgoing::append_to(OutputBuffer& out, std::string_view own_name, PeerKind kind) {
  if (is_read) {
    out.append(with_version ? "gets" : "get");
    out.append(keys);
    out.append("\r\n");
    shape = AnswerShape::values_until_end;
    return true;
  }
  if (write.item()) return append_item(out, own_name, kind);
  const auto request = write.request();
  shape = answer_shape(request);
  append_forwarded_write(out, request, own_name, taken_s);
  write.drop_data();
  return true;
}

bool Outgoing::append_item(OutputBuffer& out, std::string_view own_name, PeerKind kind) {
  auto& item = *write.item();
  if (kind != PeerKind::original) {
    shape = AnswerShape::item;
    append_forwarded_item(out, item.request(), item.prefix(), own_name, taken_s);
    item.sent_as(ForwardedItem::Wire::meta);
    return true;
  }
  auto classic = classic_form(item.request());
  if (!classic) return false;
  classic->prefix = item.prefix();
  shape = answer_shape(*classic);
  if (classic->command == Command::gets) {
    append_forwarded_read(out, true, std::span{&classic->key, 1});
  } else {
    append_forwarded_write(out, *classic, own_name, taken_s);
  }
  item.sent_as(ForwardedItem::Wire::classic);
  return true;
}

void Outgoing::deliver(std::string_view answer, std::span<const ValuePlace> values) const {
  if (is_read) return deliver_read(answer, values);
  const auto& place = places.front();
  switch (shown) {
    case Shown::all:
      return place.fill(answer);
    case Shown::value:
      return deliver_value(place, answer);
    case Shown::nothing:
      return place.fill({});
  }
}

// The values come in the order of the keys; a key without one is a miss, or an error of the other side.
void Outgoing::deliver_read(std::string_view answer, std::span<const ValuePlace> values) const {
  Words words{keys};
  const bool whole = is_whole(answer);
  auto value = values.begin();
  for (const auto& place : places) {
    const auto key = words.next();
    const bool hit = value != values.end() && value->key_in(answer) == key;
    hit || whole ? place.fill(hit ? value->whole_in(answer) : std::string_view{}) : fail_key(place, answer);
    if (hit) ++value;
  }
}

void Outgoing::fail(std::string_view answer) const {
  for (const auto& place : places) {
    switch (shown) {
      case Shown::all:
        is_read ? place.fail_read(answer) : place.fill(answer);
        break;
      case Shown::value:
        place.fail_read(answer);
        break;
      case Shown::nothing:
        place.fill({});
        break;
    }
  }
}

bool Outgoing::asked_by_nobody() const {
  return std::all_of(places.begin(), places.end(), [](const auto& place) { return place.answers->asker_left(); });
}

void Outgoing::clear() {
  is_read = waits = with_version = false;
  shown = Shown::all;
  shape = AnswerShape::line;
  tries = 0;
  taken_s = 0;
  write.clear();
  keys.clear();
  places.clear();
}

}  // namespace flare
