// cli/compile.cpp -- programs made of one file: kept until something that they are made of changes.
#include "compile.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "process.h"

namespace fs = std::filesystem;

namespace {

struct Folder {
  std::string path;
  Folder() {
    char name[] = "/tmp/ct-compile-XXXXXX";
    path = mkdtemp(name);
    setenv("XDG_CACHE_HOME", (path + "/cache").c_str(), 1);
  }
  ~Folder() {
    unsetenv("XDG_CACHE_HOME");
    fs::remove_all(path);
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
};

std::string output(const cli::Compiled& c) {
  cli::Command command;
  command.arguments = {c.program};
  command.output = cli::Command::Output::capture;
  return run_process(command).output;
}

}  // namespace

TEST_CASE("headers that were parsed for lessons serve a learner's file too, which is compiled again when they change") {
  const Folder folder;
  const auto source = folder.write("lesson.cpp", "#include \"common/lesson.h\"\nint main() { return lesson::finish(); }\n");
  const auto targets = cli::targets_of_compile(source);
  if (targets.find("ct_course_headers") == targets.npos) return;  // CT_COURSE_PCH is off
  CHECK(targets == "ct_lesson cotangent ct_course_headers");
  CHECK(cli::targets_of_compile() == "ct_lesson cotangent ct_course_headers ct_course_headers_nn");
  const auto with_layers = folder.write("layers.cpp", "#include \"common/lesson.h\"\n#include <cotangent/nn.h>\nint main() {}\n");
  CHECK(cli::targets_of_compile(with_layers) == cli::targets_of_compile());
  const auto made_of = [](const cli::Compiled& c) {
    REQUIRE_MESSAGE(c.ok, c.text);
    std::ifstream in(c.program.substr(0, c.program.rfind('/')) + "/made-of");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  CHECK(made_of(cli::compile(source)).find("ct_course_headers.dir/cmake_pch.hxx.") != std::string::npos);
  // No line of ours is needed to include what is in them, but a file that does not include ours gets none of them.
  CHECK(made_of(cli::compile(folder.write("other.cpp", "#include <vector>\nint main() {}\n"))).find("cmake_pch") == std::string::npos);
  CHECK(!cli::compile(folder.write("lacks.cpp", "// \"common/lesson.h\"\nint main() { std::vector<int> v; }\n")).ok);
}

TEST_CASE("a program is made once, and again when it or what it includes has changed") {
  const Folder folder;
  const auto source = folder.write(
      "my program.cpp", "#include <cstdio>\n#include \"mine.h\"\nint main() { std::printf(\"%d %s\", VALUE, TEXT); }\n");
  folder.write("mine.h", "#define VALUE 1\n");
  cli::CompileOptions options;
  options.definitions = {"TEXT=\"a b\""};
  const auto first = cli::compile(source, options);
  REQUIRE_MESSAGE(first.ok, first.text);
  CHECK(!first.kept);
  CHECK(output(first) == "1 a b");
  const auto second = cli::compile(source, options);
  CHECK(second.kept);
  CHECK(second.program == first.program);
  CHECK(second.seconds < 0.5);
  options.definitions = {"TEXT=\"c\""};
  const auto other = cli::compile(source, options);
  CHECK(!other.kept);
  CHECK(output(other) == "1 c");
  folder.write("mine.h", "#define VALUE 22\n");
  const auto changed = cli::compile(source, options);
  CHECK(!changed.kept);
  CHECK(output(changed) == "22 c");
  CHECK(output(other) == "1 c");  // what was made before stays as it was
}

TEST_CASE("errors are told with the learner's line, and the full text is kept") {
  const Folder folder;
  const auto bad = cli::compile(folder.write("bad.cpp", "int main() {\n  int x = \"a\";\n  return y;\n}\n"));
  CHECK(!bad.ok);
  REQUIRE(bad.diagnostics.size() == 2);
  CHECK(bad.diagnostics[0].place.line == 2);
  CHECK(bad.diagnostics[1].place.line == 3);
  CHECK(report(bad).find("The compiler's full text: " + bad.log) != std::string::npos);
  CHECK(fs::file_size(bad.log) > 50);
  const auto missing = cli::compile(folder.path + "/none.cpp");
  CHECK(report(missing) == folder.path + "/none.cpp: error: there is no such file\n");
  CHECK(!cli::compile(folder.path).ok);
  CHECK(!cli::compile(folder.write("empty.cpp", "")).ok);
  // Warnings are told with a program that was kept as well.
  const auto source = folder.write("warned.cpp", "static void f() {}\nint main() {}\n");
  CHECK(report(cli::compile(source)).find("warned.cpp:1:") != std::string::npos);
  CHECK(report(cli::compile(source)).find("warned.cpp:1:") != std::string::npos);
}

TEST_CASE("further sources are linked, and many calls may run at once") {
  const Folder folder;
  const auto source = folder.write("a.cpp", "#include <cstdio>\nint f();\nint main() { std::printf(\"%d\", f()); }\n");
  cli::CompileOptions options;
  options.with = {folder.write("b.cpp", "int f() { return 42; }\n")};
  std::vector<cli::Compiled> results(6);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = cli::compile(source, options); });
  for (auto& t : threads) t.join();
  for (const auto& result : results) {
    REQUIRE_MESSAGE(result.ok, result.text);
    CHECK(output(result) == "42");
  }
  CHECK(cli::compile(source, options).kept);
  folder.write("b.cpp", "int f() { return 43; }\n");
  CHECK(output(cli::compile(source, options)) == "43");
}

TEST_CASE("without a folder for the cache there is another one") {
  const Folder folder;
  setenv("XDG_CACHE_HOME", folder.write("file", "x").c_str(), 1);
  const std::string home = getenv("HOME") ? getenv("HOME") : "/";
  setenv("HOME", "/dev/null", 1);
  const auto made = cli::cache_folder("programs");
  setenv("HOME", home.c_str(), 1);
  CHECK(fs::is_directory(made));
  CHECK(made.find("cotangent-") != std::string::npos);
}
