// core/location.cpp -- addresses to source lines, through elfutils' libdw where it is installed. See Note [Source lines].
#include "core/location.h"

#include "cotangent/autograd.h"

#if defined(__ELF__) && defined(__unix__) && !defined(__EMSCRIPTEN__)
#define CT_HAVE_DL 1
#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>
#include <vector>
#endif

#ifdef CT_HAVE_DL
// A program that compiles code while it runs (a notebook's worker) knows the lines of such code, and sets this. It is asked first;
// false: the address is not of its code.
extern "C" __attribute__((visibility("default"))) bool (*ct_line_of_address)(const void* return_address, char* file, std::size_t size, int* line);
bool (*ct_line_of_address)(const void*, char*, std::size_t, int*) = nullptr;
#endif

namespace ct {

std::string to_string(const SourceLocation& l) {
  if (l.file.empty()) return l.function;
  return l.file.substr(l.file.find_last_of('/') + 1) + ":" + std::to_string(l.line);
}

namespace detail {

#ifndef CT_HAVE_DL

SourceLocation locate(const void*) { return {}; }

#else

namespace {

// What we use of libdw, whose headers need not be installed; its interface is stable since version 0.130 (2008).
struct Dwfl;
struct Module;
struct Line;
struct Files;
struct Die { void *address, *unit, *abbreviation; long padding; };
struct Attribute { unsigned code, form; unsigned char* value; void* unit; };
struct Symbol { std::uint64_t words[3]; };
struct Callbacks {
  int (*find_elf)();
  int (*find_debuginfo)();
  int (*section_address)();
  char** debuginfo_path;
};
constexpr int tag_inlined = 0x1d, tag_subprogram = 0x2e;
constexpr unsigned at_call_file = 0x58, at_call_line = 0x59;

struct Libdw {
  Dwfl* (*begin)(const Callbacks*) = nullptr;
  int (*report)(Dwfl*, int pid) = nullptr;
  int (*report_end)(Dwfl*, void*, void*) = nullptr;
  Module* (*module_of)(Dwfl*, std::uint64_t) = nullptr;
  Die* (*unit_of)(Module*, std::uint64_t, std::uint64_t* bias) = nullptr;
  Die* (*next_unit)(Module*, Die*, std::uint64_t* bias) = nullptr;
  const char* (*symbol_of)(Module*, std::uint64_t, std::uint64_t* offset, Symbol*, void*, void*, void*) = nullptr;
  const char* (*module_info)(Module*, void*, std::uint64_t*, std::uint64_t*, std::uint64_t*, std::uint64_t*, const char** file, const char**) = nullptr;
  int (*has_pc)(Die*, std::uint64_t) = nullptr;
  Line* (*line_of)(Die* unit, std::uint64_t) = nullptr;
  const char* (*line_file)(Line*, void*, void*) = nullptr;
  int (*line_number)(Line*, int*) = nullptr;
  int (*scopes)(Die* unit, std::uint64_t, Die**) = nullptr;
  int (*scopes_around)(Die*, Die**) = nullptr;
  int (*tag)(Die*) = nullptr;
  const char* (*name)(Die*) = nullptr;
  Attribute* (*attribute)(Die*, unsigned, Attribute*) = nullptr;
  int (*number)(Attribute*, std::uint64_t*) = nullptr;
  int (*files)(Die* unit, Files**, std::size_t*) = nullptr;
  const char* (*file)(Files*, std::size_t, void*, void*) = nullptr;
  Callbacks callbacks{};
  bool complete = false;
};

const Libdw& libdw() {
  static const Libdw result = [] {
    Libdw l;
    void* lib = dlopen("libdw.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!lib) return l;
    bool all = true;
    auto find = [&](auto& f, const char* name) {
      f = reinterpret_cast<std::remove_reference_t<decltype(f)>>(dlsym(lib, name));
      all &= f != nullptr;
    };
    find(l.begin, "dwfl_begin");
    find(l.report, "dwfl_linux_proc_report");
    find(l.report_end, "dwfl_report_end");
    find(l.module_of, "dwfl_addrmodule");
    find(l.unit_of, "dwfl_module_addrdie");
    find(l.next_unit, "dwfl_module_nextcu");
    find(l.symbol_of, "dwfl_module_addrinfo");
    find(l.module_info, "dwfl_module_info");
    find(l.has_pc, "dwarf_haspc");
    find(l.line_of, "dwarf_getsrc_die");
    find(l.line_file, "dwarf_linesrc");
    find(l.line_number, "dwarf_lineno");
    find(l.scopes, "dwarf_getscopes");
    find(l.scopes_around, "dwarf_getscopes_die");
    find(l.tag, "dwarf_tag");
    find(l.name, "dwarf_diename");
    find(l.attribute, "dwarf_attr");
    find(l.number, "dwarf_formudata");
    find(l.files, "dwarf_getsrcfiles");
    find(l.file, "dwarf_filesrc");
    find(l.callbacks.find_elf, "dwfl_linux_proc_find_elf");
    find(l.callbacks.find_debuginfo, "dwfl_standard_find_debuginfo");
    l.complete = all;
    return l;
  }();
  return result;
}

// Lines of our headers and of the standard library's are passed over: inline doors, not what the reader wrote.
bool is_door(std::string_view file) {
  return file.find("include/cotangent/") != std::string_view::npos || file.find("/include/c++/") != std::string_view::npos;
}

std::string function_name(const char* symbol) {
  if (!symbol) return {};
  int status = 0;
  char* plain = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  std::string name = status == 0 && plain ? plain : symbol;
  std::free(plain);
  return name;
}

// "main+0x1f of prog", for programs without debug information.
std::string symbol_place(const char* symbol, std::uint64_t offset, const char* file) {
  const std::string_view path = file ? file : "";
  std::string out = function_name(symbol);
  if (out.empty()) return out;
  char hex[24];
  std::snprintf(hex, sizeof hex, "+0x%llx", static_cast<unsigned long long>(offset));
  return out.append(hex).append(" of ").append(path.substr(path.find_last_of('/') + 1));
}

// Walks from the innermost inlined call outwards to the first line that the reader wrote.
SourceLocation from_debug_info(const Libdw& dw, Die* unit, std::uint64_t pc) {
  Line* line = dw.line_of(unit, pc);
  if (!line) return {};
  SourceLocation at;
  const char* file = dw.line_file(line, nullptr, nullptr);
  dw.line_number(line, &at.line);
  at.file = file ? file : "";

  Die *here = nullptr, *around = nullptr;
  const int depth = dw.scopes(unit, pc, &here);
  const int n = depth > 0 ? dw.scopes_around(&here[0], &around) : 0;
  Files* files = nullptr;
  std::size_t n_files = 0;
  dw.files(unit, &files, &n_files);
  for (int i = 0; i < n; ++i) {
    const int tag = dw.tag(&around[i]);
    if (tag != tag_inlined && tag != tag_subprogram) continue;
    const char* name = dw.name(&around[i]);
    at.function = name ? name : "";
    if (!is_door(at.file) || tag == tag_subprogram) break;
    Attribute a;
    std::uint64_t number = 0;
    if (!dw.attribute(&around[i], at_call_file, &a) || dw.number(&a, &number) || number >= n_files) break;
    file = dw.file(files, number, nullptr, nullptr);
    if (!dw.attribute(&around[i], at_call_line, &a) || dw.number(&a, &number)) break;
    at.file = file ? file : "";
    at.line = static_cast<int>(number);
  }
  std::free(here);
  std::free(around);
  if (is_door(at.file)) return {};  // a door that the compiler left standing: its line would tell nothing
  return at;
}

SourceLocation look_up(const Libdw& dw, Dwfl* session, std::uint64_t pc, bool& known) {
  Module* module = dw.module_of(session, pc);
  known = module != nullptr;
  if (!known) return {};
  std::uint64_t bias = 0;
  Die* unit = dw.unit_of(module, pc, &bias);
  // Clang leaves out the table that this look-up needs.
  if (!unit)
    while ((unit = dw.next_unit(module, unit, &bias)) && dw.has_pc(unit, pc - bias) <= 0) {}
  if (unit) {
    SourceLocation at = from_debug_info(dw, unit, pc - bias);
    if (!at.file.empty()) return at;
  }
  SourceLocation at;
  std::uint64_t offset = 0;
  Symbol symbol;
  const char* file = nullptr;
  const char* name = dw.symbol_of(module, pc, &offset, &symbol, nullptr, nullptr, nullptr);
  const char* module_name = dw.module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, &file, nullptr);
  at.function = symbol_place(name, offset + 1, file ? file : module_name);
  return at;
}

}  // namespace

SourceLocation locate(const void* return_address) {
  if (!return_address) return {};
  if (ct_line_of_address) {
    SourceLocation at;
    char file[256] = "";
    if (ct_line_of_address(return_address, file, sizeof file, &at.line)) return at.file = file, at;
  }
  // The call ends one byte before the address to which it returns; the line of the next instruction may be another one.
  const auto pc = reinterpret_cast<std::uint64_t>(return_address) - 1;
  const Libdw& dw = libdw();
  if (!dw.complete) {
    Dl_info info;
    SourceLocation at;
    if (dladdr(reinterpret_cast<const void*>(pc), &info) && info.dli_sname)
      at.function = symbol_place(info.dli_sname, pc + 1 - reinterpret_cast<std::uint64_t>(info.dli_saddr), info.dli_fname);
    return at;
  }
  static std::mutex mutex;
  static Dwfl* session = nullptr;  // kept: reading debug information takes milliseconds
  std::lock_guard lock(mutex);
  auto read_modules = [&] {
    return session && dw.report(session, static_cast<int>(getpid())) == 0 && dw.report_end(session, nullptr, nullptr) == 0;
  };
  if (!session) {
    session = dw.begin(&dw.callbacks);
    if (!read_modules()) return {};
  }
  bool known = false;
  SourceLocation at = look_up(dw, session, pc, known);
  if (!known && read_modules()) at = look_up(dw, session, pc, known);  // in a library that was loaded since
  return at;
}

#endif

std::string place(const char* before, const void* return_address) {
  std::string text = to_string(locate(return_address));
  return text.empty() ? text : before + text;
}

}  // namespace detail
}  // namespace ct
