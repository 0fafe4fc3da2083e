# Installs the headers and the package that find_package(pathline) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/pathline)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/pathlineConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/pathlineConfig.cmake INSTALL_DESTINATION ${package_dir})
# Below 1.0 a minor version may break what was there before. Headers alone serve every architecture.
set(architecture ARCH_INDEPENDENT)
if(PATHLINE_PRECOMPILED)
  set(architecture "")
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion ${architecture})

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS pathline EXPORT pathlineTargets)
if(PATHLINE_PRECOMPILED)
  install(TARGETS pathline_precompiled EXPORT pathlineTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT pathlineTargets NAMESPACE pathline:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/pathlineConfig.cmake ${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake
        DESTINATION ${package_dir})
