# What io::write_header exports, compiled and run as on a device.
add_executable(device_headers device/write.cpp)
target_link_libraries(device_headers PRIVATE pathline::development test_kernels)
compile_as_room(device_headers device)
add_test(NAME "device/an exported header computes what the library does"
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/check $<TARGET_FILE:device_headers> ${CMAKE_CXX_COMPILER})
