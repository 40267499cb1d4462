// What a fuzz target claims about its subject; a broken claim is a crash that the fuzzer
// keeps.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void invariant(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", claim);
  std::abort();
}
