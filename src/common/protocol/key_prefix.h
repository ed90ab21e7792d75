#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/protocol/request.h"
#include "common/protocol/words.h"

/// What a door with a key-prefix does to requests (docs/security.md, tenants by key prefix): their keys get the prefix
/// in front. In answers it is left out again: ItemRequest::shown_key, ValueWriter, AnswerPlace. Pure.
namespace flare {

/// Where a request has its keys.
enum class KeysAt : std::uint8_t {
  nowhere,
  key,    // Request::key
  words,  // of Request::rest: KeyWords reads them
  item,   // Request::item
};
KeysAt keys_at(const Request& request);

/// Puts the prefix in front of the keys of one request after the other. The memory is used again: what a request got
/// is good until the next one. Nothing is allocated once a longest key has been seen.
class KeyPrefixer {
 public:
  /// `request` and, behind `item`, a copy of its own; of a request whose keys are words none is changed here.
  void apply(std::string_view prefix, Request& request);
  /// Good until the next key.
  std::string_view with_prefix(std::string_view prefix, std::string_view key) {
    key_.assign(prefix).append(key);
    return key_;
  }

 private:
  std::string key_;
  ItemRequest item_;
};

/// The keys of a request whose keys are words, as the store knows them; `prefixer` null: as they are.
class KeyWords {
 public:
  KeyWords(std::string_view words, KeyPrefixer* prefixer, std::string_view prefix)
      : words_(words), prefixer_(prefixer), prefix_(prefix) {}

  /// Good until the next one; empty at the end.
  std::string_view next() {
    const auto word = words_.next();
    return prefixer_ == nullptr || word.empty() ? word : prefixer_->with_prefix(prefix_, word);
  }

 private:
  Words words_;
  KeyPrefixer* prefixer_;
  std::string_view prefix_;
};

}  // namespace flare
