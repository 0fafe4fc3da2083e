# What tests, examples and benchmarks are compiled with, and users of the library are not.
option(PATHLINE_WARNINGS_AS_ERRORS "Warnings in tests, examples and benchmarks are errors" OFF)
option(PATHLINE_KERNELS_ONCE "Examples and benchmarks share kernels: sooner compiled, not to be timed" OFF)
set(PATHLINE_ARCH "" CACHE STRING "-march of tests, examples and benchmarks, left out where it cannot run; auto finds it")
set(PATHLINE_SANITIZERS "" CACHE STRING "-fsanitize of tests, examples and benchmarks, e.g. address,undefined")

set(CMAKE_CXX_EXTENSIONS OFF)

# All units of a program need the same -march, because alignment is part of Eigen's ABI: one target carries it.
add_library(pathline_development INTERFACE)
add_library(pathline::development ALIAS pathline_development)
if(TARGET pathline::parallel)
  target_link_libraries(pathline_development INTERFACE pathline::parallel)
else()
  target_link_libraries(pathline_development INTERFACE pathline::pathline)
endif()
target_include_directories(pathline_development INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(pathline_development
                           INTERFACE PATHLINE_EXAMPLE_DATA="${PROJECT_SOURCE_DIR}/examples/data"
                                     PATHLINE_NO_OPTIMIZATION_NOTE)
target_compile_options(pathline_development INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                                                      $<$<BOOL:${PATHLINE_WARNINGS_AS_ERRORS}>:-Werror>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 12
   AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # These are wrong about std::string's operator+ (GCC's bugs 105329 and 105651); the sanitizers see what is right.
  target_compile_options(pathline_development INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                                                        -Wno-maybe-uninitialized)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # By default g++ collects garbage from 128 MB on, and finds little. From 4 GB on: a unit of tests takes 10.1 s in place of
  # 11.3, and 14 % more memory.
  target_compile_options(pathline_development INTERFACE --param=ggc-min-heapsize=4000000)
endif()

if(PATHLINE_ARCH)
  include(${PROJECT_SOURCE_DIR}/cmake/processor-options.cmake)
  pathline_processor_options("${PATHLINE_ARCH}" processor_options)
  target_compile_options(pathline_development INTERFACE ${processor_options})
endif()

if(PATHLINE_SANITIZERS)
  # Left out: what the address sanitizer or Eigen's own assertions see as well, or the library has none of. And calls
  # to check an address, instead of a copy of the check at each: together half of the compile time.
  target_compile_options(
    pathline_development
    INTERFACE -fsanitize=${PATHLINE_SANITIZERS} -fno-sanitize-recover=all -fno-omit-frame-pointer
              -fno-sanitize=null,alignment,object-size,pointer-overflow,vptr
              $<$<CXX_COMPILER_ID:Clang>:SHELL:-mllvm -asan-instrumentation-with-call-threshold=0>)
  target_link_options(pathline_development INTERFACE -fsanitize=${PATHLINE_SANITIZERS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15
     AND PATHLINE_SANITIZERS MATCHES "address")
    # Before clang 15 the use of a stack frame after its return is looked for only where ASAN_OPTIONS has
    # detect_stack_use_after_return, which nobody sets: without that code a unit of nn takes 37.0 s in place of 38.3.
    target_compile_options(pathline_development INTERFACE -fsanitize-address-use-after-return=never)
  endif()
endif()

# ccache, where it is installed. The sloppiness is what precompiled headers need, and the base directory lets one
# checkout profit from another. What a unit reads is known from the compiler's list, which spares the preprocessor.
find_program(PATHLINE_CCACHE ccache)
if(PATHLINE_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_DEPEND=true
                                  CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${PATHLINE_CCACHE})
endif()

# Writes a source that includes the given ones, each in a namespace of its own, where pathline stands for ::pathline too
# and is open for what a source adds to it. Their headers come first, outside of it. What the sources instantiate alike
# is then compiled once.
function(write_together output)
  set(headers "")
  set(bodies "")
  foreach(source IN LISTS ARGN)
    file(STRINGS ${source} includes REGEX "^#include ")
    list(APPEND headers ${includes})
    string(MAKE_C_IDENTIFIER ${source} name)
    string(APPEND bodies "namespace in_${name} {\nnamespace pathline {\nusing namespace ::pathline;\n"
                         "namespace detail {\nusing namespace ::pathline::detail;\n}\n}\n"
                         "#include <${source}>\n}\n")
  endforeach()
  list(REMOVE_DUPLICATES headers)
  list(JOIN headers "\n" headers)
  file(CONFIGURE OUTPUT ${output} CONTENT "${headers}\n\n${bodies}" @ONLY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ARGN})
endfunction()
