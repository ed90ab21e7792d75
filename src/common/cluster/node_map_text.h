#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/cluster/node_map.h"

/// The map's forms on the wire (docs/spec/cluster.md 1.1, 1.3, 3.1). Pure.
namespace flare {

/// `NODE <S> <P> <role> <state> <partition> <balance> <thread_type>` CRLF.
/// `more`: words behind the seventh, each with a blank before it.
void append_node_line(std::string& out, const Node& node, std::string_view more = {});
/// All NODE lines and `END` CRLF.
std::string node_lines(const NodeMap& map, std::string_view more = {});
/// The same with each partition's reign, ` e=<epoch> sync=<0|1>`, on its nodes' lines: for daemons of ours only
/// (docs/replication.md 2).
std::string node_lines_with_reigns(const NodeMap& map, std::string_view more = {});
/// Takes `e=` and `sync=` of the line of `node`, which it was parsed to, into `map.reigns`. A line without them changes
/// nothing. False: they are no numbers, or name another epoch than a line before.
bool take_reign_words(std::string_view line, const Node& node, NodeMap& map);
/// One NODE line without its line end; words after the seventh field are ignored. nullopt: format error.
std::optional<Node> parse_node_line(std::string_view line);
/// The answer to `stats nodes`: five STAT lines for each node and `END` CRLF.
std::string stats_nodes_text(const NodeMap& map);

}  // namespace flare
