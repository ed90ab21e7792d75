# One library for each folder. Sources are globbed: a file in a folder belongs to it, and to nothing else.
function(flare_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(${name} PRIVATE ${FLARE_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARGN})
endfunction()

function(flare_program name)
  add_executable(${name} main.cc)
  target_compile_options(${name} PRIVATE ${FLARE_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARGN})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

set(FLARE_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
    -Wold-style-cast -Woverloaded-virtual
    -Wno-mismatched-new-delete)  # g++ 12 misreads the frames of Asio's coroutines
# Tests have precompiled headers, and g++ 12 then misreads what the library's strings do.
set(FLARE_TEST_WARNINGS ${FLARE_WARNINGS}
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-restrict>")
