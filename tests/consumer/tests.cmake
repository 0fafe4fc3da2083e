# The tests that build this project against pathline: installed, as a part of the tree, by FetchContent, by a plain
# include path, and as a single header. In folders with a space in their names.
set(consumer ${CMAKE_CURRENT_LIST_DIR})
set(scratch "${CMAKE_CURRENT_BINARY_DIR}/consumer tests")

# Into an empty folder: a header that is gone from the tree must be gone here too.
add_test(NAME consumer/uninstall COMMAND ${CMAKE_COMMAND} -E rm -rf ${scratch}/prefix)
add_test(NAME consumer/install
         COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${scratch}/prefix)
set_tests_properties(consumer/install PROPERTIES DEPENDS consumer/uninstall)
set_tests_properties(consumer/uninstall consumer/install PROPERTIES FIXTURES_SETUP installed)

set(openmp FALSE)
if(OpenMP_CXX_FOUND)
  set(openmp TRUE)
endif()

# pathline_consumer_test(NAME OPTION...): configures, builds and runs the consumer with these options of CMake.
function(pathline_consumer_test name)
  add_test(
    NAME "consumer/${name}"
    COMMAND
      ${CMAKE_CTEST_COMMAND} --build-and-test ${consumer} ${scratch}/${name} --build-generator ${CMAKE_GENERATOR}
      --build-makeprogram ${CMAKE_MAKE_PROGRAM} --build-project pathline_consumer --build-options
      -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER} -DEigen3_DIR=${Eigen3_DIR} -DCONSUMER_OPENMP=${openmp}
      ${ARGN} --test-command ${scratch}/${name}/consumer)
  # Long ones first, so that they do not come last and alone.
  set_tests_properties("consumer/${name}" PROPERTIES TIMEOUT 600 COST 1000)
endfunction()

pathline_consumer_test(find_package -DCMAKE_PREFIX_PATH=${scratch}/prefix)
set_tests_properties(consumer/find_package PROPERTIES FIXTURES_REQUIRED installed)

# These look at what pathline adds to the cache, so they begin without one.
add_test(NAME consumer/clean COMMAND ${CMAKE_COMMAND} -E rm -rf ${scratch}/add_subdirectory ${scratch}/fetch_content)
set_tests_properties(consumer/clean PROPERTIES FIXTURES_SETUP clean)
pathline_consumer_test(add_subdirectory -DPATHLINE_SOURCE_DIR=${PROJECT_SOURCE_DIR})
set_tests_properties(consumer/add_subdirectory PROPERTIES FIXTURES_REQUIRED clean)

# The archive has what the library is made of.
file(MAKE_DIRECTORY ${scratch})
add_test(NAME consumer/archive
         COMMAND ${CMAKE_COMMAND} -E tar czf ${scratch}/pathline.tar.gz CMakeLists.txt LICENSE cmake include precompiled
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set_tests_properties(consumer/archive PROPERTIES FIXTURES_SETUP archive)
pathline_consumer_test(fetch_content -DPATHLINE_ARCHIVE=${scratch}/pathline.tar.gz)
set_tests_properties(consumer/fetch_content PROPERTIES FIXTURES_REQUIRED "archive;clean")

add_test(NAME consumer/components
         COMMAND ${CMAKE_COMMAND} -DPREFIX=${scratch}/prefix -DSCRATCH=${scratch}/components -DGENERATOR=${CMAKE_GENERATOR}
                 -DEIGEN=${Eigen3_DIR} -P ${consumer}/components.cmake)
set_tests_properties(consumer/components PROPERTIES FIXTURES_REQUIRED installed)

add_test(
  NAME consumer/precompiled
  COMMAND ${CMAKE_COMMAND} -DSCRATCH=${scratch}/precompiled -DGENERATOR=${CMAKE_GENERATOR} -DSOURCE=${PROJECT_SOURCE_DIR}
          -DCONSUMER=${consumer} -DCOMPILER=${CMAKE_CXX_COMPILER} -DEIGEN=${Eigen3_DIR} -P ${consumer}/precompiled.cmake)
set_tests_properties(consumer/precompiled PROPERTIES TIMEOUT 600 COST 1000)

get_target_property(eigen Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
add_test(NAME consumer/single_header
         COMMAND ${CMAKE_COMMAND} -DSCRATCH=${scratch}/single_header -DSOURCE=${PROJECT_SOURCE_DIR}
                 -DCONSUMER=${consumer} -DCOMPILER=${CMAKE_CXX_COMPILER} -DEIGEN=${eigen} -P
                 ${consumer}/single_header.cmake)
set_tests_properties(consumer/single_header PROPERTIES TIMEOUT 600 COST 1000)

# Which versions of Eigen are accepted, by the tree and by the installed package: stubs stand in for them, whose
# version files answer as those of Eigen 3.3, 3.4 and 5 do.
foreach(version 3.3.7 3.4.0 5.0.1)
  add_test(
    NAME "consumer/Eigen ${version}"
    COMMAND ${CMAKE_COMMAND} -DVERSION=${version} -DPREFIX=${scratch}/prefix -DSCRATCH=${scratch}/eigen-${version}
            -DGENERATOR=${CMAKE_GENERATOR} -DSOURCE=${PROJECT_SOURCE_DIR} -DCOMPILER=${CMAKE_CXX_COMPILER} -P
            ${consumer}/eigen_version.cmake)
  set_tests_properties("consumer/Eigen ${version}" PROPERTIES FIXTURES_REQUIRED installed)
endforeach()
