# Unit tests: tests/unit/<room>/test_*.c, each a program on cmocka linked to its room.
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
find_program(PYTHON NAMES /usr/bin/python3)

file(GLOB test_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*/test_*.c)
foreach(file ${test_files})
  get_filename_component(base ${file} NAME_WE)
  get_filename_component(folder ${file} DIRECTORY)
  get_filename_component(room ${folder} NAME)
  if(NOT TARGET adit_${room})
    continue()
  endif()
  set(name unit_${room}_${base})
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE adit_${room} PkgConfig::CMOCKA)
  target_compile_definitions(${name} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${room}.${base} COMMAND ${name})
  set_tests_properties(${room}.${base} PROPERTIES TIMEOUT 120 LABELS unit)
endforeach()

# The house: floors, lengths, format. Plain scripts over the tree.
foreach(check layers lengths format words)
  if(EXISTS ${CMAKE_SOURCE_DIR}/tests/house/${check}.py)
    add_test(NAME ${check} COMMAND ${PYTHON} ${CMAKE_SOURCE_DIR}/tests/house/${check}.py
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${check} PROPERTIES LABELS house)
  endif()
endforeach()

# End to end and contract: pytest drives the programs of this build.
foreach(suite e2e contract)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${suite}/test_*.py)
  if(files)
    add_test(NAME ${suite} COMMAND ${PYTHON} -m pytest -q -n 4 --timeout 180
      ${CMAKE_SOURCE_DIR}/tests/${suite})
    set_tests_properties(${suite} PROPERTIES TIMEOUT 900 LABELS ${suite} RUN_SERIAL ON
      ENVIRONMENT "ADIT_BUILD=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
  endif()
endforeach()
