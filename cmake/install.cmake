# What `cmake --install` puts where, and what CPack packs: the program with its manual page and
# completions (component `program`), and the library for find_package(holdfast) and pkg-config
# (`development`).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS holdfast_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(FILES LICENSE NOTICE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

# Printed by the program itself, from what its --help prints.
set(holdfast_reference ${PROJECT_BINARY_DIR}/reference)
file(MAKE_DIRECTORY ${holdfast_reference})
set(holdfast_reference_files "")
function(holdfast_reference_file format name destination)
  set(file ${holdfast_reference}/${name})
  add_custom_command(OUTPUT ${file} DEPENDS holdfast_program
                     COMMAND holdfast_program reference --format ${format} >${file})
  install(FILES ${file} DESTINATION ${destination} COMPONENT program)
  list(APPEND holdfast_reference_files ${file})
  set(holdfast_reference_files ${holdfast_reference_files} PARENT_SCOPE)
endfunction()
holdfast_reference_file(man holdfast.1 ${CMAKE_INSTALL_MANDIR}/man1)
holdfast_reference_file(bash holdfast ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
holdfast_reference_file(zsh _holdfast ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
holdfast_reference_file(fish holdfast.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
add_custom_target(holdfast_reference ALL DEPENDS ${holdfast_reference_files})

# The library: its rooms, from the bottom up, and what they link to outside of this repository.
set(holdfast_libraries "")
set(holdfast_others "")
function(holdfast_visit target)
  get_property(links TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES)
  foreach(link IN LISTS links)
    if(link MATCHES "^hf_" AND NOT link IN_LIST holdfast_libraries)
      holdfast_visit(${link})
      list(APPEND holdfast_libraries ${link})
    elseif(NOT TARGET ${link} AND NOT link IN_LIST holdfast_others)
      list(APPEND holdfast_others ${link})
    endif()
  endforeach()
  set(holdfast_libraries ${holdfast_libraries} PARENT_SCOPE)
  set(holdfast_others ${holdfast_others} PARENT_SCOPE)
endfunction()
holdfast_visit(holdfast)
install(TARGETS ${holdfast_libraries} holdfast EXPORT holdfast
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/holdfast DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
set(holdfast_package ${CMAKE_INSTALL_LIBDIR}/cmake/holdfast)
install(EXPORT holdfast NAMESPACE holdfast:: FILE holdfast-targets.cmake
        DESTINATION ${holdfast_package} COMPONENT development)
configure_package_config_file(cmake/holdfast-config.cmake.in holdfast-config.cmake
                              INSTALL_DESTINATION ${holdfast_package})
write_basic_package_version_file(holdfast-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/holdfast-config.cmake
              ${PROJECT_BINARY_DIR}/holdfast-config-version.cmake
        DESTINATION ${holdfast_package} COMPONENT development)

# For pkg-config: who uses a static library comes before it.
set(holdfast_flags ${holdfast_libraries})
list(REVERSE holdfast_flags)
list(APPEND holdfast_flags ${holdfast_others})
list(TRANSFORM holdfast_flags PREPEND -l REGEX "^[^/]")
list(JOIN holdfast_flags " " holdfast_flags)
file(RELATIVE_PATH holdfast_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/holdfast.pc.in holdfast.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/holdfast.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# Packages, by `cpack` in the build directory: two for Debian, and a tarball.
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/cpack.cmake)
set(CPACK_PACKAGE_VENDOR "The Holdfast authors")
set(CPACK_PACKAGE_CONTACT "The Holdfast authors <holdfast@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Memory that all your agents can write to at once")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME holdfast)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libholdfast-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libssl-dev, libzstd-dev, libutf8proc-dev, libstemmer-dev, libsodium-dev")
include(CPack)
