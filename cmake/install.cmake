# What `cmake --install` copies: the library, its headers, a package for find_package(cotangent) and one for pkg-config.
include(CMakePackageConfigHelpers)
set(ct_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/cotangent")

install(TARGETS cotangent EXPORT cotangent-targets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/cotangent" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING REGEX "\\.(h|inc)$")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(EXPORT cotangent-targets NAMESPACE cotangent:: DESTINATION "${ct_package_dir}")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/cotangent-config.cmake.in" "${PROJECT_BINARY_DIR}/cotangent-config.cmake"
  INSTALL_DESTINATION "${ct_package_dir}")
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/cotangent-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/cotangent-config.cmake" "${PROJECT_BINARY_DIR}/cotangent-config-version.cmake"
  DESTINATION "${ct_package_dir}")

# The prefix is found from the place of the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH ct_pc_to_prefix "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file("${CMAKE_CURRENT_LIST_DIR}/cotangent.pc.in" "${PROJECT_BINARY_DIR}/cotangent.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/cotangent.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# find_package(cotangent) finds the build tree too, without an installation: what `./cotangent new` makes is built against it.
export(EXPORT cotangent-targets NAMESPACE cotangent:: FILE "${PROJECT_BINARY_DIR}/cotangent-targets.cmake")
