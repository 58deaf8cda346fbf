// cli/new.cpp -- makes a project of the learner's own, outside of this repository. Its files lie in apps/cli/project/.
#include "new.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "compile.h"
#include "files.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

constexpr int kUsage = 2;

struct File {
  const char* from;
  const char* to;
  const char* about;
};
constexpr File kFiles[] = {
    {"main.cpp", "main.cpp", "a program that follows a gradient"},
    {"throw.h", "throw.h", "the function that it differentiates"},
    {"test.cpp", "test.cpp", "checks the gradient"},
    {"CMakeLists.txt", "CMakeLists.txt", "how both are built"},
    {"CMakePresets.json", "CMakePresets.json", "with which options"},
    {"README.md", "README.md", "what to type"},
    {"gitignore", ".gitignore", "what Git leaves out"},  // here without the point: it would hide files of ours
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool fits(char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

int fail(const std::string& problem) {
  std::cerr << "cotangent: " << problem << "\n";
  return 1;
}

// In a quoted argument of CMake.
std::string quoted(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == '\\' || c == '"' || c == '$') out += '\\';
    out += c;
  }
  return out;
}

std::string filled(std::string text, const std::string& name) {
  const std::pair<std::string, std::string> gaps[] = {{"@NAME@", name}, {"@PACKAGE@", quoted(package_folder())}};
  for (const auto& [gap, value] : gaps) {
    for (std::size_t at = 0; (at = text.find(gap, at)) != text.npos; at += value.size()) text.replace(at, gap.size(), value);
  }
  return text;
}

// Makes a file that must not be there yet. Returns what went wrong.
std::string make_file(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  std::size_t done = 0;
  while (fd >= 0 && done < text.size()) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) break;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  int error = fd >= 0 && done == text.size() ? 0 : errno;
  if (fd >= 0 && close(fd) != 0 && !error) error = errno;
  if (!error) return "";
  if (fd >= 0) unlink(path.c_str());  // ours, and not whole
  return path.string() + ": " + std::strerror(error);
}

// What lies in the folder, except for an empty repository's .git.
std::vector<std::string> names_in(const fs::path& folder, std::error_code& ec) {
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (const std::string name = it->path().filename().string(); name != ".git") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 6;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) out += (i ? ", " : "") + names[i];
  return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
}

}  // namespace

std::string name_from_folder(const std::string& folder) {
  std::string name;
  for (const char c : fs::absolute(folder).lexically_normal().string() + "/") {
    if (c != '/') name += fits(c) ? c : '_';
    else if (!name.empty() && name.back() != '/') name += '/';
  }
  while (name.ends_with('/')) name.pop_back();
  name = name.substr(name.rfind('/') == name.npos ? 0 : name.rfind('/') + 1);
  const auto letter = std::find_if(name.begin(), name.end(), is_letter);  // 2_nets -> nets
  name.erase(name.begin(), letter);
  return problem_with_name(name).empty() || name.empty() ? name : name + "_project";
}

std::string problem_with_name(const std::string& name) {
  if (name.empty() || !is_letter(name[0]) || !std::all_of(name.begin(), name.end(), fits))
    return "a project's name begins with a letter and goes on with letters, digits, _ or -, which '" + name + "' does not";
  if (name.size() > 60) return "the name is too long: " + std::to_string(name.size()) + " letters, and 60 are the most";
  // Targets of CMake's own and ours.
  for (const char* taken : {"all", "build", "clean", "cotangent", "depend", "edit_cache", "help", "install",
                            "list_install_components", "package", "rebuild_cache", "test"}) {
    if (name == taken) return "'" + name + "' means something else to CMake; take another name";
  }
  return "";
}

int new_command(const std::vector<std::string>& words) {
  const auto option =
      std::find_if(words.begin(), words.end(), [](const std::string& w) { return w.starts_with('-') || w.empty(); });
  if (words.empty() || words.size() > 2 || option != words.end()) {
    std::cerr << "cotangent: new takes the folder to make, and perhaps a name for the project: ./cotangent new my_project\n";
    return kUsage;
  }
  const std::string shown = words[0].size() > 1 && words[0].ends_with('/') ? words[0].substr(0, words[0].size() - 1) : words[0];
  const fs::path folder = shown;
  std::error_code ec;
  if (fs::exists(fs::symlink_status(folder, ec)) && !fs::is_directory(folder, ec))
    return fail(shown + " is there already, and it is no folder");
  const bool made = !fs::exists(folder, ec);
  if (!made) {
    const auto names = names_in(folder, ec);
    if (ec) return fail(shown + ": " + ec.message());
    if (!names.empty())
      return fail(shown + " is not empty: it has " + listed(names) + ". Nothing was changed; name a new folder.");
  }
  const std::string name = words.size() > 1 ? words[1] : name_from_folder(shown);
  if (const std::string problem = problem_with_name(name); !problem.empty()) {
    std::cerr << "cotangent: " << problem << "\n  A name of its own comes second: ./cotangent new " << shown << " my_project\n";
    return kUsage;
  }
  if (package_folder().empty())
    return fail("this build has no package for find_package(cotangent): it was configured with CT_INSTALL=OFF");

  const fs::path templates = fs::path(CT_COURSE_DIR).parent_path() / "apps" / "cli" / "project";
  std::vector<std::pair<fs::path, std::string>> files;
  for (const File& f : kFiles) {
    const auto text = read_file((templates / f.from).string());
    if (!text) return fail((templates / f.from).string() + ": " + std::strerror(errno));
    files.emplace_back(folder / f.to, filled(*text, name));
  }
  fs::create_directories(folder, ec);
  if (ec) return fail("the folder " + shown + " cannot be made: " + ec.message());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string problem = make_file(files[i].first, files[i].second);
    if (problem.empty()) continue;
    while (i-- > 0) fs::remove(files[i].first, ec);  // all or nothing
    if (made) fs::remove(folder, ec);
    return fail(problem);
  }

  std::cout << shown << " is a project of your own, " << name << ":\n";
  for (const File& f : kFiles) {
    const std::string file = f.to;
    std::cout << "  " << file << std::string(20 - file.size(), ' ') << f.about << "\n";
  }
  std::cout << "\nNext:\n  cd " << shown << "\n  cmake --preset default && cmake --build build\n  ./build/" << name
            << "\n  ctest --preset default\n";
  return 0;
}

}  // namespace cli
