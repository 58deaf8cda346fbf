// cli/compile.cpp -- makes a program of one C++ file of the learner's own: the compiler is called directly, results are kept.
#include "compile.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "process.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

// Written by apps/cli/CMakeLists.txt: kCompiler, kFlags[], kLink[], kLesson, kHeaders, kParsed, kPackage.
#include "toolchain.inc"

std::string contents(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Hash {  // FNV-1a
  std::uint64_t value = 14695981039346656037u;
  void add(std::string_view s) {
    for (const char c : s) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211u;
    value = (value ^ 0xff) * 1099511628211u;  // "ab", "c" is not "a", "bc"
  }
  std::string hex() const {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
  }
};

// Changes whenever the file does: size and time of the last change.
std::string stamp(const std::string& file) {
  struct stat s {};
  if (stat(file.c_str(), &s) != 0) return "gone";
  return std::to_string(s.st_size) + " " + std::to_string(s.st_mtim.tv_sec) + "." + std::to_string(s.st_mtim.tv_nsec);
}

// The files in a rule "target: a b \ c", where a space in a name is "\ " and a dollar "$$".
std::vector<std::string> dependencies(const fs::path& rule) {
  const std::string text = contents(rule);
  std::vector<std::string> files;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && !word.ends_with(':')) files.push_back(word);
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\\' && next == '\n') end_word(), ++i;
    else if ((c == '\\' && (next == ' ' || next == '#')) || (c == '$' && next == '$')) word += next, ++i;
    else if (c == ' ' || c == '\n') end_word();
    else word += c;
  }
  end_word();
  return files;
}

// --- What is kept: programs/<hash> is a link to programs/<hash>.<unique>, which never changes once it is there, so that a
// program that another call is about to start does not vanish.

bool still_valid(const fs::path& entry) {
  std::ifstream in(entry / "made-of");
  std::string file, was;
  bool any = false;
  while (std::getline(in, file) && std::getline(in, was)) {
    any = true;
    if (stamp(file) != was) return false;
  }
  return any;
}

void remember(const fs::path& entry, const std::vector<std::string>& files) {
  std::ofstream out(entry / "made-of");
  for (const std::string& file : files) out << file << "\n" << stamp(file) << "\n";
}

// Keeps the newest ones; what is younger than an hour may be in use.
void forget_old(const fs::path& folder) {
  constexpr std::size_t most = 100;
  std::vector<std::pair<fs::file_time_type, fs::path>> entries;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (!it->is_symlink(ec)) entries.emplace_back(fs::last_write_time(it->path(), ec), it->path());
  }
  if (entries.size() <= most) return;
  std::sort(entries.rbegin(), entries.rend());
  const auto limit = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (std::size_t i = most; i < entries.size(); ++i) {
    if (entries[i].first < limit) fs::remove_all(entries[i].second, ec);
  }
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    if (it->is_symlink(ec) && !fs::exists(it->path(), ec)) fs::remove(it->path(), ec);
  }
}

std::string unique() {
  static std::atomic<int> count{0};
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  return std::to_string(getpid()) + "-" + std::to_string(++count) + "-" + std::to_string(now % 1000000);
}

bool make_folder(const fs::path& folder) {
  std::error_code ec;
  fs::create_directories(folder, ec);
  return !ec && access(folder.c_str(), W_OK | X_OK) == 0;
}

Diagnostic problem(const std::string& file, const std::string& message) {
  Diagnostic d;
  d.place.file = file;
  d.message = message;
  return d;
}

Compiled failed(Compiled result, const std::string& file, const std::string& message) {
  result.diagnostics.push_back(problem(file, message));
  return result;
}

bool includes(const std::string& text, const char* header) {
  for (std::size_t at = text.find(header); at != text.npos; at = text.find(header, at + 1)) {
    const std::size_t start = text.rfind('\n', at) + 1;
    if (text.compare(start, 8, "#include") == 0 && at - start < 11) return true;
  }
  return false;
}

// The parsed headers that suit a file which uses the course's: those that CMake made for lessons (course/CMakeLists.txt), so
// that a file which forgets an include may compile none the less. Empty if there are none.
std::string parsed_headers(const std::string& text) {
  if (!*kHeaders || !(includes(text, "\"common/lesson.h\"") || includes(text, "\"exercises/checks/"))) return "";
  const auto there = [](const char* which) {
    const std::string file = kHeaders + std::string(which) + ".dir/cmake_pch.hxx" + kParsed;
    return access(file.c_str(), R_OK) == 0 ? file : "";
  };
  const std::string with_layers = includes(text, "<cotangent/nn") ? there("_nn") : "";
  return with_layers.empty() ? there("") : with_layers;
}

}  // namespace

std::string package_folder() { return kPackage; }

std::string targets_of_compile(const std::string& file) {
  std::string targets = "ct_lesson cotangent";
  if (!*kHeaders) return targets;
  targets += " ct_course_headers";
  if (file.empty() || includes(contents(file), "<cotangent/nn")) targets += " ct_course_headers_nn";
  return targets;
}

std::string cache_folder(const std::string& subfolder) {
  std::vector<fs::path> places;
  if (const char* set = std::getenv("XDG_CACHE_HOME"); set && *set == '/') places.push_back(fs::path(set) / "cotangent");
  if (const char* home = std::getenv("HOME"); home && *home == '/') places.push_back(fs::path(home) / ".cache" / "cotangent");
  for (const fs::path& place : places) {
    if (make_folder(place / subfolder)) return (place / subfolder).string();
  }
  // In a folder that all may write to, ours must really be ours.
  std::error_code ec;
  fs::path temporary = fs::temp_directory_path(ec);
  if (ec) temporary = "/tmp";
  const fs::path mine = temporary / ("cotangent-" + std::to_string(getuid()));
  mkdir(mine.c_str(), 0700);
  struct stat s {};
  if (lstat(mine.c_str(), &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == getuid() && make_folder(mine / subfolder))
    return (mine / subfolder).string();
  std::string made = (temporary / "cotangent-XXXXXX").string();
  if (mkdtemp(made.data()) && make_folder(fs::path(made) / subfolder)) return (fs::path(made) / subfolder).string();
  return (temporary / subfolder).string();
}

Compiled compile(const std::string& source, const CompileOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Compiled result;
  std::error_code ec;
  const fs::path file = fs::absolute(source, ec).lexically_normal();
  if (!fs::is_regular_file(file, ec))
    return failed(result, source, fs::exists(file, ec) ? "this is no file" : "there is no such file");
  if (access(file.c_str(), R_OK) != 0) return failed(result, source, "this file may not be read");

  std::vector<std::string> command{kCompiler};
  command.insert(command.end(), std::begin(kFlags), std::end(kFlags));
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  for (const std::string& d : options.definitions) command.push_back("-D" + d);
  // The learner's own folders come first, so that a header of theirs is found, whatever it is called.
  std::vector<std::string>::iterator at =
      std::find_if(command.begin(), command.end(), [](const std::string& s) { return s.starts_with("-I"); });
  for (auto it = options.folders.rbegin(); it != options.folders.rend(); ++it)
    at = command.insert(at, "-I" + fs::absolute(*it).string());

  std::vector<std::string> linked;
  for (const std::string& with : options.with) {
    if (!with.ends_with(".cpp")) {
      linked.push_back(fs::absolute(with).lexically_normal().string());
      continue;
    }
    CompileOptions part = options;
    part.with.clear();
    part.object = true;
    const Compiled object = compile(with, part);
    if (!object.ok) return object;
    linked.push_back(object.program);
  }

  const std::string text = contents(file);
  const std::string headers = parsed_headers(text);  // the compiler is told the name without the last part, and finds it
  if (!headers.empty()) command.insert(command.end(), {"-include", fs::path(headers).replace_extension().string()});
  Hash hash;
  for (const std::string& word : command) hash.add(word);
  for (const std::string& word : linked) hash.add(word);
  for (const char* word : kLink) hash.add(word);
  hash.add(stamp(kCompiler));
  hash.add(options.object ? "object" : "program");
  hash.add(file.string());
  hash.add(text);
  const fs::path folder = cache_folder("programs"), link = folder / hash.hex();
  const std::string name = file.stem().string() + (options.object ? ".o" : "");

  const fs::path known = fs::read_symlink(link, ec);
  if (const fs::path entry = folder / known; !ec && still_valid(entry) && fs::exists(entry / name, ec)) {
    result.ok = result.kept = true;
    result.program = (entry / name).string();
    result.log = (entry / "compiler.txt").string();
    fs::last_write_time(entry, fs::file_time_type::clock::now(), ec);  // it is in use, so it is not old
  } else {
    const std::string id = hash.hex() + "." + unique();
    const fs::path made = folder / id;
    if (!make_folder(made)) return failed(result, "", "the folder " + made.string() + " cannot be made");
    const fs::path rule = made / "depends";
    for (const std::string& word :
         {std::string("-MD"), std::string("-MF"), rule.string(), std::string(options.object ? "-c" : "-o")})
      command.push_back(word);
    if (options.object) command.push_back("-o");
    command.push_back((made / name).string());
    command.push_back(file.string());
    if (!options.object) {
      command.insert(command.end(), linked.begin(), linked.end());
      command.insert(command.end(), std::begin(kLink), std::end(kLink));
    }
    Command call;
    call.arguments = command;
    call.environment = {{"LC_ALL", "C"}, {"GCC_COLORS", ""}};
    call.output = Command::Output::capture;
    call.seconds = options.seconds;
    const Finished finished = run_process(call);
    result.interrupted = finished.interrupted;
    result.ok = finished.ok();
    {
      std::ofstream log(made / "compiler.txt");
      log << finished.output;
      if (!finished.error.empty()) log << kCompiler << ": error: " << what_happened(finished) << "\n";
      else if (finished.timed_out) log << "error: the compiler was " << what_happened(finished) << "\n";
    }
    result.log = (made / "compiler.txt").string();
    if (result.ok) {
      result.program = (made / name).string();
      std::vector<std::string> files = dependencies(rule);
      std::erase(files, file.string());  // known by its contents
      files.insert(files.end(), linked.begin(), linked.end());
      if (!headers.empty()) files.push_back(headers);  // the compiler's list leaves out what is in it
      if (!options.object && *kLesson) files.push_back(kLesson);
      remember(made, files);
      // If the file was saved meanwhile, nobody knows which of the two was compiled.
      const fs::path next = folder / (id + ".link");
      if (contents(file) == text) {
        fs::create_symlink(id, next, ec);
        if (!ec) fs::rename(next, link, ec);
      }
    } else if (finished.timed_out || !finished.error.empty()) {
      result.diagnostics.push_back(problem(kCompiler, "the compiler " + what_happened(finished)));
    }
    forget_old(folder);
  }
  result.text = contents(result.log);
  if (result.diagnostics.empty()) result.diagnostics = for_learner(parse_diagnostics(result.text), file.string());
  if (!result.ok && !result.interrupted &&
      std::none_of(result.diagnostics.begin(), result.diagnostics.end(),
                   [](const Diagnostic& d) { return d.kind == Diagnostic::Kind::error; }))
    result = failed(result, source, "it does not compile, and the compiler's text is not understood; it is in the log");
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

std::string report(const Compiled& result, std::size_t most) {
  std::vector<Diagnostic> shown;
  const auto kind = result.ok ? Diagnostic::Kind::warning : Diagnostic::Kind::error;
  for (const Diagnostic& d : result.diagnostics) {
    if (d.kind == kind) shown.push_back(d);
  }
  if (shown.empty()) return "";
  std::string out = to_text(shown, most);
  if (!result.ok && !result.text.empty()) out += "The compiler's full text: " + result.log + "\n";
  return out;
}

}  // namespace cli
