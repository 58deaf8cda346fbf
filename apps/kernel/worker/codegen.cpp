// codegen.cpp -- linkage that suits cells, LLVM's optimiser, machine code (codegen.h).
#include "codegen.h"

#include <set>

#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

namespace kernel {
namespace {

// clang's own helpers keep their names to themselves: every module has them.
bool stays_internal(llvm::StringRef name) {
  return name.empty() || name.starts_with(".") || name.starts_with("__cxx_global") || name.starts_with("_GLOBAL__") || name.starts_with("llvm.") ||
         name.starts_with("__const.") || name.contains("__ct_run") || name.contains("__ct_done") || name.starts_with("__tls_") ||
         name.starts_with("__clang_") || name.starts_with("switch.table");
}

// The functions that run a module's initialisers, in the order of the source; they get names by which they can be found.
// clang has one function that calls those of ordinary variables, and lists those of constants separately and before it, although
// they may use the former. Each is made when its variable is, so their order in the module is that of the source.
std::vector<std::string> take_initialisers(llvm::Module& m, int number) {
  std::vector<llvm::Function*> listed;
  std::set<llvm::Function*> found;
  if (llvm::GlobalVariable* list = m.getGlobalVariable("llvm.global_ctors")) {
    if (auto* entries = llvm::dyn_cast<llvm::ConstantArray>(list->getInitializer()))
      for (llvm::Value* v : entries->operands())
        if (auto* f = llvm::dyn_cast<llvm::Function>(llvm::cast<llvm::ConstantStruct>(v)->getOperand(1)->stripPointerCasts())) listed.push_back(f);
    list->eraseFromParent();
  }
  for (llvm::Function* f : listed) {
    if (!f->getName().starts_with("_GLOBAL__")) {
      found.insert(f);
      continue;
    }
    for (llvm::BasicBlock& block : *f)
      for (llvm::Instruction& i : block)
        if (auto* call = llvm::dyn_cast<llvm::CallBase>(&i))
          if (llvm::Function* callee = call->getCalledFunction(); callee && !callee->isDeclaration()) found.insert(callee);
    f->eraseFromParent();
  }
  std::vector<std::string> names;
  for (llvm::Function& f : m) {
    if (!found.count(&f)) continue;
    f.setName("__ct_init_" + std::to_string(number) + "_" + std::to_string(names.size()));
    f.setLinkage(llvm::GlobalValue::ExternalLinkage);
    f.setComdat(nullptr);
    names.push_back(f.getName().str());
  }
  return names;
}

// Note [One copy of everything]
void settle_linkage(llvm::Module& m, Where (*where)(const std::string&)) {
  std::vector<llvm::GlobalValue*> values;
  for (llvm::Function& f : m) values.push_back(&f);
  for (llvm::GlobalVariable& v : m.globals()) values.push_back(&v);
  for (llvm::GlobalValue* v : values) {
    v->setDSOLocal(false);
    if (v->isDeclaration() || v->hasPrivateLinkage() || v->hasAppendingLinkage() || v->hasAvailableExternallyLinkage()) continue;
    const std::string name = v->getName().str();
    if (v->hasInternalLinkage() && stays_internal(name)) continue;
    auto* object = llvm::dyn_cast<llvm::GlobalObject>(v);
    if (!object) continue;
    object->setComdat(nullptr);
    const bool weak = v->hasLinkOnceLinkage() || v->hasWeakLinkage(), internal = v->hasInternalLinkage();
    auto* function = llvm::dyn_cast<llvm::Function>(v);
    if ((weak || internal) && where(name) != Where::nowhere) {
      if (function) {
        function->setLinkage(llvm::GlobalValue::AvailableExternallyLinkage);
      } else {
        auto* variable = llvm::cast<llvm::GlobalVariable>(v);
        variable->setInitializer(nullptr);
        variable->setLinkage(llvm::GlobalValue::ExternalLinkage);
      }
      v->setVisibility(llvm::GlobalValue::DefaultVisibility);
      continue;
    }
    if (internal) v->setLinkage(llvm::GlobalValue::ExternalLinkage);
    v->setVisibility(llvm::GlobalValue::DefaultVisibility);
  }
  for (llvm::GlobalAlias& a : m.aliases()) a.setDSOLocal(false);
}

// What the module defines in the end, after the optimiser has dropped what is not needed.
std::vector<std::string> definitions(llvm::Module& m) {
  std::vector<std::string> names;
  for (llvm::GlobalValue& v : m.global_values())
    if (!v.isDeclarationForLinker() && !v.hasLocalLinkage() && v.hasName()) names.push_back(v.getName().str());
  return names;
}

// A library's thread-local variables have no address that a linker could know: they are asked for by name, thread by thread.
void ask_for_thread_locals(llvm::Module& m, Where (*where)(const std::string&)) {
  std::vector<llvm::IntrinsicInst*> calls;
  for (llvm::Function& f : m)
    for (llvm::BasicBlock& b : f)
      for (llvm::Instruction& i : b)
        if (auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&i))
          if (call->getIntrinsicID() == llvm::Intrinsic::threadlocal_address) calls.push_back(call);
  for (llvm::IntrinsicInst* call : calls) {
    auto* variable = llvm::dyn_cast<llvm::GlobalVariable>(call->getArgOperand(0));
    if (!variable || !variable->isDeclaration() || where(variable->getName().str()) != Where::library) continue;
    llvm::IRBuilder<> build(call);
    auto* pointer = llvm::PointerType::getUnqual(m.getContext());
    llvm::FunctionCallee ask = m.getOrInsertFunction("__ct_thread_local", pointer, pointer);
    call->replaceAllUsesWith(build.CreateCall(ask, {build.CreateGlobalString(variable->getName())}));
    call->eraseFromParent();
  }
}

// The optimiser would make one of two calls that throw the same, and its line would be neither's. See Note [Lines of cells].
void keep_throws_apart(llvm::Module& m) {
  for (llvm::Function& f : m)
    for (llvm::BasicBlock& b : f)
      for (llvm::Instruction& i : b)
        if (auto* call = llvm::dyn_cast<llvm::CallBase>(&i); call && call->doesNotReturn()) call->addFnAttr(llvm::Attribute::NoMerge);
}

void optimise_module(llvm::Module& m, llvm::TargetMachine& machine, int level) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(&machine);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(components);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, components, modules);
  const llvm::OptimizationLevel levels[] = {llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1, llvm::OptimizationLevel::O2,
                                            llvm::OptimizationLevel::O3};
  llvm::ModulePassManager pipeline =
      level == 0 ? passes.buildO0DefaultPipeline(levels[0]) : passes.buildPerModuleDefaultPipeline(levels[level]);
  pipeline.run(m, modules);
}

}  // namespace

Object compile(llvm::Module& m, llvm::TargetMachine& machine, int optimise, int number, Where (*where)(const std::string&)) {
  Object out;
  m.setDataLayout(machine.createDataLayout());
  out.initialisers = take_initialisers(m, number);
  settle_linkage(m, where);
  ask_for_thread_locals(m, where);
  keep_throws_apart(m);
  optimise_module(m, machine, optimise);
  out.defines = definitions(m);

  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager emit;
  if (machine.addPassesToEmitFile(emit, stream, nullptr, llvm::CodeGenFileType::ObjectFile)) return out;
  emit.run(m);
  out.code = std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(bytes), "object_" + std::to_string(number), /*RequiresNullTerminator=*/false);
  return out;
}

}  // namespace kernel
