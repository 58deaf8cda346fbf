// inspect/save.cpp -- pictures: the program dot draws under a time limit, so that nothing it does can harm this process.
#include "core/files.h"
#include "core/process.h"
#include "cotangent/inspect.h"
#include "inspect/draw.h"

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

std::string size_of(const Graph& g) { return detail::join({"a graph of ", g.nodes().size(), " boxes and ", g.edges().size(), " arrows"}); }

std::string draw_svg(const Graph& g, const std::string& dot, const std::string& what, const std::string& kept, int seconds) {
  std::string svg = draw(dot, "svg", 0, what, size_of(g), kept, seconds);
  // Readers without this font get one that is no wider.
  const std::string font = "font-family=\"DejaVu Sans\"", fonts = "font-family=\"DejaVu Sans,Verdana,Helvetica,Arial,sans-serif\"";
  for (std::size_t at = svg.find(font); at != std::string::npos; at = svg.find(font, at + fonts.size())) svg.replace(at, font.size(), fonts);
  return svg;
}

}  // namespace

std::string Graph::svg() const { return draw_svg(*this, dot(), "svg: cannot draw the graph", "", options_.seconds); }

std::vector<std::string> Graph::save(const std::string& stem) const {
  const std::string file = stem + ".dot", svg = stem + ".svg", png = stem + ".png", text = dot();
  detail::write_files("save", {{file, text}});
  const std::string kept = "; its text is in '" + file + "'", what = "save: cannot draw '";
  const std::string drawn_svg = draw_svg(*this, text, what + svg + "'", kept, options_.seconds);
  // Sharp when it is shown 600 pixels wide, and not too large for the program's bitmaps.
  const std::string drawn_png = draw(text, "png", nodes_.size() <= 60 ? 144 : 96, what + png + "'", size_of(*this), kept, options_.seconds);
  detail::write_files("save", {{svg, drawn_svg}, {png, drawn_png}});
  return {svg, png};
}

}  // namespace ct::inspect
