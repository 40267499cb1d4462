# One place for the warnings, and for the flags that every program is built with.
option(IMPERIUM_WERROR "Treat warnings as errors" OFF)

add_library(imperium_flags INTERFACE)
target_compile_options(imperium_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wconversion -Wimplicit-fallthrough -Wold-style-cast
  $<$<BOOL:${IMPERIUM_WERROR}>:-Werror>)
target_compile_definitions(imperium_flags INTERFACE
  _GNU_SOURCE IMPERIUM_VERSION="${PROJECT_VERSION}")
