#include "flared/snapshot/kch_scan.h"

#include <fmt/format.h>
#include <kcutil.h>

#include <vector>

#include "common/base/limits.h"
#include "flared/storage/bytes.h"

namespace flare::snapshot {
namespace {

// The file as the library writes it (format of HashDB 1.2): a header of 64 bytes, a pool of free blocks, the buckets,
// then records and free blocks, one behind the other, each a multiple of the alignment.
constexpr std::string_view magic = "KC\n";
constexpr std::size_t header_bytes = 64;
constexpr std::size_t free_block_row_bytes = 6;
constexpr unsigned char type_hash = 0x30;
constexpr unsigned char padded_little = 0xcc;
constexpr unsigned char free_block = 0xdd;
constexpr unsigned char padding = 0xee;
constexpr std::uint64_t page_bytes = 4096;  // what a disk gets whole or not at all
constexpr int chain_steps_max = 4096;

unsigned char byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::uint64_t fixed_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

// Takes a number of seven bits a byte from the front; nullopt: it does not end.
std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (int i = 0; i < 10 && !bytes.empty(); ++i) {
    const auto byte = byte_at(bytes, 0);
    bytes.remove_prefix(1);
    number = number << 7 | (byte & 0x7f);
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

struct Layout {
  std::uint64_t align = 1;
  unsigned shift = 0;
  std::size_t width = 6;
  bool linear = true;
  std::uint64_t buckets = 0;
  std::uint64_t buckets_at = 0;
  std::uint64_t records_at = 0;
};

/// A record or a free block at its place.
struct Block {
  std::uint64_t bytes = 0;
  std::uint64_t used_bytes = 0;  // without padding
  bool free = false;
  std::uint64_t left = 0;
  std::uint64_t right = 0;
  std::string_view key;
  std::optional<RecordView> record;
};

class Scan {
 public:
  Scan(std::string_view bytes, const Layout& layout, KchRemains& remains, const VisitRemains& visit)
      : bytes_(bytes), layout_(layout), remains_(remains), visit_(visit) {}

  void run() {
    for (auto at = layout_.records_at; at < bytes_.size();) {
      const auto block = block_at(at);
      if (block && block->free) {
        in_free_block(at + layout_.align, at + block->bytes);
        at += block->bytes;
      } else if (block) {
        show(*block, proof_of(*block, at));
        at += block->bytes;
      } else {
        if (!zeros(at)) remains_.damaged_bytes += std::min<std::uint64_t>(layout_.align, bytes_.size() - at);
        at += layout_.align;
      }
    }
    for (std::uint64_t bucket = 0; bucket < layout_.buckets; ++bucket) follow(bucket_link(bucket), bucket);
  }

 private:
  std::uint64_t bucket_of(std::string_view key) const {
    return kyotocabinet::hashmurmur(key.data(), key.size()) % layout_.buckets;
  }
  std::uint64_t bucket_link(std::uint64_t bucket) const {
    return fixed_number(bytes_.substr(layout_.buckets_at + bucket * layout_.width, layout_.width)) << layout_.shift;
  }

  // Each link leads to a record of its bucket, or one is lost there.
  void follow(std::uint64_t link, std::uint64_t bucket) {
    if (link == 0) return;
    const bool within = link >= layout_.records_at && link < bytes_.size();
    const auto block = within ? block_at(link) : std::nullopt;
    if (!block || block->free || bucket_of(block->key) != bucket) ++remains_.broken_links;
  }

  std::optional<Block> block_at(std::uint64_t at) const {
    auto rest = bytes_.substr(at);
    if (rest.size() < layout_.width + 4) return std::nullopt;
    if (byte_at(rest, 0) == free_block) return free_block_of(rest);
    const auto first = byte_at(rest, 0);
    if (first == 0 || (first >= 0x80 && first != padded_little)) return std::nullopt;
    const std::uint64_t pad = first == padded_little ? byte_at(rest, 1) : fixed_number(rest.substr(0, 2));
    return record_of(rest, pad);
  }

  std::optional<Block> free_block_of(std::string_view rest) const {
    const auto end = 2 + layout_.width;
    if (byte_at(rest, 1) != free_block || byte_at(rest, end) != padding || byte_at(rest, end + 1) != padding) {
      return std::nullopt;
    }
    Block block;
    block.free = true;
    block.bytes = fixed_number(rest.substr(2, layout_.width)) << layout_.shift;
    if (block.bytes == 0 || block.bytes > rest.size()) return std::nullopt;
    return block;
  }

  std::optional<Block> record_of(std::string_view whole, std::uint64_t pad) const {
    auto rest = whole.substr(2);
    Block block;
    block.left = fixed_number(rest.substr(0, layout_.width)) << layout_.shift;
    rest.remove_prefix(layout_.width);
    if (!layout_.linear) {
      if (rest.size() < layout_.width) return std::nullopt;
      block.right = fixed_number(rest.substr(0, layout_.width)) << layout_.shift;
      rest.remove_prefix(layout_.width);
    }
    const auto key_bytes = take_number(rest);
    const auto value_bytes = key_bytes ? take_number(rest) : std::nullopt;
    if (!value_bytes || *key_bytes > limits::key_bytes_max || *value_bytes > rest.size() ||
        *key_bytes + *value_bytes + pad > rest.size()) {
      return std::nullopt;
    }
    block.key = rest.substr(0, *key_bytes);
    block.record = decode_record(rest.substr(*key_bytes, *value_bytes));
    rest.remove_prefix(*key_bytes + *value_bytes);
    block.used_bytes = whole.size() - rest.size();
    block.bytes = block.used_bytes + pad;
    const bool padded = pad == 0 || byte_at(rest, 0) == padding;
    if (!block.record || !padded || block.bytes % layout_.align != 0) return std::nullopt;
    return block;
  }

  Proof proof_of(const Block& block, std::uint64_t at) const {
    if (!reached(at, block.key)) return Proof::loose;
    const auto last = at + block.used_bytes - 1;
    return at / page_bytes == last / page_bytes ? Proof::reached : Proof::spread;
  }

  // Whether the key's bucket leads to `place`, by either of the two ways on from each record.
  bool reached(std::uint64_t place, std::string_view key) const {
    std::vector<std::uint64_t> open{bucket_link(bucket_of(key))};
    for (int steps = 0; !open.empty() && steps < chain_steps_max; ++steps) {
      const auto at = open.back();
      open.pop_back();
      if (at == place) return true;
      if (at < layout_.records_at || at >= bytes_.size()) continue;
      const auto block = block_at(at);
      if (!block || block->free) continue;
      open.push_back(block->left);
      if (!layout_.linear) open.push_back(block->right);
    }
    return false;
  }

  // The mark of a free block may be older than records that were put into it since; what was removed lies there too,
  // but no chain leads to that.
  void in_free_block(std::uint64_t at, std::uint64_t end) {
    while (at < end) {
      const auto block = block_at(at);
      if (block && !block->free && reached(at, block->key)) {
        show(*block, proof_of(*block, at));
        at += block->bytes;
      } else {
        at += layout_.align;
      }
    }
  }

  bool zeros(std::uint64_t at) const {
    return bytes_.substr(at, layout_.align).find_first_not_of('\0') == std::string_view::npos;
  }

  void show(const Block& block, Proof proof) {
    ++(proof == Proof::loose ? remains_.loose : remains_.reached);
    follow(block.left, bucket_of(block.key));
    follow(block.right, bucket_of(block.key));
    visit_(block.key, *block.record, proof);
  }

  const std::string_view bytes_;
  const Layout& layout_;
  KchRemains& remains_;
  const VisitRemains& visit_;
};

Result<Layout, std::string> layout_of(std::string_view bytes) {
  if (bytes.size() < header_bytes || !bytes.starts_with(magic)) return std::string{"has no header of a hash store"};
  const auto align_power = byte_at(bytes, 9);
  const auto free_power = byte_at(bytes, 10);
  const auto options = byte_at(bytes, 11);
  if (byte_at(bytes, 8) != type_hash || align_power > 15 || free_power > 20) {
    return std::string{"has a damaged header"};
  }
  if ((options & 4) != 0) return std::string{"is compressed: its records cannot be told one by one"};
  Layout layout;
  layout.shift = align_power;
  layout.align = std::uint64_t{1} << align_power;
  layout.width = (options & 1) != 0 ? 4 : 6;
  layout.linear = (options & 2) != 0;
  layout.buckets = fixed_number(bytes.substr(16, 8));
  const auto rows = free_power > 0 ? std::uint64_t{1} << free_power : 0;
  layout.buckets_at = header_bytes + free_block_row_bytes * rows + (rows > 0 ? 2 * layout.width + 2 : 0);
  if (layout.buckets == 0 ||
      layout.buckets > (bytes.size() - std::min(bytes.size(), layout.buckets_at)) / layout.width) {
    return std::string{"has a damaged header"};
  }
  layout.records_at = layout.buckets_at + layout.buckets * layout.width;
  if (const auto surplus = layout.records_at % layout.align) layout.records_at += layout.align - surplus;
  return layout;
}

}  // namespace

Result<KchRemains, std::string> read_kch_header(std::string_view bytes) {
  const auto layout = layout_of(bytes);
  if (!layout) return layout.error();
  KchRemains remains;
  remains.count = fixed_number(bytes.substr(32, 8));
  remains.log_id = LogId{get_number<std::uint64_t>(bytes.data() + 48)};
  remains.sequence = Sequence{get_number<std::uint64_t>(bytes.data() + 56)};
  return remains;
}

Result<KchRemains, std::string> scan_kch(std::string_view bytes, const VisitRemains& visit) {
  const auto layout = layout_of(bytes);
  if (!layout) return layout.error();
  auto remains = *read_kch_header(bytes);
  Scan{bytes, *layout, remains, visit}.run();
  return remains;
}

}  // namespace flare::snapshot
