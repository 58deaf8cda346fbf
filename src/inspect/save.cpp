// inspect/save.cpp -- pictures: the program dot draws under a time limit, so that nothing it does can harm this process.
#include "core/files.h"
#include "core/process.h"
#include "cotangent/inspect.h"
#include "inspect/draw.h"
#include "inspect/text.h"

namespace ct::inspect {

std::string draw(const std::string& dot, const char* format, int dpi, const std::string& what, const std::string& size, const std::string& kept, int seconds) {
  std::vector<std::string> command{"dot", std::string("-T") + format};
  if (dpi > 0) command.push_back("-Gdpi=" + std::to_string(dpi));
  detail::ProcessResult r = detail::run_process(command, dot, seconds);
  if (!r.found) CT_THROW(io, what, ": the program dot is not on the PATH", kept, "\n  Install Graphviz, on Debian with: apt-get install graphviz");
  if (r.error) CT_THROW(io, what, ": dot could not be started (error ", r.error, ")", kept);
  if (r.timed_out)
    CT_THROW(io, what, ": dot did not finish within ", seconds, " s, with ", size, kept, "\n  Draw less of it (smaller max_nodes, max_fanout or ends), or allow more seconds in the options.");
  if (r.exit_code > 128) CT_THROW(io, what, ": dot crashed (signal ", r.exit_code - 128, "), with ", size, kept);
  if (r.exit_code != 0 || r.out.empty()) CT_THROW(io, what, ": dot ended with code ", r.exit_code, ", with ", size, kept, "\n  It says: ", r.err.substr(0, 1000));
  return std::move(r.out);
}

namespace {

// What stands between `from` and `to` is taken out.
void take_out(std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  std::size_t kept = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, kept)) {
    const std::size_t end = text.find(to, at);
    if (end == std::string::npos) break;
    out.append(text, kept, at - kept);
    kept = end + to.size();
  }
  text = out.append(text, kept, text.size() - kept);
}

}  // namespace

void finish_svg(std::string& svg, const std::string& title, const std::string& description) {
  take_out(svg, "<title>", "</title>\n");  // the names of boxes, which browsers show under the mouse
  take_out(svg, "<!-- ", "-->\n");         // the version, among others
  const std::size_t root = svg.find("<svg"), inside = svg.find('>', root) + 1;
  const std::string words = html(title, 400);
  svg.insert(inside, "\n<title>" + words + "</title>\n<desc>" + html(description, 4000) + "</desc>");
  svg.insert(root + 4, " role=\"img\" aria-label=\"" + words + "\"");
  const std::string font = "font-family=\"DejaVu Sans", more = ",Verdana,Helvetica,Arial,sans-serif";
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = svg.find(font); at != std::string::npos; at = svg.find(font, done)) {
    out.append(svg, done, at + font.size() - done).append(more);
    done = at + font.size();
  }
  svg = out.append(svg, done, svg.size() - done);
}

namespace {

std::string size_of(const Graph& g) { return detail::join({"a graph of ", g.nodes().size(), " boxes and ", g.edges().size(), " arrows"}); }

// "a, b; c = mul(a, b); d = sum(c)"
std::string words_of(const Graph& g) {
  std::string leaves, operations;
  const auto called = [&](const std::string& id) {
    for (const GraphNode& n : g.nodes())
      if (n.id == id) return !n.name.empty() ? n.name : n.kind == GraphNode::Kind::saved && !n.outputs[0].value.empty() ? n.outputs[0].value : n.copy ? id.substr(0, id.find('_', 2)) : n.id;
    return id;
  };
  if (g.nodes().size() > 60) return size_of(g);
  for (const GraphNode& n : g.nodes()) {
    if (n.kind == GraphNode::Kind::leaf && !n.copy) leaves += (leaves.empty() ? "Leaves: " : ", ") + called(n.id);
    if (n.kind != GraphNode::Kind::op) continue;
    std::string operands;
    for (const GraphEdge& e : g.edges())
      if (e.to == n.id) operands += (operands.empty() ? "" : ", ") + called(e.from);
    operations += (operations.empty() ? "" : "; ") + called(n.id) + " = " + n.op + "(" + operands + ")";
  }
  return leaves + (leaves.empty() || operations.empty() ? "" : ". ") + operations;
}

std::string draw_svg(const Graph& g, const std::string& title, const std::string& dot, const std::string& what, const std::string& kept, int seconds) {
  std::string svg = draw(dot, "svg", 0, what, size_of(g), kept, seconds);
  finish_svg(svg, title.empty() ? "Graph of the computation" : title, words_of(g));
  return svg;
}

}  // namespace

std::string Graph::svg() const { return draw_svg(*this, options_.title, dot(), "svg: cannot draw the graph", "", options_.seconds); }

std::vector<std::string> Graph::save(const std::string& stem) const {
  const std::string file = stem + ".dot", svg = stem + ".svg", png = stem + ".png", text = dot();
  detail::write_files("save", {{file, text}});
  const std::string kept = "; its text is in '" + file + "'", what = "save: cannot draw '";
  const std::string drawn_svg = draw_svg(*this, options_.title, text, what + svg + "'", kept, options_.seconds);
  // Sharp when it is shown 600 pixels wide, and not too large for the program's bitmaps.
  const std::string drawn_png = draw(text, "png", nodes_.size() <= 60 ? 144 : 96, what + png + "'", size_of(*this), kept, options_.seconds);
  detail::write_files("save", {{svg, drawn_svg}, {png, drawn_png}});
  return {svg, png};
}

}  // namespace ct::inspect
