#include "vassal/signer.h"

#include <dlfcn.h>

#include <array>

#include "vassal/sign/sign.h"

namespace vassal {

namespace {
constexpr size_t kMostSignature = 2048;
}  // namespace

base::Result<> Signer::open() {
  if (function_ != nullptr) return {};
  const std::string path = directory_ + "/imperium_sign.so";
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object != nullptr) function_ = ::dlsym(object, kSignSymbol);
  if (function_ == nullptr) return base::fail(std::string("sign: ") + ::dlerror());
  return {};
}

base::Result<std::string> Signer::sign(const std::string& digest,
                                       const std::string& key_file,
                                       std::string_view text) {
  TRY(open());
  std::array<unsigned char, kMostSignature> out;
  size_t size = out.size();
  auto* const function = reinterpret_cast<ImperiumSign*>(function_);
  const char* wrong = function(digest.c_str(), key_file.c_str(), text.data(), text.size(),
                               out.data(), &size);
  if (wrong != nullptr) return base::fail("sign with " + key_file + ": " + wrong);
  return std::string(reinterpret_cast<const char*>(out.data()), size);
}

}  // namespace vassal
