# `cpack -G DEB` in the build folder makes the package libpathline-dev.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "pathline maintainers")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT) # libpathline-dev_0.2.0_all.deb
set(CPACK_DEBIAN_PACKAGE_NAME libpathline-dev)
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libeigen3-dev (>= 3.4)")
if(NOT PATHLINE_PRECOMPILED)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
endif()
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
file(CONFIGURE OUTPUT description.txt
     CONTENT "A header-only C++20 library on Eigen, with exact gradients, for the CPU.\n")
set(CPACK_PACKAGE_DESCRIPTION_FILE ${PROJECT_BINARY_DIR}/description.txt)

# Debian wants the licence at this place; other installations do not get it.
install(FILES LICENSE DESTINATION share/doc/libpathline-dev RENAME copyright COMPONENT debian_copyright EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};pathline;ALL;/;${PROJECT_BINARY_DIR};pathline;debian_copyright;/")
include(CPack)
