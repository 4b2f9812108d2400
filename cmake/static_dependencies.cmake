# Programs carry gRPC, Protocol Buffers and Abseil inside: with fifty shared libraries fewer to
# bind, `fleetqshape` starts in half the time and an agent needs less memory. Debian's packages hold
# the archives beside the shared libraries that their CMake files name. TLS stays shared: OpenSSL is
# what gets security updates.
#
# fqs_link_statically(REGEX): the imported targets found so far whose names match.
function(fqs_link_statically pattern)
  get_directory_property(targets IMPORTED_TARGETS)
  list(FILTER targets INCLUDE REGEX "${pattern}")
  foreach(target IN LISTS targets)
    foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE)
      get_target_property(library ${target} ${property})
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
      if(library AND EXISTS "${archive}")
        set_target_properties(${target} PROPERTIES ${property} "${archive}")
      endif()
    endforeach()
  endforeach()
endfunction()
