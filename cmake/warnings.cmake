# One place for the warnings, and for the flags that every program is built with.
option(IMPERIUM_WERROR "Treat warnings as errors" OFF)

add_library(imperium_flags INTERFACE)
target_compile_options(imperium_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wconversion -Wimplicit-fallthrough -Wold-style-cast
  $<$<BOOL:${IMPERIUM_WERROR}>:-Werror>)
target_compile_definitions(imperium_flags INTERFACE
  _GNU_SOURCE IMPERIUM_VERSION="${PROJECT_VERSION}")

# What nearly every file includes, read once for each part: a third of the time of a build. Files
# include what they use all the same; the build of script/lint, which has no such header, sees to it.
target_precompile_headers(imperium_flags INTERFACE
  <algorithm> <chrono> <coroutine> <cstdint> <cstring> <deque> <expected> <functional> <map>
  <memory> <optional> <span> <string> <string_view> <unordered_map> <utility> <vector>
  <base/log.h> <base/result.h>)
