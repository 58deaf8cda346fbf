// plan.cpp -- dry runs in forked copies, and the text made of what they found (plan.h).
#include "plan.h"

#include <algorithm>

#include "copy.h"
#include "lex.h"
#include "protocol.h"

namespace kernel {
namespace {

using llvm::json::Array;
using llvm::json::Object;

constexpr int most_tries = 16;

struct Edit { unsigned at, size; std::string by; };

// A cell's variables are global. So a lambda cannot capture them, and where it stands outside a function it must not try to; and
// they do not come before the names of a namespace that is used, as local ones do.
bool correction(const Message& m, const std::string& text, Edit& edit) {
  if (m.level != Message::Level::error || !m.in_cell || m.offset >= text.size()) return false;
  if (m.text.find("cannot have a capture-default") != std::string::npos && (text[m.offset] == '&' || text[m.offset] == '=')) {
    edit = {m.offset, 1, " "};
    const std::size_t next = text.find_first_not_of(" \t\n", m.offset + 1);
    if (next != std::string::npos && text[next] == ',') edit = {m.offset, static_cast<unsigned>(next + 1 - m.offset), ""};
    return true;
  }
  if (m.text.find("cannot be captured because it does not have automatic storage duration") != std::string::npos) {
    std::size_t end = m.offset;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    edit = {static_cast<unsigned>(end), 0, " = " + text.substr(m.offset, end - m.offset)};
    return end > m.offset;
  }
  if (m.text.rfind("reference to '", 0) == 0 && m.text.find("' is ambiguous") != std::string::npos && (m.offset < 2 || text.compare(m.offset - 2, 2, "::") != 0)) {
    edit = {m.offset, 0, "::"};
    for (const Message& note : m.notes)
      if (note.in_earlier_cell || note.in_cell) return true;
  }
  return false;
}

// The child's part: parses, and tells what it found.
Object try_out(Session& session, Redefinitions redefinitions, const Source& source, const std::vector<Clash>& known, const std::string& label) {
  for (const Clash& clash : known) redefinitions.hide(session, clash);
  session.diagnostics().set_source(&source);
  const bool ok = session.parse(source.text, label);
  Array pieces, clashes, edits, errors;
  std::string warnings, first;
  for (const Piece& p : session.pieces()) pieces.push_back(Array{p.begin, p.end, p.statement, p.echo});
  for (const Message& m : session.diagnostics().messages) {
    if (m.file == "<<< inputs >>>") continue;  // what follows from an error at the end of the cell
    Clash clash;
    Edit edit;
    if (redefinitions.find(session, m, clash)) clashes.push_back(Array{clash.old_place, clash.name, clash.at});
    else if (correction(m, source.text, edit)) edits.push_back(Array{edit.at, edit.size, edit.by});
    if (m.level == Message::Level::error) {
      if (errors.empty()) first = m.text;
      if (errors.size() < 20) errors.push_back(utf8(render(m)));
    } else if (m.in_cell && !session.pieces().empty() && session.pieces().back().echo && m.offset >= session.pieces().back().begin &&
               (m.text.find("result unused") != std::string::npos || m.text.find("ignoring return value") != std::string::npos)) {
      // It is used: it will be shown.
    } else if (m.in_cell || m.in_earlier_cell) {
      warnings += render(m);
    }
  }
  return Object{{"ok", ok}, {"pieces", std::move(pieces)}, {"clashes", std::move(clashes)}, {"edits", std::move(edits)},
                {"errors", std::move(errors)}, {"warnings", utf8(warnings)}, {"first", utf8(first)}};
}

unsigned number(const llvm::json::Value& v) { return static_cast<unsigned>(v.getAsInteger().value_or(0)); }

}  // namespace

Plan make_plan(Session& session, const Redefinitions& redefinitions, const Source& source, const std::string& label) {
  Plan plan;
  plan.source = source;
  for (int tries = 0; tries < most_tries; ++tries) {
    Object found;
    plan.errors.clear();
    if (!in_a_copy([&] { return try_out(session, redefinitions, plan.source, plan.clashes, label); }, found)) {
      plan.first_error = "the compiler itself crashed on this cell; please try to write it differently";
      plan.errors = {plan.first_error + "\n"};
      return plan;
    }
    plan.ok = found.getBoolean("ok").value_or(false);
    plan.warnings = found.getString("warnings").value_or("").str();
    plan.first_error = found.getString("first").value_or("").str();
    for (const auto& e : *found.getArray("errors")) plan.errors.push_back(e.getAsString().value_or("").str());
    plan.pieces.clear();
    for (const auto& p : *found.getArray("pieces")) {
      const Array& a = *p.getAsArray();
      plan.pieces.push_back({number(a[0]), std::min<unsigned>(number(a[1]), plan.source.text.size()), *a[2].getAsBoolean(), *a[3].getAsBoolean()});
    }
    if (plan.ok) return plan;
    bool progress = false;
    for (const auto& c : *found.getArray("clashes")) {
      const Array& a = *c.getAsArray();
      Clash clash{number(a[0]), a[1].getAsString()->str(), number(a[2])};
      bool known = false;
      for (const Clash& k : plan.clashes) known |= k.old_place == clash.old_place && k.at == clash.at;
      if (!known) plan.clashes.push_back(clash), progress = true;
    }
    // From the back, so that offsets stay true.
    std::vector<Edit> edits;
    for (const auto& e : *found.getArray("edits")) {
      const Array& a = *e.getAsArray();
      edits.push_back({number(a[0]), number(a[1]), a[2].getAsString()->str()});
    }
    std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.at > b.at; });
    for (std::size_t i = 0; i < edits.size(); ++i) {
      if (i > 0 && edits[i].at == edits[i - 1].at) continue;
      plan.source.replace(edits[i].at, edits[i].size, edits[i].by);
      for (Clash& c : plan.clashes)
        if (c.at > edits[i].at) c.at += edits[i].by.size() - edits[i].size;
      progress = true;
    }
    if (!progress) return plan;
  }
  return plan;
}

Rewritten rewrite(const Plan& plan, const std::string& label, int cell) {
  Rewritten out;
  const auto add = [&](const std::string& text) {
    out.text += text;
    out.back.resize(out.text.size(), ~0u);
  };
  const auto copy = [&](unsigned begin, unsigned end) {
    for (unsigned i = begin; i < end; ++i) out.text += plan.source.text[i], out.back.push_back(i);
  };
  // From here on the compiler shall say the lines of the cell; between its pieces there are lines that are not the user's.
  const auto go_to = [&](unsigned at, const std::string& before = "") {
    const Place p = place_of(plan.source.cell, plan.source.origin[at]);
    const std::string line = "\n#line " + std::to_string(p.line) + " \"" + label + "\"\n";
    add((before.empty() ? "" : line + before) + line + std::string(p.column - 1, ' '));
  };
  const std::string ours = "\n#line 1 \"around the cell\"\n";
  int runs = 0;
  unsigned from = 0;  // comments and directives before the first piece belong to it
  for (std::size_t i = 0; i < plan.pieces.size();) {
    const bool statements = plan.pieces[i].statement;
    const std::string name = std::to_string(cell) + "_" + std::to_string(++runs);
    if (statements) add(ours + "static void __ct_run_" + name + "() {");
    for (; i < plan.pieces.size() && plan.pieces[i].statement == statements; ++i) {
      const Piece& p = plan.pieces[i];
      if (p.echo) {
        copy(from, p.begin);
        go_to(p.begin, "(void)(::ct::detail::echo, (");
        copy(p.begin, p.end);
        add("\n));");
      } else {
        go_to(from);
        copy(from, p.end);
      }
      from = p.end;
    }
    if (statements) add(ours + "}\nstatic int __ct_done_" + name + " = (__ct_run_" + name + "(), 0);\n");
  }
  if (from < plan.source.text.size()) copy(from, plan.source.text.size());
  add("\n");
  return out;
}

}  // namespace kernel
