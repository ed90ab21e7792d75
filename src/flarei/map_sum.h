#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// The checksum of flare.xml: the word `sum=<eight hex digits>`, last in its comment line, over all bytes before it. A
/// flipped digit is a map as good as any to an XML reader. An original drops the line, so a file without the word is
/// not checked; and an operator who edits the file takes the word out. Pure.
namespace flare {

enum class MapSum : std::uint8_t { none, right, wrong };

/// `xml` ends with a comment line (index_facts.h).
std::string with_sum(std::string xml);
MapSum look_at_sum(std::string_view xml);

}  // namespace flare
