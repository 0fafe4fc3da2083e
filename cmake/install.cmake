# Installs the headers, the package that find_package(pathline) reads, and pathline.pc for pkg-config. Nothing installed
# holds an absolute path, so that a prefix can be moved.
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
install(TARGETS pathline EXPORT pathlineTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(PATHLINE_PRECOMPILED)
  install(TARGETS pathline_precompiled EXPORT pathlineTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(EXPORT pathlineTargets NAMESPACE pathline:: DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/pathlineConfig.cmake ${PROJECT_BINARY_DIR}/pathlineConfigVersion.cmake
        DESTINATION ${package_dir})

# pathline.pc says where the headers are from where it lies itself, also where the folders were given by full paths.
set(pkgconfig_dir ${CMAKE_INSTALL_DATADIR}/pkgconfig)
file(RELATIVE_PATH pc_to_prefix ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
file(RELATIVE_PATH prefix_to_include ${CMAKE_INSTALL_PREFIX} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(${PROJECT_SOURCE_DIR}/cmake/pathline.pc.in ${PROJECT_BINARY_DIR}/pathline.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/pathline.pc DESTINATION ${pkgconfig_dir})

if(PROJECT_IS_TOP_LEVEL)
  include(${PROJECT_SOURCE_DIR}/cmake/debian-package.cmake)
endif()
