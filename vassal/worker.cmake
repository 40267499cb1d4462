# The program that serves one customer's application, and the runtimes that it opens.
add_library(vassal_exchange STATIC request.cc request_mount.cc response.cc)
target_link_libraries(vassal_exchange PUBLIC wire PRIVATE base_ini)

add_library(vassal_worker STATIC
  announcer.cc backlog.cc crowd.cc open_visit.cc serving.cc signer.cc
  command.cc command_start.cc command_state.cc
  connection.cc health_check.cc hooks_run.cc intake.cc journal.cc leftovers.cc lifeline.cc master.cc master_pulse.cc master_reload.cc master_signals.cc master_slots.cc master_workers.cc request_body.cc
  request_log.cc response_writer.cc scoreboard.cc server.cc startup.cc startup_arguments.cc static_files.cc touches.cc worker.cc)
target_link_libraries(vassal_worker PUBLIC vassal_exchange vassal_common vassal_spawn wire base Threads::Threads)

add_executable(vassal main.cc)
target_link_libraries(vassal PRIVATE vassal_worker ${CMAKE_DL_LIBS})
# Only what is really called is loaded at start.
target_link_options(vassal PRIVATE -Wl,--as-needed)

# Signatures of subscriptions: opened only where one is wanted.
add_library(imperium_sign MODULE sign/sign.cc)
set_target_properties(imperium_sign PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_link_libraries(imperium_sign PRIVATE PkgConfig::crypto)
target_link_options(imperium_sign PRIVATE -Wl,--as-needed)
add_dependencies(vassal imperium_sign)

# The frames of WebSockets: for runtimes that serve them.
add_library(vassal_websocket STATIC websocket.cc)
target_link_libraries(vassal_websocket PUBLIC imperium_flags PRIVATE wslay)

# The runtime carries its Python source within itself.
set(asgi_source ${CMAKE_CURRENT_SOURCE_DIR}/runtimes/python/asgi.py)
file(READ ${asgi_source} IMPERIUM_ASGI_SOURCE)
configure_file(runtimes/python/asgi_source.h.in ${CMAKE_BINARY_DIR}/generated/vassal/runtimes/python/asgi_source.h @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${asgi_source})

add_library(imperium_python MODULE
  runtimes/python/asgi.cc runtimes/python/core.cc runtimes/python/environ.cc runtimes/python/failure.cc runtimes/python/file_wrapper.cc
  runtimes/python/input.cc runtimes/python/interface.cc runtimes/python/interpreter.cc runtimes/python/load.cc runtimes/python/runtime.cc
  runtimes/python/scope.cc runtimes/python/start_response.cc runtimes/python/visit.cc)
set_target_properties(imperium_python PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
target_compile_definitions(imperium_python PRIVATE IMPERIUM_PYTHON="${Python3_EXECUTABLE}")
target_include_directories(imperium_python PRIVATE ${CMAKE_BINARY_DIR}/generated)
target_link_libraries(imperium_python PRIVATE vassal_exchange vassal_websocket base Python3::Python)
target_link_options(imperium_python PRIVATE -Wl,--as-needed)
add_dependencies(vassal imperium_python)
