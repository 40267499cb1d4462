"""Little worlds for the system tests, the demo and the benchmark: an emperor with its directory,
an nginx in front of it, clients that see every failure."""
