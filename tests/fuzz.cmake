# Fuzz targets: fuzz/<name>_target.cc. Replayed in ./test over fuzz/corpus/<name>; with libFuzzer
# where the compiler is given it (scripts/fuzz).
option(HOLDFAST_FUZZ "Build the fuzz targets with libFuzzer (clang)" OFF)
file(GLOB fuzz_targets CONFIGURE_DEPENDS fuzz/*_target.cc)
foreach(target IN LISTS fuzz_targets)
  get_filename_component(name ${target} NAME_WE)
  string(REPLACE _target "" name ${name})
  if(HOLDFAST_FUZZ)
    add_executable(fuzz_${name} ${target})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(fuzz_${name} ${target} fuzz/replay.cc)
    add_test(NAME fuzz_replay.${name}
             COMMAND fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
    set_tests_properties(fuzz_replay.${name} PROPERTIES TIMEOUT 120)
  endif()
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(fuzz_${name} PRIVATE hf_memory)
endforeach()
