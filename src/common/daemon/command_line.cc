#include "common/daemon/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <istream>
#include <iterator>
#include <optional>
#include <sstream>

#include "common/base/config_file.h"
#include "common/base/printable.h"

namespace flare {
namespace {

constexpr std::string_view version_text = "flare 2.0.0";

StartFailure usage_failure(std::string_view program, std::string_view text) {
  return StartFailure{ExitCode::usage, fmt::format("{0}: {1}\n{0}: try '{0} --help'", program, text)};
}

const OptionName* find_exactly(const std::vector<OptionName>& names, std::string_view name) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const OptionName& row) { return row.name == name; });
  return found == names.end() ? nullptr : &*found;
}

// `door.web.port` of the row `door.NAME.port`: NAME stands for one word without a dot.
bool is_instance(std::string_view word, const OptionName& row) {
  constexpr std::string_view place = ".NAME.";
  const auto at = row.name.find(place);
  if (at == std::string::npos) return false;
  const auto before = std::string_view(row.name).substr(0, at + 1);
  const auto behind = std::string_view(row.name).substr(at + place.size() - 1);
  if (word.size() <= before.size() + behind.size() || !word.starts_with(before) || !word.ends_with(behind))
    return false;
  return word.substr(before.size(), word.size() - before.size() - behind.size()).find('.') == std::string_view::npos;
}

Result<const OptionName*, StartFailure> find_by_prefix(std::string_view program, const std::vector<OptionName>& names,
                                                       std::string_view prefix) {
  if (const auto* exact = find_exactly(names, prefix)) return exact;
  std::vector<const OptionName*> candidates;
  for (const auto& row : names) {
    if (!prefix.empty() && row.name.starts_with(prefix)) candidates.push_back(&row);
  }
  if (candidates.size() == 1) return candidates.front();
  const auto word = printable(prefix);
  if (candidates.empty()) return usage_failure(program, fmt::format("option '--{}': unknown", word));
  std::string listed;
  for (const auto* row : candidates) listed += (listed.empty() ? "--" : ", --") + row->name;
  return usage_failure(program, fmt::format("option '--{}': ambiguous, one of {}", word, listed));
}

/// Walks over the words as the original's parser did; CLI11 then takes them one by one without guessing.
class WordExpander {
 public:
  WordExpander(std::string_view program, const std::vector<OptionName>& names, const std::vector<std::string>& words)
      : program_(program), names_(names), words_(words) {}

  Result<std::vector<std::string>, StartFailure> expand() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      std::optional<StartFailure> failure;
      if (word.starts_with("--") && word.size() > 2) {
        failure = expand_long(std::string_view(word).substr(2));
      } else if (word.starts_with("-") && word.size() > 1 && word != "--") {
        failure = expand_short(std::string_view(word).substr(1));
      } else {
        failure = usage_failure(program_, fmt::format("unexpected word '{}'", printable(word)));
      }
      if (failure) return *failure;
    }
    return out_;
  }

 private:
  std::optional<StartFailure> expand_long(std::string_view text) {
    const auto equals = text.find('=');
    const auto row = find_by_prefix(program_, names_, text.substr(0, equals));
    if (!row) return row.error();
    std::optional<std::string> value;
    if (equals != std::string_view::npos) value = text.substr(equals + 1);
    return append(**row, std::move(value));
  }

  // `-f path`, `-fpath`, `-sv`.
  std::optional<StartFailure> expand_short(std::string_view letters) {
    while (!letters.empty()) {
      const auto row = std::find_if(names_.begin(), names_.end(), [&](const OptionName& candidate) {
        return candidate.short_name == letters.substr(0, 1);
      });
      if (row == names_.end()) {
        return usage_failure(program_, fmt::format("option '-{}': unknown", printable(letters.substr(0, 1))));
      }
      letters.remove_prefix(1);
      if (row->kind == OptionKind::flag) {
        if (auto failure = append(*row, std::nullopt)) return failure;
        continue;
      }
      std::optional<std::string> value;
      if (!letters.empty()) value = letters;
      return append(*row, std::move(value));
    }
    return std::nullopt;
  }

  std::optional<StartFailure> append(const OptionName& row, std::optional<std::string> value) {
    if (row.kind == OptionKind::flag) {
      out_.push_back(value ? fmt::format("--{}={}", row.name, value->empty() ? "true" : *value) : "--" + row.name);
      return std::nullopt;
    }
    const bool own_word = !value;
    if (own_word && next_ < words_.size()) value = words_[next_++];
    if (!value) return usage_failure(program_, fmt::format("option '{}': its value is missing", row.name));
    if (own_word && value->starts_with("-")) {
      return usage_failure(program_, fmt::format("option '{0}': value '{1}' begins with '-': write --{0}={1}", row.name,
                                                 printable(*value)));
    }
    out_.push_back("--" + row.name);
    out_.push_back(std::move(*value));
    return std::nullopt;
  }

  std::string_view program_;
  const std::vector<OptionName>& names_;
  const std::vector<std::string>& words_;
  std::size_t next_ = 0;
  std::vector<std::string> out_;
};

/// Thrown through CLI11 by the reader below, since CLI11 has no other way out of a file.
struct FileRefused {
  ConfigError error;
};

/// CLI11's way to read a file, in the original's grammar. CLI11 itself forgets line numbers: they stay here.
class ConfigReader final : public CLI::Config {
 public:
  explicit ConfigReader(const std::vector<OptionName>& names) : names_(names) {}

  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    const std::string text{std::istreambuf_iterator<char>(input), {}};
    const auto entries = parse_config_text(text);
    if (!entries) throw FileRefused{entries.error()};
    std::vector<CLI::ConfigItem> read;
    for (const auto& entry : *entries) {
      check_name(entry);
      CLI::ConfigItem item;
      item.name = entry.name;
      item.inputs = {entry.value};
      read.push_back(std::move(item));
    }
    entries_ = *entries;
    return read;
  }

  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

  const std::vector<ConfigEntry>& entries() const { return entries_; }

 private:
  void check_name(const ConfigEntry& entry) const {
    const auto* row = find_exactly(names_, entry.name);
    if (row && row->place == OptionPlace::both) return;
    const auto* reason = row ? "is for the command line only" : "unknown";
    throw FileRefused{{entry.line, fmt::format("option '{}': {}", printable(entry.name), reason)}};
  }

  const std::vector<OptionName>& names_;
  mutable std::vector<ConfigEntry> entries_;  // CLI11 reads through a const method
};

void add_options(CLI::App& app, const std::vector<OptionName>& names, OptionPlace place) {
  for (const auto& row : names) {
    if (place == OptionPlace::both && row.place == OptionPlace::command_line) continue;
    const auto spelled = (row.short_name.empty() ? "" : "-" + row.short_name + ",") + "--" + row.name;
    auto* option = row.kind == OptionKind::flag ? app.add_flag(spelled) : app.add_option(spelled);
    option->description(row.help);
    option->group(row.place == OptionPlace::command_line ? "Only on the command line" : "Command line or config file");
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);  // so that we can name the one given twice
    if (row.kind != OptionKind::flag)
      option->option_text(row.shown_default.empty() ? "" : "[" + row.shown_default + "]");
  }
}

std::vector<GivenOption> given_options(const CLI::App& app, const std::vector<OptionName>& names) {
  std::vector<GivenOption> given;
  for (const auto& row : names) {
    const auto* option = app.get_option_no_throw("--" + row.name);
    if (!option) continue;
    for (const auto& value : option->results()) given.push_back({row.name, value, 0});
  }
  return given;
}

bool is_given(const std::vector<GivenOption>& given, std::string_view name) {
  return std::any_of(given.begin(), given.end(), [&](const GivenOption& option) { return option.name == name; });
}

std::string help_text(const CLI::App& app) {
  auto text = app.help();
  text.erase(text.find_last_not_of('\n') + 1);
  return text;
}

Result<std::vector<GivenOption>, StartFailure> parse_words(CLI::App& app, std::string_view program,
                                                           const std::vector<OptionName>& names,
                                                           std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app.parse(std::move(words));
  } catch (const CLI::Error& error) {
    return usage_failure(program, error.what());
  }
  auto given = given_options(app, names);
  if (is_given(given, "help")) return StartFailure{ExitCode::ok, help_text(app)};
  if (is_given(given, "version")) return StartFailure{ExitCode::ok, std::string(version_text)};
  for (std::size_t i = 1; i < given.size(); ++i) {
    if (given[i].name == given[i - 1].name) {
      return usage_failure(program, fmt::format("option '{}': given twice", given[i].name));
    }
  }
  return given;
}

Result<std::vector<GivenOption>, StartFailure> parse_file(std::string_view program,
                                                          const std::vector<OptionName>& fixed_names,
                                                          const std::string& path) {
  const auto failure = [&](const ConfigError& error) {
    const auto place = error.line == 0 ? path : fmt::format("{}:{}", path, error.line);
    return StartFailure{ExitCode::configuration, fmt::format("{}: {}: {}", program, place, error.reason)};
  };
  const auto text = read_config_file(path);
  if (!text) return failure({0, "config file: " + text.error().reason});
  std::vector<std::string> written;
  if (const auto entries = parse_config_text(*text)) {
    for (const auto& entry : *entries) written.push_back(entry.name);
  }
  const auto names = with_instances(fixed_names, written);
  CLI::App app;
  app.set_help_flag();
  add_options(app, names, OptionPlace::both);
  const auto reader = std::make_shared<ConfigReader>(names);
  app.config_formatter(reader);
  std::istringstream stream(*text);
  try {
    app.parse_from_stream(stream);
  } catch (const FileRefused& refused) {
    return failure(refused.error);
  } catch (const CLI::Error& error) {
    return failure({0, error.what()});
  }
  std::vector<GivenOption> given;  // with its lines; CLI11 also reads more into some values
  for (const auto& entry : reader->entries()) given.push_back({entry.name, entry.value, entry.line});
  return given;
}

}  // namespace

Result<std::vector<std::string>, StartFailure> expand_prefixes(std::string_view program,
                                                               const std::vector<OptionName>& names,
                                                               const std::vector<std::string>& words) {
  return WordExpander(program, names, words).expand();
}

std::vector<OptionName> with_instances(std::vector<OptionName> names, const std::vector<std::string>& given) {
  const auto fixed = names;
  for (std::string_view word : given) {
    if (word.starts_with("--")) word.remove_prefix(2);
    word = word.substr(0, word.find('='));
    if (find_exactly(names, word)) continue;
    const auto row = std::find_if(fixed.begin(), fixed.end(), [&](const auto& one) { return is_instance(word, one); });
    if (row == fixed.end()) continue;
    names.push_back(*row);
    names.back().name = word;
  }
  return names;
}

Result<GivenOptions, StartFailure> read_options(std::string_view program, const std::vector<OptionName>& fixed_names,
                                                const std::vector<std::string>& words) {
  const auto names = with_instances(fixed_names, words);
  auto expanded = expand_prefixes(program, names, words);
  if (!expanded) return expanded.error();
  CLI::App app("", std::string(program));
  app.set_help_flag();  // help is an option as the others: it wins over all other errors but those of the words
  add_options(app, names, OptionPlace::command_line);
  auto given = parse_words(app, program, names, std::move(*expanded));
  if (!given) return given.error();

  GivenOptions options;
  options.command_line = std::move(*given);
  for (const auto& option : options.command_line) {
    if (option.name == "config") options.config_path = option.value;
  }
  if (!is_given(options.command_line, "config")) return options;
  auto file = parse_file(program, names, options.config_path);
  if (!file) return file.error();
  options.file = std::move(*file);
  return options;
}

std::string option_message(std::string_view program, std::string_view config_path, const GivenOption& given,
                           std::string_view reason) {
  const auto place = given.line == 0 ? std::string("command line") : fmt::format("{}:{}", config_path, given.line);
  return fmt::format("{}: {}: option '{}': value '{}': {}", program, place, given.name, printable(given.value), reason);
}

}  // namespace flare
