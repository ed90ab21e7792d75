// A PROXY protocol header, in one piece and byte by byte: one verdict, and never more bytes than it has.
#include "common/protocol/proxy_header.h"
#include "fuzz.h"

namespace {

using flare::fuzz::require;

// What a reader comes to that has only one more byte each time.
flare::ProxyHeaderRead read_in_pieces(std::string_view bytes) {
  for (std::size_t have = 0; have < bytes.size(); ++have) {
    const auto read = flare::read_proxy_header(bytes.substr(0, have));
    const auto* wants = std::get_if<flare::ProxyHeaderWants>(&read);
    if (wants == nullptr) return read;
    require(wants->bytes_in_all > have && wants->bytes_in_all <= flare::proxy_header_bytes_max);
  }
  return flare::read_proxy_header(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = flare::fuzz::bytes_of(data, size);
  const auto read = flare::read_proxy_header(bytes);
  const auto in_pieces = read_in_pieces(bytes);
  require(read.index() == in_pieces.index());
  if (const auto* error = std::get_if<flare::ProxyHeaderError>(&read)) {
    require(!flare::to_text(*error).empty());
  }
  if (const auto* header = std::get_if<flare::ProxyHeader>(&read)) {
    require(*header == std::get<flare::ProxyHeader>(in_pieces));
    require(header->bytes >= flare::proxy_header_bytes_min && header->bytes <= bytes.size());
    if (header->peer) require(!flare::to_text(*header->peer).empty());
  }
  return 0;
}
