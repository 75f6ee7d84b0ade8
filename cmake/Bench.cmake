# What scripts/bench runs: bench/*.c on the rooms, and static programs that do one thing only, to
# compare with. None of it is a test, and none is installed.
function(adit_bench name)
  add_executable(bench-${name} ${CMAKE_SOURCE_DIR}/bench/${name}.c)
  target_link_libraries(bench-${name} PRIVATE ${ARGN})
endfunction()

function(adit_bench_static name)
  adit_bench(${name})
  target_link_options(bench-${name} PRIVATE -static)
  if(ADIT_HARDEN)
    target_compile_options(bench-${name} PRIVATE -fno-PIE)
    target_link_options(bench-${name} PRIVATE -no-pie)
  endif()
endfunction()

adit_bench(observe adit_reconcile)
adit_bench(commit adit_store)
adit_bench(echo adit_loop)
adit_bench_static(child)
adit_bench_static(restarter)
adit_bench_static(listener)
adit_bench_static(client)
adit_bench_static(prober)
