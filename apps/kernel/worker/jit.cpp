// jit.cpp -- LLVM's LLJIT, fed with finished objects (jit.h).
#include "jit.h"

#include "llvm/Config/llvm-config.h"
#if LLVM_VERSION_MAJOR >= 22
#include "llvm/ExecutionEngine/Orc/EHFrameRegistrationPlugin.h"
#else
#include "llvm/ExecutionEngine/Orc/EPCEHFrameRegistrar.h"
#endif
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>

#include "codegen.h"
#include "lines.h"
#include "snapshot.h"

extern "C" void* __emutls_get_address(void*);

namespace kernel {
namespace {

std::unique_ptr<llvm::orc::LLJIT> jit;
std::unique_ptr<llvm::TargetMachine> machine;
std::set<std::string> defined;  // by cells
std::string reported;           // errors while linking
void* library = nullptr;
int modules = 0;

void* find(const char* name) {
  if (void* p = ::dlsym(library, name)) return p;
  return ::dlsym(RTLD_DEFAULT, name);
}

Where where(const std::string& name) {
  return defined.count(name) ? Where::cell : ::dlsym(library, name.c_str()) ? Where::library : Where::nowhere;
}

extern "C" void* __ct_thread_local(const char* name) { return find(name); }

// exit() would run destructors of a process that its copy is to go on with.
extern "C" void ct_exit(int code) { exit_of_cell(code); }
extern "C" void ct_exit_at_once(int code) { exit_of_cell(code, true); }

// Later cells print, too.
extern "C" int ct_fclose(std::FILE* file) { return file == stdout || file == stderr ? std::fflush(file) : std::fclose(file); }

// Names that no cell defined come from the libraries.
class Libraries : public llvm::orc::DefinitionGenerator {
 public:
  llvm::Error tryToGenerate(llvm::orc::LookupState&, llvm::orc::LookupKind, llvm::orc::JITDylib& dylib, llvm::orc::JITDylibLookupFlags,
                            const llvm::orc::SymbolLookupSet& wanted) override {
    llvm::orc::SymbolMap found;
    for (const auto& [name, flags] : wanted)
      if (void* p = find((*name).str().c_str()))
        found[name] = {llvm::orc::ExecutorAddr::fromPtr(p), llvm::JITSymbolFlags::Exported};
    return found.empty() ? llvm::Error::success() : dylib.define(llvm::orc::absoluteSymbols(std::move(found)));
  }
};

template <class F>
llvm::orc::ExecutorSymbolDef symbol(F* f) {
  return {llvm::orc::ExecutorAddr::fromPtr(f), llvm::JITSymbolFlags::Exported};
}

// "Symbols not found: [ _Z1fv, y ]" in words of the source.
std::string in_words(const std::string& error) {
  const std::size_t begin = error.find("[ "), end = error.find(" ]");
  if (error.find("not found") == std::string::npos || begin == std::string::npos || end == std::string::npos) return error;
  std::string out = "declared and used, but never defined:";
  std::string names = error.substr(begin + 2, end - begin - 2);
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t comma = std::min(names.find(", ", at), names.size());
    out += " " + demangle(names.substr(at, comma - at));
    if (comma < names.size()) out += ",";
    at = comma + 2;
  }
  return out;
}

}  // namespace

std::string demangle(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string out = status == 0 && text ? text : name;
  std::free(text);
  return out;
}

std::string start_jit(const std::string& path) {
  library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (!library) return ::dlerror();
  // Errors that name lines: src/core/location.cpp.
  using LineOfAddress = bool (*)(const void*, char*, std::size_t, int*);
  if (auto* ask = static_cast<LineOfAddress*>(::dlsym(library, "ct_line_of_address"))) *ask = line_at;
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::InitializeNativeTargetAsmParser();
  auto target = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!target) return llvm::toString(target.takeError());
  // The same instructions as the compiler's default: fused products would give other digits than the program.
#if defined(__x86_64__)
  target->setCPU("x86-64");
  target->getFeatures() = llvm::SubtargetFeatures();
#endif
  target->setRelocationModel(llvm::Reloc::PIC_);
  target->setCodeModel(llvm::CodeModel::Small);
  auto made = target->createTargetMachine();
  if (!made) return llvm::toString(made.takeError());
  machine = std::move(*made);
  auto built = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(*target).setPlatformSetUp(llvm::orc::setUpInactivePlatform).create();
  if (!built) return llvm::toString(built.takeError());
  jit = std::move(*built);
  // Exceptions need to find their way through the cells' frames.
  if (auto* layer = llvm::dyn_cast<llvm::orc::ObjectLinkingLayer>(&jit->getObjLinkingLayer())) {
#if LLVM_VERSION_MAJOR >= 22
    auto frames = llvm::orc::EHFrameRegistrationPlugin::Create(jit->getExecutionSession());
    if (!frames) return llvm::toString(frames.takeError());
    layer->addPlugin(std::move(*frames));
#else
    auto registrar = llvm::orc::EPCEHFrameRegistrar::Create(jit->getExecutionSession());
    if (!registrar) return llvm::toString(registrar.takeError());
    layer->addPlugin(std::make_shared<llvm::orc::EHFrameRegistrationPlugin>(jit->getExecutionSession(), std::move(*registrar)));
#endif
    note_places(*layer);
  }
  // What is missing is said here; lookup() only says what could not be made for want of it.
  jit->getExecutionSession().setErrorReporter([](llvm::Error e) { reported += llvm::toString(std::move(e)) + "\n"; });
  llvm::orc::JITDylib& main = jit->getMainJITDylib();
  llvm::orc::SymbolMap own;
  static int dso_handle = 0;
  own[jit->mangleAndIntern("__dso_handle")] = symbol(&dso_handle);
  own[jit->mangleAndIntern("__ct_thread_local")] = symbol(&__ct_thread_local);
  own[jit->mangleAndIntern("__emutls_get_address")] = symbol(&__emutls_get_address);
  own[jit->mangleAndIntern("exit")] = symbol(&ct_exit);
  for (const char* name : {"_exit", "_Exit", "quick_exit"}) own[jit->mangleAndIntern(name)] = symbol(&ct_exit_at_once);
  own[jit->mangleAndIntern("fclose")] = symbol(&ct_fclose);
  // The library would be searched before the program, which has its own.
  for (const char* name : {"__cxa_throw", "_ZSt17rethrow_exceptionNSt15__exception_ptr13exception_ptrE"})
    if (void* p = ::dlsym(RTLD_DEFAULT, name)) own[jit->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(p), llvm::JITSymbolFlags::Exported};
  if (auto e = main.define(llvm::orc::absoluteSymbols(std::move(own)))) return llvm::toString(std::move(e));
  main.addGenerator(std::make_unique<Libraries>());
  return "";
}

Loaded load(std::unique_ptr<llvm::Module> module, int optimise) {
  Loaded out;
  machine->setOptLevel(optimise == 0 ? llvm::CodeGenOptLevel::None : optimise == 1 ? llvm::CodeGenOptLevel::Less : llvm::CodeGenOptLevel::Default);
  Object object = compile(*module, *machine, optimise, ++modules, where);
  if (!object.code) return out.error = "no machine code could be made", out;
  note_object(object.code->getBufferIdentifier(), object.code->getBuffer());
  if (auto e = jit->addObjectFile(std::move(object.code))) return out.error = llvm::toString(std::move(e)), out;
  for (const std::string& name : object.initialisers) {
    auto found = jit->lookup(name);
    if (!found) {
      const std::string error = llvm::toString(found.takeError());
      out.error = in_words(reported.empty() ? error : reported);
      return out;
    }
    out.initialisers.push_back(found->toPtr<void (*)()>());
  }
  defined.insert(object.defines.begin(), object.defines.end());
  return out;
}

}  // namespace kernel
