// cell.cpp -- the steps of running one cell (cell.h).
#include "cell.h"

#include <chrono>
#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "clang/Frontend/CompilerInstance.h"
#include "llvm/IR/Module.h"

#include "jit.h"
#include "lex.h"
#include "lines.h"
#include "plan.h"
#include "protocol.h"
#include "snapshot.h"
#include "throw.h"

namespace kernel {
namespace {

using llvm::json::Array;
using llvm::json::Object;

void send_error(const std::string& name, const std::string& value, const std::vector<std::string>& lines) {
  Array text;
  for (const std::string& line : lines) text.push_back(utf8(line));
  send(Object{{"event", "error"}, {"name", utf8(name)}, {"value", utf8(value)}, {"text", std::move(text)}});
}

std::string complaint(const std::string& code, const std::string& label, const Lexed& look) {
  Message m;
  const Place p = place_of(code, look.problem_at);
  m.file = label, m.line = p.line, m.column = p.column, m.text = look.problem;
  const std::size_t begin = look.problem_at - (p.column - 1);
  m.source = code.substr(begin, code.find('\n', begin) - begin);
  m.marks = std::string(p.column - 1, ' ') + "^";
  return render(m);
}

std::vector<std::string> complaints(Diagnostics& d) {
  std::vector<std::string> out;
  for (const Message& m : d.messages)
    if (m.level == Message::Level::error) out.push_back(render(m));
  if (out.empty()) out.push_back("the compiler gave up without saying why\n");
  return out;
}

}  // namespace

std::string Worker::run_prelude(const std::string& text) {
  if (!session->parse(text, "prelude")) return complaints(session->diagnostics())[0];
  std::unique_ptr<llvm::Module> module = session->generate();
  if (!module) return complaints(session->diagnostics())[0];
  Loaded loaded = load(std::move(module), 1);
  if (!loaded.error.empty()) return loaded.error;
  for (auto f : loaded.initialisers) f();
  return "";
}

void Worker::execute(const std::string& code, const std::string& label, int wanted) {
  const auto start = std::chrono::steady_clock::now();
  const int number = ++cells;
  std::string rewritten;
  const auto done = [&](const char* status, bool restored) {
    mark_end_of_output();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    send(Object{{"event", "done"}, {"status", status}, {"pid", static_cast<std::int64_t>(::getpid())}, {"restored", restored},
                {"seconds", seconds}, {"cpp", utf8(rewritten)}});
  };

  const Lexed look = look_at(code);
  const int level = wanted >= 0 ? wanted : look.optimise >= 0 ? look.optimise : optimise;
  if (!look.problem.empty()) {
    send_error("CompileError", look.problem, {complaint(code, label, look)});
    return done("error", false);
  }

  note_text(label, code);
  Snapshot snapshot;
  let_interrupts_through(true);
  if (snapshot.take() == Snapshot::Role::restored) {
    let_interrupts_through(false);
    const std::string what = snapshot.what_happened();
    if (!what.empty()) {
      const bool interrupted = snapshot.interrupted();
      send_error(interrupted ? "Interrupted" : "Crash", what,
                 {(interrupted ? "Interrupted" : "Crash: " + what) + ". Variables and functions are as they were before this cell.\n", snapshot.lines()});
    }
    return done("error", true);
  }

  // Each step that fails has said why, and ends this process: its copy goes on.
  const auto run = [&](const char* step) {
    std::unique_ptr<llvm::Module> module = session->generate();
    if (!module) {
      send_error("CompileError", step, complaints(session->diagnostics()));
      snapshot.roll_back();
    }
    Loaded loaded = load(std::move(module), level);
    if (!loaded.error.empty()) {
      send_error("LinkError", loaded.error, {label + ": error: " + loaded.error + "\n"});
      snapshot.roll_back();
    }
    Thrown thrown;
    const bool fine = call(loaded.initialisers, thrown);
    end_process_of_cell();
    if (!fine) {
      send_error(thrown.type, thrown.message, thrown.text());
      snapshot.roll_back();
    }
  };

  Source source(code);
  if (look.head_end > 0) {
    session->diagnostics().set_source(nullptr);
    if (!session->parse(code.substr(0, look.head_end), label)) {
      const std::vector<std::string> errors = complaints(session->diagnostics());
      send_error("CompileError", session->diagnostics().messages.empty() ? "" : session->diagnostics().messages[0].text, errors);
      snapshot.roll_back();
    }
    run("the included headers");
    for (unsigned i = 0; i < look.head_end; ++i)
      if (source.text[i] != '\n') source.text[i] = ' ';
  }

  const Plan plan = make_plan(*session, redefinitions, source, label);
  if (!plan.warnings.empty()) std::fputs(plan.warnings.c_str(), stderr);
  if (!plan.ok) {
    send_error("CompileError", plan.first_error, plan.errors);
    if (look.head_end > 0) snapshot.roll_back();
    let_interrupts_through(false);
    snapshot.commit();
    return done("error", false);
  }

  const Rewritten text = rewrite(plan, label, number);
  rewritten = code.substr(0, look.head_end) + text.text;
  for (const Clash& clash : plan.clashes) redefinitions.hide(*session, clash);
  session->diagnostics().set_source(nullptr);
  if (!session->parse(text.text, label)) {
    send_error("CompileError", "the rewritten cell", complaints(session->diagnostics()));
    snapshot.roll_back();
  }
  if (!plan.clashes.empty())
    redefinitions.rename(*session, number, [&](unsigned at) {
      for (const Clash& clash : plan.clashes)
        if (at < text.back.size() && text.back[at] == clash.at) return true;
      return false;
    });
  redefinitions.make_at_once(*session);
  redefinitions.settle_unnamed(*session, number);
  redefinitions.remember(*session);
  run("the cell");
  let_interrupts_through(false);
  if (session->defines_main()) std::fputs("note: main was defined, but not run: call it, or write its lines into a cell as they are\n", stderr);
  std::cout.flush();
  snapshot.commit();
  done("ok", false);
}

}  // namespace kernel
