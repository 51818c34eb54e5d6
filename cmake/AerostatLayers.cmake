# aerostat_layer(NAME SOURCES... LINKS layer... EXTERNAL target...)
#
# A static library for one folder. LINKS may name only layers further down; tests/lint/check_layers.py reads the
# same rule from the include lines and from these calls, so neither a forbidden include nor a forbidden link passes.
function(aerostat_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;EXTERNAL" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC aerostat_options ${ARG_LINKS} PRIVATE ${ARG_EXTERNAL})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE aerostat_options ${ARG_LINKS} ${ARG_EXTERNAL})
  endif()
endfunction()
