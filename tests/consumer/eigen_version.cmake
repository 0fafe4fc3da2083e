# cmake -DVERSION= -DPREFIX= -DSCRATCH= -DGENERATOR= -DSOURCE= -DCOMPILER= -P eigen_version.cmake
# Configures pathline's tree, and a project that finds the installed package, with a stub of Eigen VERSION: both must
# accept Eigen 3.4 and newer, and name what is too old.
file(REMOVE_RECURSE ${SCRATCH})
set(eigen ${SCRATCH}/eigen)
file(WRITE ${eigen}/Eigen3Config.cmake "add_library(Eigen3::Eigen INTERFACE IMPORTED)\n")
# Eigen 3 accepts a request of its major version; Eigen 5 one that is a prefix of its own.
file(WRITE ${eigen}/Eigen3ConfigVersion.cmake "
set(PACKAGE_VERSION ${VERSION})
if(PACKAGE_FIND_VERSION_RANGE)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
elseif(PACKAGE_VERSION MATCHES \"^5\")
  string(FIND \"\${PACKAGE_VERSION}\" \"\${PACKAGE_FIND_VERSION}\" at)
  if(at EQUAL 0)
    set(PACKAGE_VERSION_COMPATIBLE TRUE)
  endif()
elseif(PACKAGE_FIND_VERSION_MAJOR EQUAL 3 AND NOT PACKAGE_VERSION VERSION_LESS PACKAGE_FIND_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
")
file(WRITE ${SCRATCH}/project/CMakeLists.txt "
cmake_minimum_required(VERSION 3.22)
project(finder LANGUAGES NONE)
find_package(pathline REQUIRED)
")

function(check what)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -G ${GENERATOR} -DEigen3_DIR=${eigen} ${ARGN}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}") # CMake breaks its messages into lines
  if(VERSION VERSION_LESS 3.4)
    if(result EQUAL 0 OR NOT output MATCHES "pathline needs Eigen 3.4 or newer, found ${VERSION}")
      message(SEND_ERROR "${what} with Eigen ${VERSION} should fail and say so:\n${output}")
    endif()
  elseif(NOT result EQUAL 0)
    message(SEND_ERROR "${what} with Eigen ${VERSION} should succeed:\n${output}")
  endif()
endfunction()

check("The tree" -S ${SOURCE} -B ${SCRATCH}/tree -DCMAKE_CXX_COMPILER=${COMPILER} -DPATHLINE_BUILD_TESTS=OFF
      -DPATHLINE_BUILD_EXAMPLES=OFF -DPATHLINE_BUILD_BENCHMARKS=OFF)
check("The package" -S ${SCRATCH}/project -B ${SCRATCH}/package -DCMAKE_PREFIX_PATH=${PREFIX})
