# The libraries of the distribution that Imperium stands on, each as one imported target.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(uv REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(inih REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(cgroup REQUIRED IMPORTED_TARGET libcgroup)
find_package(spdlog REQUIRED)
find_package(doctest REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
pkg_check_modules(crypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(ssl REQUIRED IMPORTED_TARGET libssl)
find_library(HTTP_PARSER_LIBRARY http_parser REQUIRED)

# libpython belongs to the python runtime alone (vassal/runtimes/python); the Python of the distribution, whatever else is on PATH.
set(Python3_FIND_STRATEGY LOCATION)
set(Python3_ROOT_DIR /usr CACHE PATH "Where the Python to embed lives")
find_package(Python3 REQUIRED COMPONENTS Interpreter Development.Embed)
