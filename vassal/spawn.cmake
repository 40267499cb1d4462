# Starting a process as somebody else, confined: used by the emperor for vassals and routers. No libuv, no threads.
add_library(vassal_spawn STATIC
  ${CMAKE_CURRENT_LIST_DIR}/bind.cc
  ${CMAKE_CURRENT_LIST_DIR}/bind_request.cc
  ${CMAKE_CURRENT_LIST_DIR}/clone.cc
  ${CMAKE_CURRENT_LIST_DIR}/identity.cc
  ${CMAKE_CURRENT_LIST_DIR}/ladder.cc
  ${CMAKE_CURRENT_LIST_DIR}/spawn.cc
  ${CMAKE_CURRENT_LIST_DIR}/spawn_plan.cc)
target_link_libraries(vassal_spawn PUBLIC cgroups base)
