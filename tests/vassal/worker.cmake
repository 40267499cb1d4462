imperium_test(unit_worker unit
  announcement_test.cc command_test.cc connection_test.cc health_check_test.cc master_pulse_test.cc master_slots_test.cc request_body_test.cc request_log_test.cc request_mount_test.cc request_test.cc
  response_test.cc response_writer_test.cc static_files_test.cc touches_test.cc websocket_test.cc LINK vassal_worker vassal_websocket)

# The real program, talked to over its sockets and descriptors as router and emperor do.
foreach(subject wsgi packets handoff master)
  add_test(NAME vassal_${subject} COMMAND /usr/bin/python3 ${CMAKE_CURRENT_SOURCE_DIR}/${subject}_test.py)
  set_tests_properties(vassal_${subject} PROPERTIES
    LABELS system TIMEOUT 180 ENVIRONMENT "IMPERIUM_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
endforeach()
