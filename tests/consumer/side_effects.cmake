# As a part of another project, pathline adds its targets and nothing else: no tests, no options of the compiler, and no
# entry of the cache but its own and those of the packages that it looks for.
function(expect what expected)
  list(SORT ARGN)
  string(REPLACE ";" " " found "${ARGN}")
  if(NOT found STREQUAL expected)
    message(SEND_ERROR "${what}: expected \"${expected}\", found \"${found}\"")
  endif()
endfunction()

if(PATHLINE_ARCHIVE)
  set(folder ${pathline_SOURCE_DIR})
else()
  set(folder ${PATHLINE_SOURCE_DIR})
endif()
get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
get_property(tests DIRECTORY ${folder} PROPERTY TESTS)
get_property(subdirectories DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
list(REMOVE_ITEM targets pathline_parallel) # where OpenMP is
expect("targets" "pathline" ${targets})
expect("tests" "" ${tests})
expect("subdirectories" "" ${subdirectories})

foreach(property COMPILE_OPTIONS COMPILE_DEFINITIONS INCLUDE_DIRECTORIES LINK_LIBRARIES LINK_OPTIONS)
  get_property(value DIRECTORY PROPERTY ${property})
  expect("${property} of the project" "" ${value})
endforeach()
foreach(property COMPILE_OPTIONS COMPILE_DEFINITIONS LINK_OPTIONS)
  get_target_property(value pathline INTERFACE_${property})
  expect("${property} of pathline" "value-NOTFOUND" ${value})
endforeach()
get_target_property(features pathline INTERFACE_COMPILE_FEATURES)
expect("features of pathline" "cxx_std_20" ${features})

get_cmake_property(cache CACHE_VARIABLES)
list(REMOVE_ITEM cache ${cache_before})
list(FILTER cache EXCLUDE REGEX "^(pathline_|Eigen3_|OpenMP_|FIND_PACKAGE_MESSAGE_DETAILS_OpenMP|FETCHCONTENT_|FetchContent_)")
expect("entries of the cache"
       "PATHLINE_BUILD_BENCHMARKS PATHLINE_BUILD_EXAMPLES PATHLINE_BUILD_TESTS PATHLINE_INSTALL PATHLINE_MPI PATHLINE_PRECOMPILED"
       ${cache})
foreach(option BUILD_BENCHMARKS BUILD_EXAMPLES BUILD_TESTS INSTALL MPI PRECOMPILED)
  expect("PATHLINE_${option}" "OFF" ${PATHLINE_${option}})
endforeach()
