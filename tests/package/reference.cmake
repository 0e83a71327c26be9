# cmake -DPROGRAM=... -DCOMMITTED=docs/cli.md -DPRINTED=... -P reference.cmake
execute_process(COMMAND ${PROGRAM} reference --format markdown OUTPUT_FILE ${PRINTED}
                RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "holdfast reference failed")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${COMMITTED} ${PRINTED}
                RESULT_VARIABLE differs)
if(differs)
  message(FATAL_ERROR "${COMMITTED} is not what the program prints: scripts/document writes it anew")
endif()
