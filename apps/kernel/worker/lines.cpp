// lines.cpp -- line tables of cells, kept with the places where their code lies. See Note [Lines of cells].
#include "lines.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unwind.h>

#include "llvm/DebugInfo/DWARF/DWARFContext.h"
#include "llvm/ExecutionEngine/JITLink/JITLink.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Object/ObjectFile.h"

namespace kernel {
namespace {

// A part of an object that has machine code, where it is now.
struct Part { std::uintptr_t begin, size; std::string section; };
struct Object {
  std::string name, bytes;
  std::vector<Part> parts;
};
std::mutex mutex;  // of what follows; threads of cells ask for lines, too
std::vector<Object> objects;
std::unordered_map<std::string, std::string> texts;  // of cells, by label
int shared = -1;                                      // the file in memory

// The same as a list that is only ever longer, which threads that throw and handlers of signals may read.
struct Range { const Range* next; std::uintptr_t begin, end; };
std::atomic<const Range*> ranges{nullptr};

bool in_cells(std::uintptr_t address) {
  static thread_local const Range* latest = nullptr;  // most frames of a deep recursion are in one
  if (const Range* r = latest; r && r->begin <= address && address < r->end) return true;
  for (const Range* r = ranges.load(std::memory_order_acquire); r; r = r->next)
    if (r->begin <= address && address < r->end) return latest = r, true;
  return false;
}

_Unwind_Reason_Code see_frame(_Unwind_Context* context, void* data) {
  Trace& trace = *static_cast<Trace*>(data);
  int exact = 0;
  std::uintptr_t address = _Unwind_GetIPInfo(context, &exact);
  if (address == 0) return _URC_END_OF_STACK;
  if (!exact) --address;  // of a call: behind it there may be the next line
  if (!in_cells(address)) return _URC_NO_REASON;
  if (trace.inner_size < Trace::most) {
    trace.inner[trace.inner_size] = address;
    trace.inner_size = trace.inner_size + 1;
  } else {
    trace.outer[trace.outer_count % Trace::most] = address;
    trace.outer_count = trace.outer_count + 1;
  }
  return _URC_NO_REASON;
}

struct Line { std::string cell; unsigned line; };

bool is_cell(const std::string& file) { return file.compare(0, 3, "In[") == 0; }

// Tells the reader of line tables where sections are now: in the object all begin at 0.
class Loaded : public llvm::LoadedObjectInfoHelper<Loaded> {
 public:
  explicit Loaded(const Object& object) : object_(&object) {}
  std::uint64_t getSectionLoadAddress(const llvm::object::SectionRef& section) const override {
    auto name = section.getName();
    if (!name) return llvm::consumeError(name.takeError()), 0;
    for (const Part& p : object_->parts)
      if (p.section == *name) return p.begin;
    return 0;
  }

 private:
  const Object* object_;
};

// The lines at an address, of inlined calls too, from the innermost outwards; lines of headers are left out.
void add_lines(const std::vector<Object>& where, std::uintptr_t address, std::vector<Line>& out) {
  for (auto object = where.rbegin(); object != where.rend(); ++object) {
    for (const Part& part : object->parts) {
      if (address < part.begin || address >= part.begin + part.size) continue;
      auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object->bytes, object->name));
      if (!file) return llvm::consumeError(file.takeError());
      const auto ignore = [](llvm::Error e) { llvm::consumeError(std::move(e)); };
      const Loaded loaded(*object);
      const auto context = llvm::DWARFContext::create(**file, llvm::DWARFContext::ProcessDebugRelocations::Process, &loaded, "", ignore, ignore);
      for (const llvm::object::SectionRef& section : (*file)->sections()) {
        auto name = section.getName();
        if (!name) llvm::consumeError(name.takeError());
        else if (*name == part.section) {
          const auto found = context->getInliningInfoForAddress({address, section.getIndex()});
          for (unsigned i = 0; i < found.getNumberOfFrames(); ++i) {
            const llvm::DILineInfo& at = found.getFrame(i);
            if (is_cell(at.FileName) && at.Line > 0) out.push_back({at.FileName, at.Line});
          }
          return;
        }
      }
      return;
    }
  }
}

std::string quoted(const Line& at) {
  const auto found = texts.find(at.cell);
  if (found == texts.end()) return "";
  llvm::StringRef rest = found->second;
  for (unsigned i = 1; i < at.line && !rest.empty(); ++i) rest = rest.split('\n').second;
  llvm::StringRef line = rest.split('\n').first.trim(" \t\r\v\f");
  constexpr std::size_t most = 120;
  if (line.size() <= most) return line.str();
  std::size_t cut = most;
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;
  return line.take_front(cut).str() + " ...";
}

std::string describe(const std::vector<Object>& where, const Trace& trace) {
  std::vector<Line> all;
  const auto add = [&](std::uintptr_t address) {
    std::vector<Line> lines;
    add_lines(where, address, lines);
    for (Line& l : lines)
      if (all.empty() || all.back().cell != l.cell || all.back().line != l.line) all.push_back(std::move(l));
  };
  for (int i = 0; i < trace.inner_size && i < Trace::most; ++i) add(trace.inner[i]);
  const int outer = trace.outer_count;
  for (int i = std::max(0, outer - Trace::most); i < outer; ++i) add(trace.outer[i % Trace::most]);
  std::string out;
  constexpr std::size_t first = 4, last = 2;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all.size() > first + last + 1 && i == first) {
      out += "  ...\n";
      i = all.size() - last;
    }
    out += (i == 0 ? "  at " : "  from ") + all[i].cell + ", line " + std::to_string(all[i].line);
    const std::string text = quoted(all[i]);
    out += text.empty() ? "\n" : ":  " + text + "\n";
  }
  return out;
}

// Text and numbers to the file in memory and back.
void put(std::string& to, const std::string& s) {
  const std::uint64_t size = s.size();
  to.append(reinterpret_cast<const char*>(&size), sizeof size).append(s);
}
bool get(llvm::StringRef& from, std::string& s) {
  std::uint64_t size = 0;
  if (from.size() < sizeof size) return false;
  std::memcpy(&size, from.data(), sizeof size);
  from = from.drop_front(sizeof size);
  if (from.size() < size) return false;
  s = from.take_front(size).str();
  from = from.drop_front(size);
  return true;
}

void share(const Object& object) {
  if (shared < 0) return;
  std::string record;
  put(record, object.name);
  put(record, object.bytes);
  std::string parts;
  for (const Part& p : object.parts) {
    parts.append(reinterpret_cast<const char*>(&p.begin), sizeof p.begin).append(reinterpret_cast<const char*>(&p.size), sizeof p.size);
    put(parts, p.section);
  }
  put(record, parts);
  for (std::size_t at = 0; at < record.size();) {
    const ssize_t n = ::write(shared, record.data() + at, record.size() - at);
    if (n <= 0) return;
    at += static_cast<std::size_t>(n);
  }
}

std::vector<Object> read_shared() {
  std::vector<Object> out;
  struct stat about{};
  if (shared < 0 || ::fstat(shared, &about) != 0 || about.st_size <= 0) return out;
  std::string all(static_cast<std::size_t>(about.st_size), '\0');
  if (::pread(shared, all.data(), all.size(), 0) != about.st_size) return out;
  llvm::StringRef rest = all;
  Object o;
  for (std::string parts; get(rest, o.name) && get(rest, o.bytes) && get(rest, parts);) {
    o.parts.clear();
    Part p;
    for (llvm::StringRef r = parts; r.size() >= 2 * sizeof p.begin;) {
      std::memcpy(&p.begin, r.data(), sizeof p.begin);
      std::memcpy(&p.size, r.data() + sizeof p.begin, sizeof p.size);
      r = r.drop_front(2 * sizeof p.begin);
      if (!get(r, p.section)) break;
      o.parts.push_back(p);
    }
    out.push_back(o);
  }
  return out;
}

class Places : public llvm::orc::ObjectLinkingLayer::Plugin {
 public:
  void modifyPassConfig(llvm::orc::MaterializationResponsibility&, llvm::jitlink::LinkGraph& graph, llvm::jitlink::PassConfiguration& passes) override {
    passes.PostFixupPasses.push_back([name = graph.getName()](llvm::jitlink::LinkGraph& g) {
      std::lock_guard lock(mutex);
      for (Object& object : objects) {
        if (object.name != name) continue;
        for (llvm::jitlink::Section& section : g.sections()) {
          if (!(static_cast<unsigned>(section.getMemProt()) & static_cast<unsigned>(llvm::orc::MemProt::Exec))) continue;
          for (llvm::jitlink::Block* block : section.blocks()) {
            const std::uintptr_t begin = block->getAddress().getValue(), size = block->getSize();
            object.parts.push_back({begin, size, section.getName().str()});
            ranges.store(new Range{ranges.load(), begin, begin + size}, std::memory_order_release);
          }
        }
        share(object);
      }
      return llvm::Error::success();
    });
  }
  llvm::Error notifyFailed(llvm::orc::MaterializationResponsibility&) override { return llvm::Error::success(); }
  llvm::Error notifyRemovingResources(llvm::orc::JITDylib&, llvm::orc::ResourceKey) override { return llvm::Error::success(); }
  void notifyTransferringResources(llvm::orc::JITDylib&, llvm::orc::ResourceKey, llvm::orc::ResourceKey) override {}
};

}  // namespace

void walk_stack(Trace& trace) {
  trace.inner_size = 0;
  trace.outer_count = 0;
  _Unwind_Backtrace(see_frame, &trace);
}

void note_places(llvm::orc::ObjectLinkingLayer& layer) { layer.addPlugin(std::make_shared<Places>()); }

void note_object(llvm::StringRef name, llvm::StringRef object) {
  std::lock_guard lock(mutex);
  objects.push_back({name.str(), object.str(), {}});
}

void note_text(const std::string& label, const std::string& code) {
  std::lock_guard lock(mutex);
  texts[label] = code;
}

std::string lines_of(const Trace& trace) {
  std::lock_guard lock(mutex);
  return describe(objects, trace);
}

bool line_at(const void* return_address, char* cell, std::size_t size, int* line) {
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(return_address) - 1;
  if (!in_cells(address)) return false;
  std::vector<Line> lines;
  std::lock_guard lock(mutex);
  add_lines(objects, address, lines);
  if (lines.empty()) return true;  // in a header's code: nothing that the reader wrote
  std::snprintf(cell, size, "%s", lines[0].cell.c_str());
  *line = static_cast<int>(lines[0].line);
  return true;
}

void share_objects() {
  if (shared < 0) shared = ::memfd_create("cotangent cells", MFD_CLOEXEC);
  if (shared < 0) return;
  if (::ftruncate(shared, 0) == 0) ::lseek(shared, 0, SEEK_SET);
}

std::string lines_of_the_dead(const Trace& trace) {
  std::vector<Object> all = objects;
  for (Object& o : read_shared()) all.push_back(std::move(o));
  return describe(all, trace);
}

}  // namespace kernel
