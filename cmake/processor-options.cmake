# What the compiler is told of the processor: pathline_processor_options(ARCH VARIABLE) sets VARIABLE to a list of options.
#
# ARCH is a value of -march (or of -mcpu for another processor than x86), or `auto`: the best for the processor that this
# runs on. What the compiler does not know or the processor cannot run is left out, with a message. x86-64-v4 comes with
# vectors of 512 bits, which compilers avoid by default.
include(CheckCXXCompilerFlag)
include(CheckCXXSourceRuns)

# Whether a program with these features of x86 runs here. Asked by name: compilers of 2022 do not know the levels'.
function(pathline_processor_has features variable)
  set(condition true)
  foreach(feature ${features})
    string(APPEND condition " && __builtin_cpu_supports(\"${feature}\")")
  endforeach()
  check_cxx_source_runs("int main() { __builtin_cpu_init(); return ${condition} ? 0 : 1; }" ${variable})
endfunction()

function(pathline_processor_options arch variable)
  set(runs TRUE)
  if(CMAKE_CROSSCOMPILING)
    # Nothing of the other processor is known: what is asked for is taken, `auto` is nothing.
    if(arch STREQUAL "auto")
      set(runs FALSE)
    endif()
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND arch MATCHES "^(auto|x86-64-v[34])$")
    if(NOT arch STREQUAL "x86-64-v3")
      pathline_processor_has("avx512f;avx512bw;avx512cd;avx512dq;avx512vl" PATHLINE_PROCESSOR_RUNS_V4)
    endif()
    if(arch STREQUAL "auto")
      # On Intel's Sapphire Rapids v4 is up to 1.7 times as fast as v3; on AMD's Zen 4 and 5 it gained little when it was
      # measured (benchmarks/README.md), so that v3 stays there. Not -march=native: GCC's tuning for Zen slows products.
      check_cxx_source_runs("int main() { __builtin_cpu_init(); return __builtin_cpu_is(\"intel\") ? 0 : 1; }"
                            PATHLINE_PROCESSOR_IS_INTEL)
      set(arch x86-64-v3)
      if(PATHLINE_PROCESSOR_IS_INTEL AND PATHLINE_PROCESSOR_RUNS_V4)
        set(arch x86-64-v4)
      endif()
    endif()
    if(arch STREQUAL "x86-64-v3")
      pathline_processor_has("avx2;fma" PATHLINE_PROCESSOR_RUNS_V3)
      set(runs ${PATHLINE_PROCESSOR_RUNS_V3})
    else()
      set(runs ${PATHLINE_PROCESSOR_RUNS_V4})
    endif()
  elseif(arch STREQUAL "auto")
    set(arch native)
  endif()

  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(options -march=${arch})
  else()
    set(options -mcpu=${arch})
  endif()
  if(arch STREQUAL "x86-64-v4")
    list(APPEND options -mprefer-vector-width=512)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      list(APPEND options -Wno-uninitialized)  # wrong about its own header of AVX-512 (GCC's bug 105593)
    endif()
  endif()

  list(JOIN options " " text)
  string(MAKE_C_IDENTIFIER "PATHLINE_COMPILER_KNOWS_${text}" known)
  if(runs)
    check_cxx_compiler_flag("${options}" ${known})
  endif()
  if(runs AND ${known})
    message(STATUS "For the processor: ${text}")
    set(${variable} "${options}" PARENT_SCOPE)
  else()
    message(STATUS "${text} cannot be compiled or run here: left out")
    set(${variable} "" PARENT_SCOPE)
  endif()
endfunction()
