# What emperor, vassal and emperorctl share: the meaning of a vassal's file.
add_library(vassal_common STATIC
  address.cc announcement.cc apply.cc apply_asgi.cc apply_logs.cc cgroup_options.cc command_plan.cc config.cc explain.cc hooks.cc layers.cc names.cc options.cc options_other.cc reader.cc
  read_result.cc settings_codec.cc sockets.cc uwsgi_names.cc)
target_link_libraries(vassal_common PUBLIC base base_ini wire)
