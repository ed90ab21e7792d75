# What a Debian user expects beside the programs: example configs and man pages.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples FILES_MATCHING PATTERN "*.conf")
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/flarei.8 ${PROJECT_SOURCE_DIR}/docs/man/flared.8
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/flare-status.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
