# What is installed beside the programs: unit, users, example of the settings, manual, completions.
# Below any prefix: systemd looks into /usr/local/lib as into /usr/lib.
set(SBINDIR ${CMAKE_INSTALL_FULL_SBINDIR})
configure_file(packaging/systemd/aditd.service.in packaging/aditd.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/packaging/aditd.service DESTINATION lib/systemd/system)
install(FILES packaging/sysusers.d/adit.conf DESTINATION lib/sysusers.d)
install(FILES packaging/polkit/adit.policy DESTINATION ${CMAKE_INSTALL_DATADIR}/polkit-1/actions)

# Its own place, so that an installation never overwrites settings.
install(FILES packaging/adit.yaml.example DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
install(FILES man/aditd.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)

# adit_generated(what file destination): written by `adit gen` from the operations' table.
function(adit_generated what file destination)
  set(out ${CMAKE_BINARY_DIR}/packaging/${file})
  add_custom_command(OUTPUT ${out} COMMAND adit gen ${what} > ${out} DEPENDS adit VERBATIM)
  set_property(GLOBAL APPEND PROPERTY ADIT_GENERATED ${out})
  install(FILES ${out} DESTINATION ${destination})
endfunction()

if(TARGET adit)
  adit_generated(man adit.1 ${CMAKE_INSTALL_MANDIR}/man1)
  adit_generated(completions-bash adit.bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  adit_generated(completions-zsh _adit ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  adit_generated(completions-fish adit.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
  get_property(generated GLOBAL PROPERTY ADIT_GENERATED)
  add_custom_target(generated ALL DEPENDS ${generated})
endif()

# A bundle for Claude Desktop: the client, and the manifest that says how it is started.
if(TARGET adit)
  set(mcpb ${CMAKE_BINARY_DIR}/packaging/mcpb)
  configure_file(packaging/mcpb/manifest.json.in ${mcpb}/manifest.json @ONLY)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/packaging/adit.mcpb
    COMMAND ${CMAKE_COMMAND} -E make_directory server
    COMMAND ${CMAKE_COMMAND} -E copy $<TARGET_FILE:adit> server/adit
    COMMAND ${CMAKE_COMMAND} -E tar cf ${CMAKE_BINARY_DIR}/packaging/adit.mcpb --format=zip
      manifest.json server/adit
    DEPENDS adit ${mcpb}/manifest.json WORKING_DIRECTORY ${mcpb} VERBATIM)
  add_custom_target(mcpb ALL DEPENDS ${CMAKE_BINARY_DIR}/packaging/adit.mcpb)
endif()

if(NOT BUILD_TESTING)
  return()
endif()

# systemd-analyze asks that programs exist: it sees the unit with those of this build.
find_program(SYSTEMD_ANALYZE systemd-analyze)
if(SYSTEMD_ANALYZE AND TARGET aditd)
  set(SBINDIR ${CMAKE_BINARY_DIR})
  configure_file(packaging/systemd/aditd.service.in packaging/verify/aditd.service @ONLY)
  add_test(NAME packaging.unit COMMAND ${SYSTEMD_ANALYZE} verify --man=no --recursive-errors=no
    ${CMAKE_BINARY_DIR}/packaging/verify/aditd.service)
  add_test(NAME packaging.sandbox COMMAND ${SYSTEMD_ANALYZE} security --offline=true --no-pager
    --threshold=15 ${CMAKE_BINARY_DIR}/packaging/verify/aditd.service)
  set_tests_properties(packaging.unit packaging.sandbox PROPERTIES LABELS packaging)
endif()
if(TARGET aditd)
  add_test(NAME packaging.example COMMAND ${PYTHON} ${CMAKE_SOURCE_DIR}/tests/house/example.py
    $<TARGET_FILE:aditd> ${CMAKE_SOURCE_DIR})
  set_tests_properties(packaging.example PROPERTIES LABELS packaging)
endif()
