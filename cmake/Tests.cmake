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
  if(base STREQUAL test_steps) # tests/unit/steps.h
    target_link_options(${name} PRIVATE -Wl,--wrap=strcmp -Wl,--wrap=strcasecmp)
  endif()
  add_test(NAME ${room}.${base} COMMAND ${name})
  set_tests_properties(${room}.${base} PROPERTIES TIMEOUT 300 LABELS unit)
endforeach()
# Half a minute and more of nearly nothing but waiting: they begin first, and the others run meanwhile.
foreach(test replacement supervisor unwell upgrade wishes)
  set_tests_properties(supervise.test_${test} PROPERTIES COST 50)
endforeach()

# aditd as it is, and the tools that the official conformance suite of MCP brings; never installed.
file(GLOB conformance_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/conformance/*.c)
add_executable(adit-conformance ${CMAKE_SOURCE_DIR}/daemon/main.c ${conformance_files})
target_link_libraries(adit-conformance PRIVATE adit_daemon)

# The house: floors, lengths, format, words, commands, callers. Plain scripts over the tree, and a test of the scripts.
foreach(check layers lengths format words commands callers)
  add_test(NAME ${check} COMMAND ${PYTHON} ${CMAKE_SOURCE_DIR}/tests/house/${check}.py
    ${CMAKE_SOURCE_DIR})
  set_tests_properties(${check} PROPERTIES LABELS house)
endforeach()
add_test(NAME checks COMMAND ${PYTHON} -m pytest -q -p no:cacheprovider
  ${CMAKE_SOURCE_DIR}/tests/house/test_checks.py)
set_tests_properties(checks PROPERTIES LABELS house ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
find_program(SHELLCHECK shellcheck)
if(SHELLCHECK)
  add_test(NAME shell COMMAND ${SHELLCHECK} -x scripts/common.sh scripts/bench scripts/deps scripts/run
    scripts/test scripts/torture .ci/run WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(shell PROPERTIES LABELS house)
endif()

# Fuzz targets: tests/fuzz/fuzz_<what>.c, linked to the rooms that it includes. Every build replays
# the corpus with some damage; with ADIT_FUZZ (clang) each is also a libFuzzer program.
file(GLOB fuzz_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(file ${fuzz_files})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE fuzz_ "" what ${name})
  file(STRINGS ${file} includes REGEX "^#include \"[a-z]+/")
  set(rooms)
  foreach(include ${includes})
    string(REGEX REPLACE "^#include \"([a-z]+)/.*" "adit_\\1" room ${include})
    list(APPEND rooms ${room})
  endforeach()
  list(REMOVE_DUPLICATES rooms)
  add_executable(replay_${what} ${file} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
  target_link_libraries(replay_${what} PRIVATE ${rooms})
  add_test(NAME fuzz.${what}
    COMMAND replay_${what} --mutate 5000 ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${what})
  set_tests_properties(fuzz.${what} PROPERTIES TIMEOUT 120 LABELS fuzz)
  if(ADIT_FUZZ)
    add_executable(${name} ${file})
    target_link_libraries(${name} PRIVATE ${rooms})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  endif()
endforeach()

# End to end and contract: pytest drives the programs of this build. Those marked `waits` wait for
# what Cloudflare may still do half a minute later: they are a run of their own beside all others, and
# each goes to the next worker that is free.
function(adit_pytest name cost)
  add_test(NAME ${name} COMMAND ${PYTHON} -m pytest -q -p no:cacheprovider --timeout 180 ${ARGN})
  set_tests_properties(${name} PROPERTIES TIMEOUT 900 LABELS ${name} COST ${cost}
    ENVIRONMENT "ADIT_BUILD=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
endfunction()
adit_pytest(e2e-waits 100 -n 12 --dist loadgroup -m waits ${CMAKE_SOURCE_DIR}/tests/e2e)
adit_pytest(e2e 90 -n 12 --dist loadgroup -m "not waits" ${CMAKE_SOURCE_DIR}/tests/e2e)
adit_pytest(contract 0 -n 4 ${CMAKE_SOURCE_DIR}/tests/contract)

# A sample of scripts/torture, bounded in time; the whole of it takes half an hour.
add_test(NAME torture COMMAND ${PYTHON} ${CMAKE_SOURCE_DIR}/tests/torture/torture.py
  --sample --seed 1 --minutes 0.4 --workers 4)
set_tests_properties(torture PROPERTIES TIMEOUT 240 LABELS torture RUN_SERIAL ON
  SKIP_RETURN_CODE 77
  ENVIRONMENT "ADIT_BUILD=${CMAKE_BINARY_DIR};PYTHONDONTWRITEBYTECODE=1")
