# aerostat_unit_test(NAME SOURCES... LINKS...): one GoogleTest program, each of its tests known to ctest. Not part of `all`: who
# only wants the programs need not wait for them.
function(aerostat_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE aerostat_options aerostat_test_support ${ARG_LINKS}
                        GTest::gmock GTest::gtest_main Threads::Threads)
  add_dependencies(unit_tests ${name})
  gtest_discover_tests(${name} PROPERTIES LABELS unit TIMEOUT 120 DISCOVERY_TIMEOUT 60)
endfunction()

# aerostat_fuzz_target(NAME SOURCES... LINKS...): a libFuzzer program under the fuzz preset; nothing elsewhere.
function(aerostat_fuzz_target name)
  if(NOT AEROSTAT_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE aerostat_options ${ARG_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz_targets ${name})
endfunction()
