// inspect/frames.cpp -- see the header: the drawing with slots, and what they hold in each frame.
#include "inspect/frames.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "inspect/draw.h"
#include "inspect/text.h"
#include "plot/text.h"

namespace ct::inspect {

namespace {

using Kind = GraphNode::Kind;
constexpr std::size_t never = static_cast<std::size_t>(-1);
constexpr std::size_t longest_words = 36;  // in a box
constexpr std::size_t most_lines = 12;     // of a caption

std::string small(const std::string& color, const std::string& content) { return "<FONT POINT-SIZE=\"8\" COLOR=\"" + color + "\">" + content + "</FONT>"; }
std::string row(const std::string& content) { return "<TR><TD>" + content + "</TD></TR>"; }

// The middle of the box that is drawn around the words at this place, or `otherwise` if there is none.
double middle_of_box(const std::string& svg, std::size_t at, double otherwise) {
  std::size_t place = svg.find(" points=\"", at);
  if (place == std::string::npos || place > svg.find("</g>", at)) return otherwise;
  double low = INFINITY, high = -INFINITY;
  for (place += 9; svg[place] != '"';) {
    char* end = nullptr;
    const double x = std::strtod(svg.c_str() + place, &end);
    if (end == svg.c_str() + place || *end != ',') return otherwise;
    low = std::min(low, x), high = std::max(high, x);
    std::strtod(end + 1, &end);
    place = static_cast<std::size_t>(end - svg.c_str());
    while (svg[place] == ' ') ++place;
  }
  return (low + high) / 2;
}

}  // namespace

Frames::Frames(const Steps& steps, const StepsOptions& options, const Tensor& start) : steps_(steps), o_(options), start_(start) {
  find_times();
  text_ = "digraph " + quoted(o_.title.empty() ? "Backward, step by step" : o_.title) + " {\n  graph [rankdir=" + (o_.left_to_right ? "LR" : "TB") +
          " bgcolor=white nodesep=0.35 ranksep=0.4 fontname=\"DejaVu Sans\" fontsize=11 labelloc=t labeljust=l";
  caption();
  text_ += "]\n  node [shape=plain fontname=\"DejaVu Sans\" fontsize=10]\n  edge [fontname=\"DejaVu Sans\" fontsize=9 arrowsize=0.7 dir=both]\n";
  for (std::size_t i = 0; i < steps.graph().nodes().size(); ++i) node(i);
  for (std::size_t i = 0; i < arrows_.size(); ++i) arrow(i);
  text_ += "}\n";
}

// When something comes to each node, when it runs, and when a gradient goes along each arrow.
void Frames::find_times() {
  const auto& nodes = steps_.graph().nodes();
  reached_.assign(nodes.size(), never);
  active_.assign(nodes.size(), never);
  const auto place = [&](const std::string& id) {
    return static_cast<std::size_t>(std::find_if(nodes.begin(), nodes.end(), [&](const GraphNode& n) { return n.id == id; }) - nodes.begin());
  };
  for (const GraphEdge& e : steps_.graph().edges()) arrows_.push_back({&e, 0});
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    const Step& s = steps_[k];
    const std::size_t i = place(s.id), frame = k + 1;
    active_[i] = frame;
    reached_[i] = std::min(reached_[i], frame);
    for (const GradientFlow& f : s.flows) {
      reached_[place(f.to)] = std::min(reached_[place(f.to)], frame);
      for (Arrow& a : arrows_)
        if (a.edge->from == f.to && a.edge->to == s.id && a.edge->input == f.input) a.taken = frame;
    }
  }
  for (const GraphEdge& e : steps_.graph().edges()) {  // constants come to life with the operation that uses them
    const std::size_t from = place(e.from);
    if (nodes[from].kind == Kind::saved) reached_[from] = std::min(reached_[from], active_[place(e.to)]);
  }
  if (steps_.size() == 0) return;
  for (const GraphNode& n : nodes)  // the arrow from the result to where the walk starts
    if (n.id == steps_[0].id) arrows_.push_back({nullptr, 1});
}

std::string Frames::brief(const Tensor& t) const { return brief_text(t, o_.max_elements); }

std::string Frames::slot(Part part, Role role, std::size_t of) {
  slots_.push_back({part, role, of});
  char token[16];
  std::snprintf(token, sizeof token, "#c2%04x", static_cast<unsigned>(slots_.size() - 1) & 0xffffU);
  return token;
}

// A word in its widest form.
std::string Frames::word_slot(Part part, std::size_t of, std::vector<std::string> words, double size, bool centred) {
  std::string widest = " ";
  for (std::string& w : words) {
    w = typeset(w);
    if (const std::size_t arrow = w.find(" -> "); arrow != std::string::npos) w.replace(arrow, 4, " → ");
    if (plot::text_width(w) > plot::text_width(widest)) widest = w;
  }
  const double width = plot::text_width(widest) * size;
  slots_.push_back({part, Role::words, of, std::move(words), centred ? width : 0});
  char cell[80];
  std::snprintf(cell, sizeof cell, "<TD ALIGN=\"%s\" WIDTH=\"%d\"><FONT COLOR=\"#c1%04x\" POINT-SIZE=\"%d\">", centred ? "CENTER" : "LEFT", static_cast<int>(width) + 1,
                static_cast<unsigned>(slots_.size() - 1) & 0xffffU, static_cast<int>(size));
  return "<TR>" + std::string(cell) + html(widest, 400) + "</FONT></TD></TR>";
}

void Frames::caption() {
  // Long lines go on in the next one, so that they do not make the drawing wider than it is.
  std::vector<std::vector<std::string>> captions;
  std::size_t lines = 0;
  for (std::size_t k = 0; k < steps_.frames(); ++k) {
    std::vector<std::string>& out = captions.emplace_back();
    for (const std::string& line : steps_.caption(k)) {
      bool first = true;
      for (const std::string& part : wrapped(line, out.empty() ? 84 : 80, 100)) {
        out.push_back((out.empty() ? "" : first ? "\u00A0\u00A0" : "\u00A0\u00A0\u00A0\u00A0\u00A0\u00A0") + part);
        first = false;
      }
    }
    if (out.size() > most_lines) out.resize(most_lines), out.back() += " …";
    lines = std::max(lines, out.size());
  }
  text_ += " label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">";
  if (!o_.title.empty()) text_ += "<TR><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"13\"><B>" + html(o_.title, 200) + "</B></FONT></TD></TR>";
  for (std::size_t l = 0; l < lines; ++l) {
    std::vector<std::string> words;
    for (const std::vector<std::string>& all : captions) words.push_back(l < all.size() ? all[l] : "");
    text_ += word_slot(Part::page, l, std::move(words), 11, false);
  }
  text_ += "<TR><TD> </TD></TR></TABLE>>";
}

// What a box says of gradients: what has come so far, and of leaves .grad.
std::vector<std::string> Frames::gradient_words(std::size_t i) const {
  const GraphNode& n = steps_.graph().nodes()[i];
  const bool leaf = n.kind == Kind::leaf;
  std::vector<std::string> out;
  const auto short_enough = [](const std::string& words, const std::string& shorter) { return words.size() <= longest_words ? words : shorter; };
  std::string now = leaf ? "grad " + (n.outputs[0].grad.empty() ? "None" : n.outputs[0].grad) : "";
  std::vector<std::string> each(n.outputs.size());  // of each output
  out.push_back(now);
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    const Step& s = steps_[k];
    const auto see = [&](std::size_t output, const std::string& words) {
      if (output < each.size()) each[output] = (each.size() > 1 ? "g" + std::to_string(output) + " = " : "g = ") + words;
      now.clear();
      for (const std::string& one : each)
        if (!one.empty()) now += (now.empty() ? "" : ", ") + one;
      if (now.size() > 2 * longest_words) now = each[output];
    };
    for (const GradientFlow& f : s.flows) {
      if (f.to != n.id) continue;
      const std::string sum = short_enough(brief(f.sum), brief_text(f.sum, 0));
      if (f.before.defined()) see(f.output, short_enough(sum_text(f.before, f.gradient, f.sum, o_.max_elements), short_enough(sum + " (a sum)", sum)));
      else see(f.output, sum);
    }
    if (s.id == n.id && leaf) {
      const std::string grad = short_enough(brief(s.grad), brief_text(s.grad, 0));
      now = "grad " + (s.grad_before.defined() ? short_enough(sum_text(s.grad_before, s.upstream[0], s.grad, o_.max_elements), grad) : grad);
    } else if (s.id == n.id && now.empty()) {
      for (std::size_t i = 0; i < s.upstream.size(); ++i)
        if (s.upstream[i].defined()) see(i, short_enough(brief(s.upstream[i]), brief_text(s.upstream[i], 0)));
    }
    out.push_back(now);
  }
  return out;
}

void Frames::node(std::size_t i) {
  const GraphNode& n = steps_.graph().nodes()[i];
  const std::string ink = slot(Part::node, Role::ink, i), quiet = slot(Part::node, Role::quiet, i);
  const auto in_ink = [&](const std::string& content) { return "<FONT COLOR=\"" + ink + "\">" + content + "</FONT>"; };
  const GraphValue* only = n.outputs.size() == 1 ? &n.outputs[0] : nullptr;
  const bool number_only = n.kind == Kind::saved && n.name.empty() && only && only->shape.empty() && !only->value.empty();
  std::string rows;
  std::string head = n.name.empty() ? "" : "<B>" + html(n.name, 40) + (n.kind == Kind::op ? "\u00A0</B>= " + html(n.op, 40) : "</B>");
  if (n.kind == Kind::op && head.empty()) head = "<B>" + html(n.op, 40) + "</B>";
  if (number_only) head = "<B>" + html(typeset(only->value)) + "</B>";
  if (!head.empty()) rows += row(in_ink(head));
  std::string kind = n.kind == Kind::leaf ? "leaf" : n.kind == Kind::saved ? "constant" : html(n.node);
  if (only && only->known && !number_only && !only->shape.empty()) kind += " · " + shape_text(only->shape);
  rows += row(small(quiet, kind));
  if (n.kind == Kind::op)
    for (const std::string& line : wrapped(n.derivative, 36, 4)) rows += row(in_ink(html(typeset(line))));
  for (std::size_t k = 0; k < n.outputs.size() && k < 6 && !number_only; ++k)
    if (const GraphValue& v = n.outputs[k]; !v.value.empty())
      rows += row(small(quiet, (only ? "value " : typeset("y" + std::to_string(k)) + " ")) + in_ink(html(typeset(v.value.size() <= longest_words ? v.value : shape_text(v.shape)), 80)));
  if (n.kind == Kind::leaf || n.kind == Kind::op) rows += word_slot(Part::node, i, gradient_words(i), 10, true);
  // The frame around the box is seen while the node runs.
  text_ += "  " + n.id + " [id=\"" + n.id + "\" label=<<TABLE BORDER=\"2\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"2\" COLOR=\"" + slot(Part::node, Role::halo, i) +
           "\"><TR><TD><TABLE BORDER=\"1\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" COLOR=\"" + slot(Part::node, Role::border, i) + "\" BGCOLOR=\"" +
           slot(Part::node, Role::fill, i) + "\" STYLE=\"" + (n.kind == Kind::leaf ? "ROUNDED" : n.kind == Kind::saved ? "DOTTED" : "SOLID") + "\"><TR><TD CELLPADDING=\"6\"><TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">" + rows + "</TABLE></TD><TD WIDTH=\"6\"></TD></TR></TABLE></TD></TR></TABLE>>]\n";
}

void Frames::arrow(std::size_t i) {
  const Arrow& a = arrows_[i];
  const std::string line = slot(Part::flow, Role::line, i);
  if (!a.edge) {  // below the result: what the walk starts with
    const std::string words = (o_.v.defined() ? "v = " : "g = ") + brief(start_);
    text_ += "  start [id=\"start\" label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\"><TR><TD><FONT COLOR=\"" + slot(Part::flow, Role::quiet, i) +
             "\" POINT-SIZE=\"8\">start</FONT></TD></TR>" + word_slot(Part::flow, i, std::vector<std::string>(steps_.frames(), words), 10, true) + "</TABLE>>]\n  " + steps_[0].id +
             " -> start [id=\"e_start\" color=\"" + line + "\"]\n";
    return;
  }
  text_ += "  " + a.edge->from + " -> " + a.edge->to + " [id=\"e_" + std::to_string(i) + "\" color=\"" + line + "\"";
  if (a.taken) {
    std::vector<std::string> words(a.taken, "");
    for (const GradientFlow& f : steps_[a.taken - 1].flows)
      if (f.to == a.edge->from && f.input == a.edge->input) {
        std::string value = brief(f.gradient);
        if (value.size() > longest_words) value = brief_text(f.gradient, 0);
        words.resize(steps_.frames(), "d" + f.operand + " = " + value);
      }
    words.resize(steps_.frames());
    text_ += " label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"4\">" + word_slot(Part::flow, i, std::move(words), 9, false) + "</TABLE>>";
  } else {
    text_ += " style=dotted";
  }
  text_ += "]\n";
}

// ---- a frame ------------------------------------------------------------------------------------------------------------

Frames::State Frames::state(const Slot& s, std::size_t frame) const {
  if (frame == 0 || s.part == Part::page) return State::idle;
  if (s.part == Part::flow) {
    const Arrow& a = arrows_[s.of];
    if (a.taken == frame) return State::active;
    if (a.taken) return a.taken < frame ? State::done : State::waiting;
    for (const Slot& other : slots_)  // of a constant: as its operation
      if (a.edge && other.part == Part::node && other.role == Role::ink && steps_.graph().nodes()[other.of].id == a.edge->to) return state(other, frame) == State::waiting ? State::waiting : State::done;
    return State::waiting;
  }
  if (active_[s.of] == frame) return State::active;
  return reached_[s.of] <= frame ? State::done : State::waiting;
}

std::string Frames::color(const Slot& s, std::size_t frame) const {
  const State now = state(s, frame);
  if (s.role == Role::words && s.part == Part::page) return s.of == 0 ? "#000000" : "#303030";
  if (s.part == Part::flow) return now == State::active ? "#B84A00" : now == State::done ? "#4D4D4D" : now == State::idle ? "#8C8C8C" : "#C4C4C4";
  const GraphNode& n = steps_.graph().nodes()[s.of];
  const bool pale = now == State::waiting, active = now == State::active;
  switch (s.role) {
    case Role::ink: return pale ? "#8C8C8C" : "#000000";
    case Role::words: return active ? "#A03F00" : pale || frame == 0 ? "#8C8C8C" : "#1F5F8B";
    case Role::quiet: return pale ? "#A6A6A6" : "#5A5A5A";
    case Role::halo: return active ? "#D55E00" : "#FFFFFF";
    case Role::border:
      return active ? "#D55E00" : pale ? "#C4C4C4" : n.kind == Kind::leaf ? "#0072B2" : n.kind == Kind::saved ? "#B87500" : n.result ? "#009E73" : "#4D4D4D";
    case Role::fill:
      return active ? "#FFEFE2" : pale ? "#FAFAFA" : n.kind == Kind::leaf ? "#E3F1FA" : n.kind == Kind::saved ? "#FDF3DD" : n.result ? "#E2F4EE" : "#FFFFFF";
    case Role::line: break;
  }
  return "#000000";
}

// Writes what the slots hold in this frame. A word stands between > and <, behind the attribute with its slot.
std::string Frames::fill_in(const std::string& text, std::size_t frame, bool is_svg) const {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = text.find("\"#c"); at != std::string::npos; at = text.find("\"#c", at + 1)) {
    const char kind = text[at + 3];
    const std::size_t number = std::strtoul(text.substr(at + 4, 4).c_str(), nullptr, 16);
    if ((kind != '1' && kind != '2') || text[at + 8] != '"' || number >= slots_.size()) continue;
    const Slot& s = slots_[number];
    out.append(text, done, at + 1 - done);
    out += color(s, frame);
    done = at + 8;
    if (kind == '2') continue;
    const std::size_t from = text.find('>', at) + 1, to = text.find('<', from);
    if (is_svg && s.width > 0) {  // the widest word is in the middle of its cell: so shall the others be
      const std::size_t element = out.rfind("text-anchor=\"start\" x=\"");
      const std::size_t x = element + 23, end = out.find('"', x);
      char middle[64];
      std::snprintf(middle, sizeof middle, "text-anchor=\"middle\" x=\"%.2f", middle_of_box(text, at, std::strtod(out.c_str() + x, nullptr) + s.width / 2));
      out.replace(element, end - element, middle);
    }
    out.append(text, done, from - done);
    out += s.words[frame].empty() ? " " : html(s.words[frame], 400);
    done = to;
  }
  return out.append(text, done, text.size() - done);
}

std::string Frames::dot(std::size_t frame) const {
  std::string out = fill_in(text_, frame, false);
  for (std::size_t i = 0; i < arrows_.size(); ++i) {
    const std::string id = "[id=\"e_" + (arrows_[i].edge ? std::to_string(i) : "start") + "\"";
    const bool taken = arrows_[i].taken && arrows_[i].taken <= frame;
    out.insert(out.find(id) + id.size(), taken ? " dir=back" : " dir=forward");
  }
  return out;
}

std::string Frames::svg(const std::string& drawn, std::size_t frame) const {
  std::string out = fill_in(drawn, frame, true);
  // Of its two heads each arrow keeps one: gradients go the other way. Graphviz draws that at the tail first.
  for (std::size_t i = 0; i < arrows_.size(); ++i) {
    const std::size_t at = out.find("<g id=\"e_" + (arrows_[i].edge ? std::to_string(i) : "start") + "\"");
    if (at == std::string::npos) continue;
    const bool taken = arrows_[i].taken && arrows_[i].taken <= frame;
    std::size_t head = out.find("<polygon", at);
    if (taken) head = out.find("<polygon", head + 1);
    if (head < out.find("</g>", at)) out.erase(head, out.find("/>", head) + 3 - head);
  }
  std::string words;
  for (std::size_t l = 1; l < steps_.caption(frame).size(); ++l) words += (words.empty() ? "" : ". ") + typeset(steps_.caption(frame)[l]);
  finish_svg(out, typeset(steps_.caption(frame)[0]), words);
  return out;
}

}  // namespace ct::inspect
