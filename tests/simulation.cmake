# The simulations: a program for each file of simulation/, and two that have all of them:
# simulation_run plays them for hours, simulation_planted with deliberate faults in the engine.

file(GLOB simulation_tests CONFIGURE_DEPENDS simulation/*_test.cc)
file(GLOB simulation_helpers CONFIGURE_DEPENDS simulation/*.cc)
list(REMOVE_ITEM simulation_helpers ${simulation_tests})
# Sanitizers are to see all that is released.
if(HOLDFAST_SANITIZE)
  list(FILTER simulation_helpers EXCLUDE REGEX "(reserve|zstd)_pool")
  set(simulation_link_options)
else()
  set(simulation_link_options _ZN8holdfast2os14reserve_zeroedEm
      _ZN8holdfast2os16release_reservedEPvm ZSTD_createCCtx ZSTD_createDCtx ZSTD_freeCCtx ZSTD_freeDCtx)
  list(TRANSFORM simulation_link_options PREPEND LINKER:--wrap=)
endif()
add_library(simulation_stories OBJECT ${simulation_helpers})
target_include_directories(simulation_stories PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(simulation_stories PUBLIC holdfast hf_os_sim GTest::gtest)
set(simulation_objects $<TARGET_OBJECTS:simulation_stories>)
foreach(test IN LISTS simulation_tests)
  get_filename_component(name ${test} NAME_WE)
  add_library(simulation_${name}_objects OBJECT ${test})
  target_link_libraries(simulation_${name}_objects PUBLIC simulation_stories)
  list(APPEND simulation_objects $<TARGET_OBJECTS:simulation_${name}_objects>)
  holdfast_test(simulation_${name} $<TARGET_OBJECTS:simulation_${name}_objects>
                $<TARGET_OBJECTS:simulation_stories>)
  target_link_options(simulation_${name} PRIVATE ${simulation_link_options})
  target_link_libraries(simulation_${name} PRIVATE holdfast hf_os_sim)
endforeach()

add_library(endurance OBJECT endurance/main.cc endurance/record.cc endurance/trial_run.cc)
target_link_libraries(endurance PUBLIC simulation_stories)
list(APPEND simulation_objects $<TARGET_OBJECTS:endurance>)
add_executable(simulation_run ${simulation_objects} endurance/no_faults.cc)
target_include_directories(simulation_run PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_options(simulation_run PRIVATE ${simulation_link_options})
target_link_libraries(simulation_run PRIVATE holdfast hf_os_sim GTest::gtest)

# Copies of the files of the engine that have faults come before the libraries with their originals.
set(plant ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/planted/plant.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS planted/faults.py planted/plant.py)
execute_process(COMMAND ${plant} --files OUTPUT_VARIABLE planted_files
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${plant} --names OUTPUT_VARIABLE planted_faults
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "\n" ";" planted_files "${planted_files}")
string(REPLACE "\n" ";" planted_faults "${planted_faults}")
set(planted_output ${CMAKE_CURRENT_BINARY_DIR}/planted)
list(TRANSFORM planted_files PREPEND ${planted_output}/ OUTPUT_VARIABLE planted_copies)
list(TRANSFORM planted_files PREPEND ${PROJECT_SOURCE_DIR}/src/ OUTPUT_VARIABLE planted_originals)
list(APPEND planted_copies ${planted_output}/faults.cc)
add_custom_command(OUTPUT ${planted_copies}
                   COMMAND ${plant} --write ${PROJECT_SOURCE_DIR}/src ${planted_output}
                   DEPENDS ${planted_originals} planted/faults.py planted/plant.py)
add_executable(simulation_planted ${planted_copies} ${simulation_objects})
target_compile_options(simulation_planted PRIVATE -Wno-error)
target_include_directories(simulation_planted PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_options(simulation_planted PRIVATE ${simulation_link_options})
target_link_libraries(simulation_planted PRIVATE holdfast hf_os_sim GTest::gtest)
foreach(fault IN LISTS planted_faults)
  add_test(NAME planted.${fault} COMMAND simulation_planted --fault ${fault} --soonest)
  # First, where nothing is known of how long tests take: alone in the end they would leave a core idle.
  set_tests_properties(planted.${fault} PROPERTIES TIMEOUT 900 COST 100)
endforeach()
