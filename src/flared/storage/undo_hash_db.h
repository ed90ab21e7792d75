#pragma once

// The library's own class must be known first: the macros below must not meet what it includes.
#include <kchashdb.h>

#include "flared/storage/undo_file.h"

/// kyotocabinet::UndoHashDB: the library's HashDB, the same source once more, on an UndoFile in place of its File. It
/// is all in that header, but has no place to give it another file; the file it has is a private member without virtual
/// functions. Under its own name, so that the library's compiled HashDB is not meant.
namespace kyotocabinet {
using UndoFile = flare::UndoFile;
}
// NOLINTBEGIN
#undef _KCHASHDB_H
#define HashDB UndoHashDB
#define TreeDB UndoTreeDB
#define File UndoFile
#include <kchashdb.h>
#undef File
#undef TreeDB
#undef HashDB
// NOLINTEND
