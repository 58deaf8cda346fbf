// inspect/dot.cpp -- the drawing as text in Graphviz's language: a table for each node, arrows along the data.
#include <unordered_map>
#include <unordered_set>

#include "cotangent/inspect.h"
#include "inspect/text.h"

namespace ct::inspect {

namespace {

using Kind = GraphNode::Kind;

// Okabe-Ito colours, and tints of them behind the words; each kind also says in words what it is.
struct Look { const char *border, *fill, *style; };
constexpr Look leaf_look{"#0072B2", "#E3F1FA", "ROUNDED"}, op_look{"#4D4D4D", "#FFFFFF", "SOLID"}, result_look{"#009E73", "#E2F4EE", "SOLID"},
    saved_look{"#B87500", "#FDF3DD", "DOTTED"}, more_look{"#808080", "#F0F0F0", "DASHED"};
constexpr const char* quiet = "#5A5A5A";

Look look_of(const GraphNode& n) {
  switch (n.kind) {
    case Kind::leaf: return leaf_look;
    case Kind::saved: return saved_look;
    case Kind::more: return more_look;
    case Kind::op: break;
  }
  return n.result ? result_look : op_look;
}

std::string port(std::uint32_t input) { return "x" + std::to_string(input); }

std::size_t characters(const std::string& utf8) {
  std::size_t n = 0;
  for (char c : utf8) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

class Writer {
 public:
  Writer(const Graph& graph, const GraphOptions& options) : graph_(graph), o_(options) {
    for (const GraphEdge& e : graph.edges()) into_[e.to].push_back(&e);
    for (const GraphNode& n : graph.nodes()) {
      if (n.kind == Kind::op || n.kind == Kind::more) is_op_.insert(n.id);
      if (n.kind == Kind::saved) is_saved_.insert(n.id);
      if (n.outputs.size() > 1) several_outputs_.insert(n.id);
    }
  }

  std::string text() {
    out_ = "digraph " + quoted(o_.title.empty() ? "Graph of the computation" : o_.title) + " {\n";
    out_ += std::string("  graph [rankdir=") + (o_.left_to_right ? "LR" : "TB") + " bgcolor=white nodesep=0.3 ranksep=0.35 fontname=\"DejaVu Sans\" fontsize=13";
    if (!o_.title.empty()) out_ += " labelloc=t label=" + quoted(o_.title);
    out_ += "]\n  node [shape=plain fontname=\"DejaVu Sans\" fontsize=10]\n"
            "  edge [fontname=\"DejaVu Sans\" fontsize=9 color=\"#4D4D4D\" fontcolor=\"#4D4D4D\" arrowsize=0.7";
    out_ += o_.backward ? " dir=back]\n" : "]\n";
    for (const GraphNode& n : graph_.nodes()) node(n);
    for (const GraphEdge& e : graph_.edges()) edge(e);
    return out_ + "}\n";
  }

 private:
  void row(const std::string& cells) { rows_ += "<TR>" + cells + "</TR>"; }
  static std::string cell(const std::string& content) { return "<TD>" + content + "</TD>"; }
  static std::string small(const std::string& content) {
    return std::string("<FONT POINT-SIZE=\"8\" COLOR=\"") + quiet + "\">" + content + "</FONT>";
  }

  std::string heading(const GraphNode& n) const {
    const std::string name = html(n.name, 40);
    switch (n.kind) {
      case Kind::leaf: return name.empty() ? "" : "<B>" + name + "</B>";
      case Kind::saved: return name.empty() ? "" : "<B>" + name + "</B>";
      case Kind::more: return "<B>… " + std::to_string(n.count) + " more</B>";
      case Kind::op: break;
    }
    return name.empty() ? "<B>" + html(n.op, 40) + "</B>" : "<B>" + name + "\u00A0</B>= " + html(n.op, 40);  // a space at the beginning would be lost in SVG
  }

  static std::string kind_words(const GraphNode& n) {
    std::string words = n.kind == Kind::leaf ? n.copy ? "leaf" : "leaf · " + n.node : n.kind == Kind::saved ? n.result ? "no history" : "constant" : html(n.node);
    if (n.copy) words += ", drawn again";
    if (n.result) words += " · result";
    return words;
  }

  // Numbers after a quiet word; long matrices row by row.
  static std::string numbers(const char* what, std::string text) {
    if (text.size() <= 28 || text.find("], [") == std::string::npos) return small(std::string(what) + " ") + html(typeset(text), 80);
    std::string out = small(what);
    for (std::size_t at; (at = text.find("], [")) != std::string::npos; text.erase(0, at + 3)) out += "<BR/>" + html(typeset(text.substr(0, at + 2)), 80);
    return out + "<BR/>" + html(typeset(text), 80);
  }

  void values(const GraphValue& v) {
    const std::string value = v.value.empty() ? "" : numbers("value", v.value), grad = v.grad.empty() ? "" : numbers("grad", v.grad);
    if (!value.empty() && !grad.empty() && v.value.size() + v.grad.size() <= 22) {
      row(cell(value + small(" | ") + grad));
      return;
    }
    if (!value.empty()) row(cell(value));
    if (!grad.empty()) row(cell(grad));
  }

  void node(const GraphNode& n) {
    rows_.clear();
    const GraphValue* only = n.outputs.size() == 1 ? &n.outputs[0] : nullptr;
    const bool number_only = n.kind == Kind::saved && !n.result && n.name.empty() && only && only->shape.empty() && !only->value.empty();
    const std::string head = number_only ? "<B>" + html(typeset(only->value)) + "</B>" : heading(n);
    if (!head.empty()) row(cell(head));
    std::string words = n.kind == Kind::more ? html(n.summary, 80) : kind_words(n);
    const std::string shape = only && only->known && !n.copy && !number_only ? dtype_text(only->dtype) + " " + shape_text(only->shape) : "";
    if (!shape.empty() && characters(words) + shape.size() <= 31) words += " · " + shape;
    else if (!shape.empty()) row(cell(small(words))), words = shape;
    if (!words.empty()) row(cell(small(words)));
    if (!n.copy) details(n, only, number_only);

    const Look look = look_of(n);
    const std::string box = std::string("<TABLE BORDER=\"") + (n.result ? "2" : "1") + "\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"0\" COLOR=\"" +
                        look.border + "\" BGCOLOR=\"" + look.fill + "\" STYLE=\"" + (n.copy ? "ROUNDED,DASHED" : look.style) + "\">";
    // The first operand comes from the left; constants may stand on either side, where they are in nobody's way.
    bool in_order = has_ports(n.id);
    for (const GraphEdge* e : into_[n.id]) in_order = in_order && !is_saved_.count(e->from);
    out_ += "  " + n.id + " [id=\"" + n.id + (in_order ? "\" ordering=in" : "\"") + " label=<" + box + with_ports(n) + "</TABLE>>]\n";
  }

  // What is written below the name.
  void details(const GraphNode& n, const GraphValue* only, bool number_only) {
    if (!n.location.empty()) row(cell(small(html(n.location))));
    if (o_.formulas)
      for (const std::string& line : wrapped(n.derivative, 36, 4)) row(cell(html(typeset(line))));
    for (std::size_t k = 0; k < n.outputs.size() && k < 6 && !number_only; ++k) {
      const GraphValue& v = n.outputs[k];
      if (!only)
        row(cell(small(typeset("y" + std::to_string(k)) + (v.name.empty() ? "" : " = " + html(v.name)) +
                       (v.known ? ": " + dtype_text(v.dtype) + " " + shape_text(v.shape) : ""))));
      values(v);
    }
    if (n.outputs.size() > 6) row(cell(small("… " + std::to_string(n.outputs.size() - 6) + " more outputs")));
    std::string saved = n.saved_state.empty() ? "" : "(" + n.saved_state + ")";
    for (const GraphValue& v : n.saved) saved += (saved.empty() ? "" : ", ") + html(typeset(v.name));
    if (!saved.empty()) row(cell("<FONT POINT-SIZE=\"8\" COLOR=\"#8A5800\">saved: " + saved + "</FONT>"));
  }

  static std::string table(const char* padding, const std::string& rows) {
    return std::string("<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"") + padding + "\">" + rows + "</TABLE>";
  }

  // The rows, and on the side where the arrows come in a cell for each operand, if there are several.
  std::string with_ports(const GraphNode& n) {
    const std::string rows = "<TD CELLPADDING=\"4\">" + table("1", rows_) + "</TD>";
    if (!has_ports(n.id)) return "<TR>" + rows + "</TR>";
    std::string ports;
    for (const GraphEdge* e : into_[n.id]) {
      const std::string name = e->operand.empty() ? " " : small((o_.backward ? "d" : "") + html(typeset(e->operand)));
      const std::string port_cell = "<TD PORT=\"" + port(e->input) + "\">" + name + "</TD>";
      ports += o_.left_to_right ? "<TR>" + port_cell + "</TR>" : port_cell;
    }
    if (o_.left_to_right) return "<TR><TD>" + table("5", ports) + "</TD><VR/>" + rows + "</TR>";
    return "<TR><TD>" + table("2", "<TR>" + ports + "</TR>") + "</TD></TR><HR/><TR>" + rows + "</TR>";
  }

  // Where several arrows end, each has a cell with the name of the operand it brings.
  bool has_ports(const std::string& id) { return into_[id].size() > 1 && !ends_with_more(id); }
  static bool ends_with_more(const std::string& id) { return id.size() > 5 && id.compare(id.size() - 5, 5, "_more") == 0; }

  static std::string saved_words(const std::string& what) { return "<FONT POINT-SIZE=\"8\" COLOR=\"#8A5800\">saved: " + what + "</FONT>"; }

  void edge(const GraphEdge& e) {
    const std::string to = e.to + (has_ports(e.to) ? ":" + port(e.input) + (o_.left_to_right ? ":w" : ":n") : "");
    std::string label = e.count > 1 ? std::to_string(e.count) + " ×" : "";
    const auto several = several_outputs_.find(e.from);
    if (several != several_outputs_.end() && e.operand.size()) label += (o_.backward ? "g" : "y") + typeset("y" + std::to_string(e.output)).substr(1);
    if (o_.backward && !is_saved_.count(e.from)) {
      if (!has_ports(e.to) && !e.operand.empty()) label += (label.empty() ? "d" : ": d") + typeset(e.operand);
      if (e.known && !e.shape.empty()) label += (label.empty() ? "" : " ") + shape_text(e.shape);
    }
    std::string attributes;
    if (!label.empty()) attributes += " label=" + quoted(" " + label);
    // Operations stay in line; leaves and constants stand beside them.
    if (is_op_.count(e.from)) attributes += " weight=4";
    if (o_.backward && is_saved_.count(e.from)) attributes += " dir=none style=dotted";
    out_ += "  " + e.from + " -> " + to + (attributes.empty() ? "" : " [" + attributes.substr(1) + "]") + "\n";
  }

  const Graph& graph_;
  const GraphOptions& o_;
  std::unordered_map<std::string, std::vector<const GraphEdge*>> into_;
  std::unordered_set<std::string> is_op_, is_saved_, several_outputs_;
  std::string out_, rows_;
};

}  // namespace

std::string Graph::dot() const { return Writer(*this, options_).text(); }

}  // namespace ct::inspect
