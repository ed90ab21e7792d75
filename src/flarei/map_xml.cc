#include "flarei/map_xml.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <optional>
#include <pugixml.hpp>
#include <set>

#include "common/base/limits.h"

namespace flare {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    switch (byte) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        out += byte;
    }
  }
  return out;
}

// Only the first item and its `second` carry the archive's class attributes.
void append_item(std::string& out, const NodeKey& key, const Node& node, bool first) {
  fmt::format_to(std::back_inserter(out),
                 "\t<item{}>\n"
                 "\t\t<first>{}</first>\n"
                 "\t\t<second{}>\n"
                 "\t\t\t<node_server_name>{}</node_server_name>\n"
                 "\t\t\t<node_server_port>{}</node_server_port>\n"
                 "\t\t\t<node_role>{}</node_role>\n"
                 "\t\t\t<node_state>{}</node_state>\n"
                 "\t\t\t<node_partition>{}</node_partition>\n"
                 "\t\t\t<node_balance>{}</node_balance>\n"
                 "\t\t\t<node_thread_type>{}</node_thread_type>\n"
                 "\t\t</second>\n"
                 "\t</item>\n",
                 first ? R"( class_id="1" tracking_level="0" version="0")" : "", escaped(key.text),
                 first ? R"( class_id="2" tracking_level="0" version="0")" : "", escaped(node.server_name), node.port,
                 static_cast<int>(node.role), static_cast<int>(node.state), raw(node.partition), node.balance,
                 raw(node.thread_type));
}

/// Reads numbers of one element; remembers the first that is missing or wrong.
class Fields {
 public:
  explicit Fields(const pugi::xml_node& element) : element_(element) {}

  template <class Number>
  Number number(const char* name, Number lowest, Number highest) {
    const std::string_view text = element_.child_value(name);
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < lowest || value > highest) {
      if (error_.empty()) {
        error_ = fmt::format("<{}> of <{}> is '{}', not a number from {} to {}", name, element_.name(), text, lowest,
                             highest);
      }
      return lowest;
    }
    return value;
  }

  const std::string& error() const { return error_; }

 private:
  pugi::xml_node element_;
  std::string error_;
};

constexpr int any_max = 0x7fffffff;

Result<Node, XmlError> read_node(const pugi::xml_node& element) {
  Fields fields{element};
  Node node;
  node.server_name = element.child_value("node_server_name");
  node.port = fields.number("node_server_port", 0, any_max);
  node.role = static_cast<Role>(fields.number("node_role", 0, 2));
  node.state = static_cast<State>(fields.number("node_state", 0, 3));
  node.partition = PartitionId{fields.number("node_partition", -1, any_max)};
  node.balance = fields.number("node_balance", 0, any_max);
  node.thread_type = ThreadType{fields.number("node_thread_type", raw(first_thread_type), any_max)};
  if (!fields.error().empty()) return XmlError{fields.error()};
  return node;
}

Result<void, XmlError> read_items(const pugi::xml_node& list, NodeMap& map) {
  std::set<ThreadType> thread_types;
  std::size_t items = 0;
  for (const auto& item : list.children("item")) {
    auto node = read_node(item.child("second"));
    if (!node) return node.error();
    const NodeKey key = node->key();
    if (key.text != item.child_value("first")) {
      return XmlError{fmt::format("the node '{}' is stored under the key '{}'", key.text, item.child_value("first"))};
    }
    // cluster.md 1.1: two nodes with one number would be sent each other's requests.
    if (!thread_types.insert(node->thread_type).second || node->thread_type >= map.next_thread_type) {
      return XmlError{fmt::format("node_thread_type {} of {} is used twice or not below <thread_type> {}",
                                  raw(node->thread_type), key.text, raw(map.next_thread_type))};
    }
    if (!map.nodes.emplace(key, std::move(*node)).second) return XmlError{"the node " + key.text + " stands twice"};
    if (++items > limits::map_nodes_max) return XmlError{fmt::format("more than {} nodes", limits::map_nodes_max)};
  }
  const auto count = Fields{list}.number("count", 0, any_max);
  if (static_cast<std::size_t>(count) != items) {
    return XmlError{fmt::format("<count> says {} nodes, but there are {}", count, items)};
  }
  return {};
}

}  // namespace

std::string map_to_xml(const NodeMap& map) {
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\" ?>\n"
      "<!DOCTYPE boost_serialization>\n"
      "<boost_serialization signature=\"serialization::archive\" version=\"18\">\n"
      "<version>{}</version>\n"
      "<node_map class_id=\"0\" tracking_level=\"0\" version=\"0\">\n"
      "\t<count>{}</count>\n"
      "\t<item_version>0</item_version>\n",
      raw(map.version), map.nodes.size());
  bool first = true;
  for (const auto& [key, node] : map.nodes) append_item(out, key, node, std::exchange(first, false));
  fmt::format_to(std::back_inserter(out), "</node_map>\n<thread_type>{}</thread_type>\n</boost_serialization>\n",
                 raw(map.next_thread_type));
  return out;
}

Result<NodeMap, XmlError> map_from_xml(std::string_view xml) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  if (!parsed) return XmlError{fmt::format("no XML: {} at byte {}", parsed.description(), parsed.offset)};
  const auto archive = document.child("boost_serialization");
  if (std::string_view{archive.attribute("signature").value()} != "serialization::archive") {
    return XmlError{"no <boost_serialization> with signature 'serialization::archive'"};
  }
  const auto list = archive.child("node_map");
  if (!list) return XmlError{"no <node_map>"};

  Fields fields{archive};
  NodeMap map;
  if (archive.child("version")) {  // absent in files of old releases: version 0 (cluster.md 4.6)
    map.version = MapVersion{fields.number<std::uint64_t>("version", 0, ~std::uint64_t{0})};
  }
  map.next_thread_type = ThreadType{fields.number("thread_type", raw(first_thread_type), any_max)};
  if (!fields.error().empty()) return XmlError{fields.error()};
  if (const auto read = read_items(list, map); !read) return read.error();
  return map;
}

}  // namespace flare
