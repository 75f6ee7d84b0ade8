# Warnings are errors on gcc and clang; release builds are hardened.
add_compile_definitions(_GNU_SOURCE ADIT_VERSION="${PROJECT_VERSION}")
add_compile_options(
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla -Wswitch-enum
  -Wwrite-strings -Wpointer-arith -Wundef -Wcast-qual -Wnull-dereference -Wdouble-promotion
  -Wimplicit-fallthrough -Wno-missing-field-initializers
  -fno-strict-aliasing -fno-common
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
include_directories(${CMAKE_SOURCE_DIR})

option(ADIT_SANITIZE "Build with AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(ADIT_HARDEN "Build with the hardening flags of a release" OFF)
option(ADIT_COVERAGE "Build with coverage counters" OFF)
option(ADIT_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)

if(ADIT_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(ADIT_HARDEN)
  add_compile_options(-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
    -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero -fPIE)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(ADIT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(ADIT_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
