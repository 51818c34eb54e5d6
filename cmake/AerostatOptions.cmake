# One place for compiler switches. Link aerostat_options to get them.
add_library(aerostat_options INTERFACE)
target_include_directories(aerostat_options INTERFACE ${CMAKE_SOURCE_DIR})
# Asio's switches are the same everywhere: its inline functions differ by them, and the linker keeps one of each.
target_compile_definitions(aerostat_options INTERFACE AEROSTAT_VERSION="${PROJECT_VERSION}" ASIO_STANDALONE ASIO_NO_DEPRECATED)
target_compile_options(aerostat_options INTERFACE
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2 -Wundef -Wunused-result
    $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wuseless-cast>)
if(NOT AEROSTAT_SANITIZE AND CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  target_compile_definitions(aerostat_options INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(aerostat_options INTERFACE -fstack-protector-strong)
  target_link_options(aerostat_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(AEROSTAT_SANITIZE)
  target_compile_options(aerostat_options INTERFACE
      -fsanitize=${AEROSTAT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(aerostat_options INTERFACE -fsanitize=${AEROSTAT_SANITIZE})
endif()
if(AEROSTAT_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # ThreadSanitizer does not see fences; Asio uses one beside atomics that it does see.
  target_compile_options(aerostat_options INTERFACE -Wno-tsan)
endif()
if(AEROSTAT_FUZZ)
  target_compile_options(aerostat_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths below the source tree count as relative ones: what one clone has compiled serves the next.
  set(AEROSTAT_CCACHE ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${AEROSTAT_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AEROSTAT_CCACHE})
endif()
