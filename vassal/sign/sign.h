// The one symbol of imperium_sign.so.
#pragma once

#include <cstddef>

extern "C" {
/// Null, or what is wrong. `size`: of the room at `out`, then of the signature there.
using ImperiumSign = const char*(const char* digest,
                                 const char* key_file,
                                 const char* text,
                                 std::size_t text_size,
                                 unsigned char* out,
                                 std::size_t* size);
ImperiumSign imperium_sign;
}
inline constexpr char kSignSymbol[] = "imperium_sign";
