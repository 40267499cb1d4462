// Which files of a directory are certificates, and what may be in the way.
#include "base/certificate_files.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.h"

namespace {

struct Directory {
  support::TempDir dir = {};
  std::filesystem::path path = dir.path();

  void put(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name) << text;
    ::chmod((path / name).c_str(), mode);
  }
};

std::string told(const base::CertificateFiles& read) {
  std::string text;
  for (const auto& file : read.files)
    text += file.name + "(" + file.certificate + "," + file.key + ")" +
            (file.fault.empty() ? "" : "!" + file.fault) + "\n";
  return text;
}

}  // namespace

TEST_SUITE("base") {
  TEST_CASE("certificate files: pairs, both in one, and what an ACME client leaves") {
    const Directory dir;
    dir.put("a.crt", "A");
    dir.put("a.key", "a");
    dir.put("b.pem", "Bb");
    dir.put("c.pem", "C");
    dir.put("c.key", "c");
    dir.put("d.example/fullchain.pem", "D");
    dir.put("d.example/privkey.pem", "d");
    dir.put("d.example/chain.pem", "?");
    dir.put("e.crt", "E");
    dir.put("README", "?");
    dir.put(".hidden.pem", "?");
    dir.put("empty/README", "?");
    base::CertificateDirectory certificates(dir.path);
    const auto read = certificates.read_if_changed();
    REQUIRE(read);
    REQUIRE(*read);
    CHECK(told(**read) ==
          "a.crt(A,a)\nb.pem(Bb,Bb)\nc.pem(C,c)\nd.example/fullchain.pem(D,d)\n"
          "e.crt(,)!e.key: No such file or directory\n");
    CHECK((*read)->warnings.empty());
  }

  TEST_CASE("certificate files: nothing is read twice, and every change is seen") {
    const Directory dir;
    dir.put("a.pem", "A");
    base::CertificateDirectory certificates(dir.path);
    REQUIRE(certificates.read_if_changed().value());
    CHECK_FALSE(certificates.read_if_changed().value());
    dir.put("a.pem", "B");
    CHECK(told(*certificates.read_if_changed().value()) == "a.pem(B,B)\n");
    dir.put("x/fullchain.pem", "X");
    CHECK(certificates.read_if_changed().value()->files.size() == 2);
    dir.put("x/privkey.pem", "x");
    CHECK(certificates.read_if_changed().value()->files[1].key == "x");
    std::filesystem::remove(dir.path / "a.pem");
    CHECK(certificates.read_if_changed().value()->files.size() == 1);
    std::filesystem::remove_all(dir.path);
    CHECK_FALSE(certificates.read_if_changed());
  }

  TEST_CASE("certificate files: keys that everybody can read are warned about") {
    const Directory dir;
    dir.put("a.crt", "A", 0644);
    dir.put("a.key", "a", 0644);
    dir.put("b.crt", "B", 0644);
    dir.put("b.key", "b", 0640);
    base::CertificateDirectory certificates(dir.path);
    const auto read = certificates.read_if_changed().value();
    REQUIRE(read->warnings.size() == 1);
    CHECK(read->warnings[0].find("a.key") != std::string::npos);
  }

  TEST_CASE(
      "certificate files: what is large, no file, or a link of somebody's is not read") {
    const Directory dir;
    dir.put("a.pem", std::string(300'000, 'x'));
    std::filesystem::create_directory(dir.path / "b.pem");
    REQUIRE(::mkfifo((dir.path / "c.pem").c_str(), 0600) == 0);
    dir.put("real", "R");
    std::filesystem::create_symlink("real", dir.path / "d.pem");
    base::CertificateDirectory trusted(dir.path);
    auto read = trusted.read_if_changed().value();
    REQUIRE(read->files.size() == 4);
    CHECK(read->files[0].fault == "a.pem: File too large");
    CHECK(read->files[1].fault == "b.pem: is no regular file");
    CHECK(read->files[2].fault == "c.pem: is no regular file");
    CHECK(read->files[3].key == "R");
    ::chmod(dir.path.c_str(), 0777);
    base::CertificateDirectory loose(dir.path);
    read = loose.read_if_changed().value();
    CHECK(read->files[3].fault.find("links") != std::string::npos);
    CHECK(read->files[3].key.empty());
  }

  TEST_CASE(
      "certificate files: nothing is left of a key, also if it stood in the chain") {
    const Directory dir;
    dir.put("both.pem", "chain and key");
    base::CertificateDirectory certificates(dir.path);
    auto read = certificates.read_if_changed().value();
    base::CertificateFile& file = read->files.front();
    CHECK(file.certificate == "chain and key");
    CHECK(file.key == "chain and key");
    base::wipe(file);
    CHECK(file.certificate == std::string(13, '\0'));
    CHECK(file.key == std::string(13, '\0'));
  }
}
