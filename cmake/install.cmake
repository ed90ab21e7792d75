# What a Debian user expects beside the programs: example configs and man pages.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/conf/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples FILES_MATCHING PATTERN "*.conf")
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/flarei.8 ${PROJECT_SOURCE_DIR}/docs/man/flared.8
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/flare-status.1 ${PROJECT_SOURCE_DIR}/docs/man/flare-backup.1
              ${PROJECT_SOURCE_DIR}/docs/man/flare-bench.1
        DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
# Units of tenants: flarei@NAME, flared@NAME. lib, not lib/<architecture>: systemd looks nowhere else.
install(FILES ${PROJECT_SOURCE_DIR}/conf/systemd/flarei@.service ${PROJECT_SOURCE_DIR}/conf/systemd/flared@.service
        DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/flare-tenant.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
