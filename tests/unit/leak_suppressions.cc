/// The library keeps its last error for each thread and forgets it when a store is closed before the thread ends, as a
/// swap of stores does under the pool: 16 bytes for each swap and thread. The second name is the same where it is
/// inlined.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:kyotocabinet::TSD\nleak:kyotocabinet::UndoHashDB::set_error\n";
}
