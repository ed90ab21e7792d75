// A config file. The entries of an accepted one, written back, are read alike.
#include <string>

#include "common/base/config_file.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = flare::parse_config_text(flare::fuzz::bytes_of(data, size));
  if (!entries) {
    flare::fuzz::require(!entries.error().reason.empty());
    return 0;
  }
  std::string text;
  for (const auto& entry : *entries) text += entry.name + " = " + entry.value + '\n';
  const auto again = flare::parse_config_text(text);
  flare::fuzz::require(again && again->size() == entries->size());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    flare::fuzz::require((*again)[i].name == (*entries)[i].name && (*again)[i].value == (*entries)[i].value);
  }
  return 0;
}
