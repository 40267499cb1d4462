// Feeds every file of a directory to one of the targets: the regression half of fuzzing.
// All targets are in one program, each under its own name.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#define TARGET(name) extern "C" int fuzz_##name(const uint8_t* data, size_t size);
#include "targets.inc"
#undef TARGET

namespace {

struct Target {
  std::string_view name;
  int (*take)(const uint8_t* data, size_t size);
};

#define TARGET(name) {#name, fuzz_##name},
constexpr Target kTargets[] = {
#include "targets.inc"
};
#undef TARGET

int replay(const Target& target, const char* corpus) {
  int replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
    target.take(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++replayed;
  }
  std::printf("%d inputs replayed\n", replayed);
  return replayed > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  for (const Target& target : kTargets)
    if (argc == 3 && target.name == argv[1]) return replay(target, argv[2]);
  std::fputs("usage: fuzz_replay TARGET DIRECTORY\n", stderr);
  return 2;
}
