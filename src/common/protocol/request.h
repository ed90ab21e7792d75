#pragma once

#include <cstdint>
#include <string_view>

#include "common/protocol/item_request.h"

/// One client request as parsed in place (docs/spec/protocol.md 1, 2). All views point into the read buffer. Pure.
namespace flare {

enum class Command : std::uint8_t {
  get,
  gets,
  set,
  add,
  replace,
  append,
  prepend,
  cas,
  incr,
  decr,
  remove,  // `delete`
  touch,
  gat,
  flush_all,
  stats,
  version,
  verbosity,
  ping,
  quit,
  dump,
  dump_key,
  kill,
  salvage,  // `salvage acknowledge`
  show,
  node_sync,  // with its NODE lines as `data` (cluster.md 3.1)
  hello,      // `hello <cluster-id|-> <tenant|-> <S:P> <start-id>` from a daemon of ours: its words are `rest`
  item,       // a meta command or a binary packet for one key: `item`
  noop,       // mn, and the binary no-op
  sasl,       // a binary packet of SASL: its mechanism is `rest`
  position,  // `position <partition> <epoch> [leaving]` from an index of ours (replication.md 10): its words are `rest`
  repl,      // `repl hello ...`: the rest of the line is `rest`; the connection becomes a stream (replication.md 3)
};

struct Request {
  Command command = Command::get;
  bool proxied = false;     // had a prefix <...>
  std::string_view prefix;  // what stood between < and >
  std::string_view key;     // all commands for one key
  std::string_view rest;    // get, gets: the words of the line after the command. stats, show, hello, repl: likewise;
                            // gat in memcached's order: its keys (`key` is empty then)
  std::uint32_t flags = 0;
  // As the client sent it: 0, relative, absolute or negative (protocol.md 3). delete: its time; flush_all: its delay.
  std::int64_t exptime = 0;
  std::uint64_t version = 0;  // fifth number; cas unique; version of delete; of node sync. 0: none
  std::uint64_t delta = 0;    // incr, decr
  std::string_view data;      // payload, without its CRLF
  // gat (design.md 1): memcached's order `gat <exptime> <key>...` is answered with END; `gats` also tells versions.
  bool memcached_order = false;
  bool with_version = false;
  bool noreply = false;
  bool sync = false;
  bool async = false;
  const ItemRequest* item = nullptr;     // Command::item; lives in the reader until its next request
  const BinaryHeader* binary = nullptr;  // how to answer a binary request that is no item's; likewise
  // dump, dump_key: protocol.md 2 and cluster.md 6.3
  std::int64_t wait_us = 0;
  int partition = -1;
  int partition_size = 0;
  int bandwidth_kb_s = 0;
  std::int32_t kill_id = 0;
};

}  // namespace flare
