# The real program, talked to over its sockets and descriptors as router and emperor do.
foreach(subject wsgi packets handoff master)
  add_test(NAME vassal_${subject} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${subject}_test.py)
  set_tests_properties(vassal_${subject} PROPERTIES
    LABELS loop TIMEOUT 120 ENVIRONMENT "IMPERIUM_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endforeach()
