#pragma once

#include <string>

#include "common/protocol/item_request.h"

/// An item request or result as a short line that tables of tests can name.
namespace flare::test {

inline std::string verb_text(ItemVerb verb) {
  switch (verb) {
    case ItemVerb::get:
      return "get";
    case ItemVerb::store:
      return "store";
    case ItemVerb::remove:
      return "remove";
    case ItemVerb::arithmetic:
      return "arithmetic";
    case ItemVerb::debug:
      return "debug";
  }
  return "?";
}

inline std::string mode_text(StoreMode mode) {
  switch (mode) {
    case StoreMode::set:
      return {};
    case StoreMode::add:
      return " add";
    case StoreMode::append:
      return " append";
    case StoreMode::prepend:
      return " prepend";
    case StoreMode::replace:
      return " replace";
  }
  return "?";
}

inline std::string status_text(ItemStatus status) {
  switch (status) {
    case ItemStatus::done:
      return "done";
    case ItemStatus::missing:
      return "missing";
    case ItemStatus::not_stored:
      return "not_stored";
    case ItemStatus::exists:
      return "exists";
    case ItemStatus::non_numeric:
      return "non_numeric";
    case ItemStatus::too_large:
      return "too_large";
    case ItemStatus::failed:
      return "failed";
  }
  return "?";
}

/// What is to be done: all fields that are not at their default, but for how it is answered.
inline std::string action_text(const ItemRequest& item) {
  std::string text = verb_text(item.verb) + mode_text(item.mode) + ' ' + std::string{item.key};
  const auto add = [&text](const std::string& name, const auto& number) {
    text += ' ' + name + '=' + std::to_string(number);
  };
  if (item.verb == ItemVerb::store) text += " \"" + std::string{item.data} + '"';
  if (item.flags != 0) add("flags", item.flags);
  if (item.exptime) add("exptime", *item.exptime);
  if (item.compare) add("compare", *item.compare);
  if (item.invalidate) text += " invalidate";
  if (item.decrement) text += " decrement";
  if (item.delta != 1) add("delta", item.delta);
  if (item.vivify_exptime) add("vivify", *item.vivify_exptime);
  if (item.initial != 0) add("initial", item.initial);
  if (item.recache_s) add("recache", *item.recache_s);
  if (item.wants_value) text += " value";
  if (item.sees_marks) text += " marks";
  return text;
}

inline std::string text_of(const ItemRequest& item) {
  std::string text = action_text(item);
  if (item.quiet) text += " quiet";
  if (item.key_as_sent != item.key) text += " as_sent=" + std::string{item.key_as_sent};
  if (!item.meta_words.empty()) text += " | " + std::string{item.meta_words};
  return text;
}

inline std::string text_of(const ItemResult& result) {
  std::string text = status_text(result.status);
  const auto add = [&text](const std::string& name, const auto& number) {
    if (number != 0) text += ' ' + name + '=' + std::to_string(number);
  };
  add("version", result.version);
  add("flags", result.flags);
  add("expire", result.expire_s);
  add("bytes", result.data_bytes);
  if (!result.data.empty()) text += " \"" + std::string{result.data} + '"';
  add("number", result.number);
  if (result.won) text += " won";
  if (result.stale) text += " stale";
  if (result.token_sent) text += " token_sent";
  if (!result.error.empty()) text += ' ' + std::string{result.error};
  return text;
}

}  // namespace flare::test
