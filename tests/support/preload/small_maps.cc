// Preloaded: a file is mapped with at most 1 GiB of address space. flared asks for 64 GiB (storage_options.h,
// `map_bytes`), and a program under valgrind has not so much in one piece. For stores that stay smaller than that.
#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>

namespace {

constexpr std::size_t map_bytes_max = std::size_t{1} << 30;

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" void* mmap64(void* at, std::size_t bytes, int protection, int flags, int descriptor,
                        __off64_t offset) noexcept {
  static auto* const real = next<void*(void*, std::size_t, int, int, int, __off64_t)>("mmap64");
  return real(at, std::min(bytes, map_bytes_max), protection, flags, descriptor, offset);
}

extern "C" int munmap(void* at, std::size_t bytes) noexcept {
  static auto* const real = next<int(void*, std::size_t)>("munmap");
  return real(at, std::min(bytes, map_bytes_max));
}
