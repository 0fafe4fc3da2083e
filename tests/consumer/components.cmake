# cmake -DPREFIX= -DSCRATCH= -DGENERATOR= -DEIGEN= -P components.cmake
# Which versions and components find_package(pathline) accepts, and what it says of the others. In a project without a
# language, so without OpenMP.
file(REMOVE_RECURSE ${SCRATCH})

# check(EXPECTED ARGUMENT...): find_package(pathline ARGUMENT...) succeeds if EXPECTED is empty, else fails and says it.
function(check expected)
  string(REPLACE ";" " " arguments "${ARGN}")
  file(WRITE ${SCRATCH}/project/CMakeLists.txt "
cmake_minimum_required(VERSION 3.22)
project(finder LANGUAGES NONE)
find_package(pathline ${arguments})
if(NOT TARGET pathline::pathline AND NOT \"${expected}\" MATCHES version)
  message(FATAL_ERROR \"no target pathline::pathline\")
endif()
")
  file(REMOVE_RECURSE ${SCRATCH}/build)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -S ${SCRATCH}/project -B ${SCRATCH}/build
            -DCMAKE_PREFIX_PATH=${PREFIX} -DEigen3_DIR=${EIGEN}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}") # CMake breaks its messages into lines
  if(expected STREQUAL "")
    if(NOT result EQUAL 0)
      message(SEND_ERROR "find_package(pathline ${arguments}) should succeed:\n${output}")
    endif()
  else()
    string(FIND "${output}" "${expected}" at)
    if(result EQUAL 0 OR at EQUAL -1)
      message(SEND_ERROR "find_package(pathline ${arguments}) should fail and say \"${expected}\":\n${output}")
    endif()
  endif()
endfunction()

check("" 0.2 CONFIG REQUIRED)
check("" 0.2 CONFIG REQUIRED COMPONENTS pathline OPTIONAL_COMPONENTS parallel precompiled mpi)
check("compatible with requested version \"0.1\"" 0.1 CONFIG REQUIRED)
check("compatible with requested version \"0.3\"" 0.3 CONFIG REQUIRED)
check("The component parallel needs OpenMP for C++" REQUIRED COMPONENTS parallel)
check("The component precompiled is not in this installation: build pathline with -DPATHLINE_PRECOMPILED=ON" REQUIRED
      COMPONENTS precompiled)
check("The component mpi needs MPI for C++" REQUIRED COMPONENTS pathline mpi)
check("The component cuda does not exist in pathline 0.2" REQUIRED COMPONENTS pathline cuda)
