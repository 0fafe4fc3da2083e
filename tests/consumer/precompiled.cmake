# cmake -DSCRATCH= -DGENERATOR= -DSOURCE= -DCONSUMER= -DCOMPILER= -DEIGEN= -P precompiled.cmake
# Builds pathline::precompiled, installs it, and builds and runs two programs that find it there: one has flows and
# saves them, the other loads them without their types. Both give the same answers, bit by bit. The library's sources are
# compiled as one, which takes 38 s of CPU in place of 53.
file(REMOVE_RECURSE ${SCRATCH})
set(common -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER} -DEigen3_DIR=${EIGEN})
function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${CMAKE_COMMAND} -S ${SOURCE} -B ${SCRATCH}/library ${common} -DPATHLINE_PRECOMPILED=ON
    -DPATHLINE_PRECOMPILED_OPTIMIZATION=-O0 -DPATHLINE_BUILD_TESTS=OFF -DPATHLINE_BUILD_EXAMPLES=OFF
    -DPATHLINE_BUILD_BENCHMARKS=OFF -DCMAKE_UNITY_BUILD=ON)
run(${CMAKE_COMMAND} --build ${SCRATCH}/library)
run(${CMAKE_COMMAND} --install ${SCRATCH}/library --prefix ${SCRATCH}/prefix)
run(${CMAKE_COMMAND} -S ${CONSUMER} -B ${SCRATCH}/program ${common} -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix
    -DCONSUMER_PRECOMPILED=ON)
run(${CMAKE_COMMAND} --build ${SCRATCH}/program)
foreach(program consumer evaluate)
  execute_process(COMMAND ${SCRATCH}/program/${program} WORKING_DIRECTORY ${SCRATCH}/program
                  OUTPUT_VARIABLE answers_of_${program} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(answers_of_consumer STREQUAL "" OR NOT answers_of_consumer STREQUAL answers_of_evaluate)
  message(FATAL_ERROR "Flows:\n${answers_of_consumer}\nand the same flows by io::load_any:\n${answers_of_evaluate}")
endif()

# Its object takes the field and the solve from the library: what it compiles itself is not undefined there.
find_program(nm NAMES nm llvm-nm REQUIRED)
execute_process(COMMAND ${nm} -C -u ${SCRATCH}/program/CMakeFiles/consumer.dir/precompiled.cpp.o
                OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
foreach(function "detail::LayerSweeps<.*>::linearize" "pathline::integrate<pathline::Rk4, pathline::FixedSteps")
  if(NOT undefined MATCHES "${function}")
    message(FATAL_ERROR "The program compiles ${function} itself; it takes from libraries:\n${undefined}")
  endif()
endforeach()

# What the loaded flows compute is none of the other program's affair.
execute_process(COMMAND ${nm} -C ${SCRATCH}/program/CMakeFiles/evaluate.dir/evaluate.cpp.o OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
if(symbols MATCHES "pathline::(Cnf|Mlp|Stepper|integrate)")
  message(FATAL_ERROR "The program compiles ${CMAKE_MATCH_0}:\n${symbols}")
endif()
