# The project's own targets: warnings are errors, include paths start at the root.

function(fqs_target_defaults target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Werror)
  target_compile_definitions(${target} PRIVATE FLEETQSHAPE_VERSION="${PROJECT_VERSION}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety)
  endif()
endfunction()

# Optimizes libraries and the programs made of them as one: what reads queue files calls small
# functions across libraries for every record. 2 percent of a scan; a few seconds of linking.
function(fqs_optimize_together)
  if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set_target_properties(${ARGN} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
  endif()
endfunction()

# fqs_library(NAME SOURCES file... [DEPS target...])
function(fqs_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC ${ARG_DEPS})
  fqs_target_defaults(${name})
endfunction()

# fqs_program(NAME SOURCES file... [DEPS target...]): a program in bin/.
function(fqs_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  if(FLEETQSHAPE_SANITIZE MATCHES "address")
    target_sources(${name} PRIVATE ${FLEETQSHAPE_LEAK_SUPPRESSIONS})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  fqs_target_defaults(${name})
endfunction()
