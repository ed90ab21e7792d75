#include "common/base/printable.h"

#include <fmt/format.h>

namespace flare {

std::string printable(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view cut_mark = "...";
  std::string out;
  out.reserve(text.size() < bytes_max ? text.size() : bytes_max);
  std::size_t last_fit = 0;  // where to cut if the whole does not fit
  for (const char byte : text) {
    const auto number = static_cast<unsigned char>(byte);
    if (number < 0x20 || number == 0x7f) {
      out += fmt::format("\\x{:02x}", number);
    } else {
      out += byte;
    }
    if (out.size() > bytes_max) {
      out.resize(last_fit);
      return out.append(cut_mark);
    }
    if (out.size() + cut_mark.size() <= bytes_max) last_fit = out.size();
  }
  return out;
}

}  // namespace flare
