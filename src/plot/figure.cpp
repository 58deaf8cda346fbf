// plot/figure.cpp -- a sheet of panels, and saving it: gnuplot draws into memory, then the files appear together.
#include <algorithm>
#include <cmath>
#include <utility>

#include "cotangent/error.h"
#include "cotangent/plot.h"
#include "core/files.h"
#include "core/markup.h"
#include "core/process.h"
#include "plot/layout.h"
#include "plot/script.h"
#include "plot/text.h"

namespace ct::plot {

namespace {

constexpr int gnuplot_seconds = 120;

struct PicturePath {
  std::string stem, name;  // path without the ending; file name alone
  Format format;
};

PicturePath parse_path(const char* who, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  std::string ending = dot == std::string::npos || dot == 0 ? "" : name.substr(dot);
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  CT_CHECK_VALUE(ending == ".svg" || ending == ".png" || ending == ".pdf", who, ": cannot tell the format of '", path,
                 "'\n  Use a name that ends in .svg, .png or .pdf.");
  CT_CHECK_VALUE(path.find('\0') == std::string::npos && name.find('\n') == std::string::npos, who, ": the file name has a control character");
  return {path.substr(0, path.size() - ending.size()), name, ending == ".svg" ? Format::svg : ending == ".png" ? Format::png : Format::pdf};
}

// gnuplot's words without the blank lines; remarks of the font library about its cache are none of gnuplot's.
std::string complaints(const std::string& err) {
  std::string out;
  for (std::size_t at = 0; at < err.size();) {
    std::size_t end = err.find('\n', at);
    if (end == std::string::npos) end = err.size();
    const std::string line = err.substr(at, end - at);
    at = end + 1;
    if (line.find_first_not_of(" \t\r^") == std::string::npos) continue;
    if (line.find("Fontconfig warning") != std::string::npos || line.find("No writable cache directories") != std::string::npos) continue;
    if (out.size() < 2000) out.append("\n  ").append(line.substr(0, 300));
  }
  return out;
}

// The same figure gives the same file: the hour of drawing, which PDF files carry, becomes a fixed one of equal length.
void fix_date(std::string& pdf) {
  const std::size_t at = pdf.rfind("/CreationDate (D:");
  for (std::size_t i = at + 17; at != std::string::npos && i < pdf.size() && pdf[i] != ')'; ++i)
    if (pdf[i] >= '0' && pdf[i] <= '9') pdf[i] = "20000101000000"[std::min<std::size_t>(i - at - 17, 13)];
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) ct::detail::append_markup(out, static_cast<unsigned char>(c) < 32 ? ' ' : c);
  return out;
}

void replace_all(std::string& text, const std::string& before, const std::string& after) {
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + after.size())) text.replace(at, before.size(), after);
}

// What a reader without the picture hears of a panel: its axes, and what is drawn in it.
std::string words_of(const Axes& a) {
  std::string out = a.title().empty() ? "" : a.title() + ": ", series;
  for (const Series& s : a.series()) {
    const std::string& label = s.label.empty() ? s.bar_label : s.label;
    if (!label.empty()) series += (series.empty() ? "" : ", ") + label;
  }
  if (!a.ylabel().empty()) out += a.ylabel() + (a.xlabel().empty() ? "" : " against ");
  out += a.xlabel();
  if (!series.empty()) out += (out.empty() || out.back() == ' ' ? "" : "; ") + series;
  return out;
}

// gnuplot writes its own name into <title> and <desc>, which browsers show and read out; and of the font it names one alone,
// for which readers without it would see letters of another width, and with serifs.
void finish_svg(std::string& svg, const std::string& title, const std::string& description) {
  const std::size_t from = svg.find("<title>"), end = svg.find("</desc>");
  if (from == std::string::npos || end == std::string::npos) return;
  svg.replace(from, end - from, "<title>" + escaped(title) + "</title>\n<desc>" + escaped(description));
  if (const std::size_t root = svg.find("<svg"); root < from) svg.insert(root + 4, " role=\"img\" aria-label=\"" + escaped(title) + "\"");
  replace_all(svg, "font-family=\"DejaVu Sans\"", "font-family=\"DejaVu Sans,Verdana,Helvetica,Arial,sans-serif\"");
}

std::string draw(const std::string& path, const std::string& script) {
  // gnuplot reads its own stdin byte by byte, which takes seconds for a fine grid of heights; from a program it reads blocks.
  ct::detail::ProcessResult r = ct::detail::run_process({"gnuplot", "--default-settings", "-e", "load '< cat'"}, script, gnuplot_seconds);
  if (!r.found)
    CT_THROW(io, "savefig: cannot draw '", path, "': the program gnuplot is not on the PATH\n  Install it, on Debian with: apt-get install gnuplot-nox");
  if (r.error) CT_THROW(io, "savefig: cannot draw '", path, "': gnuplot could not be started (error ", r.error, ")");
  if (r.timed_out) CT_THROW(io, "savefig: cannot draw '", path, "': gnuplot did not finish within ", gnuplot_seconds, " s");
  const std::string words = complaints(r.err);
  if (!words.empty()) CT_THROW(io, "savefig: cannot draw '", path, "': gnuplot says:", words);
  if (r.exit_code != 0 || r.out.empty())
    CT_THROW(io, "savefig: cannot draw '", path, "': gnuplot ended with code ", r.exit_code, " after ", r.out.size(), " bytes and said nothing");
  return std::move(r.out);
}

}  // namespace

Figure::Figure(const FigureOptions& options) : Figure(1, 1, options) {}

Figure::Figure(int rows, int cols, const FigureOptions& options) : rows_(rows), cols_(cols), options_(options) {
  CT_CHECK_VALUE(rows >= 1 && cols >= 1 && rows <= 50 && cols <= 50, "Figure: rows and cols must be in [1, 50], got ", rows, " and ", cols);
  CT_CHECK_VALUE(options.width >= 0 && options.height >= 0 && options.width <= 20000 && options.height <= 20000,
                 "Figure: width and height must be in [0, 20000] pixels, got ", options.width, " and ", options.height);
  CT_CHECK_VALUE(options.png_scale >= 0.1 && options.png_scale <= 10, "Figure: png_scale must be in [0.1, 10], got ", options.png_scale);
  CT_CHECK_VALUE(options.font_size >= 0 && options.font_size <= 200, "Figure: font_size must be in [0, 200] pixels, got ", options.font_size);
  check_utf8(options.title.value, "Figure: title");
  width_ = options.width ? options.width : cols == 1 ? 720 : std::min(480 * cols, 1600);
  const int panel_height = rows == 1 && cols == 1 ? 480 : std::max(240, static_cast<int>(0.84 * width_ / cols));
  height_ = options.height ? options.height : std::min(20000, panel_height * rows);
  axes_.resize(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
}

Axes& Figure::operator()(int row, int col) {
  CT_CHECK_INDEX(row >= 0 && row < rows_ && col >= 0 && col < cols_, "Figure: panel (", row, ", ", col, ") is outside the ", rows_, " x ", cols_, " sheet");
  return axes_[static_cast<std::size_t>(row * cols_ + col)];
}

const Axes& Figure::ax(int i) const {
  CT_CHECK_INDEX(i >= 0 && i < rows_ * cols_, "Figure: panel ", i, " is outside the ", rows_, " x ", cols_, " sheet");
  return axes_[static_cast<std::size_t>(i)];
}

Axes& Figure::ax(int i) { return const_cast<Axes&>(std::as_const(*this).ax(i)); }

int Figure::height() const {
  if (options_.height > 0 || rows_ * cols_ == 1) return height_;
  return std::min(20000, height_ + static_cast<int>(Layout::extra_height(*this, font_size(*this, options_))));
}

std::string Figure::script(const std::string& name) const {
  const PicturePath p = parse_path("script", name);
  return "# " + std::string("Drawn by gnuplot 5.4 or later; to draw it again, run gnuplot on this file.\n") +
         write_script(*this, options_, {p.format, p.name});
}

std::string Figure::words() const {
  std::string all = options_.title.value;
  for (const Axes& a : axes_)
    if (!a.title().empty()) all.append(all.empty() ? "" : "; ").append(a.title());
  return all.empty() ? "Figure" : all;
}

std::string Figure::description() const {
  std::string all;
  for (const Axes& a : axes_)
    if (const std::string one = words_of(a); !one.empty()) all.append(all.empty() ? "" : ". ").append(one);
  return all;
}

void Figure::savefig(const std::string& path) const {
  const PicturePath p = parse_path("savefig", path);
  std::string picture = draw(path, write_script(*this, options_, {p.format, ""}));
  if (p.format == Format::pdf) fix_date(picture);
  if (p.format == Format::svg) finish_svg(picture, words(), description());
  ct::detail::write_files("savefig", {{path, picture}, {p.stem + ".gp", script(path)}});
}

std::vector<std::string> Figure::save(const std::string& stem) const {
  const std::string svg = stem + ".svg", png = stem + ".png";
  parse_path("save", svg);
  std::string drawn_svg = draw(svg, write_script(*this, options_, {Format::svg, ""}));
  finish_svg(drawn_svg, words(), description());
  const std::string drawn_png = draw(png, write_script(*this, options_, {Format::png, ""}));
  ct::detail::write_files("save", {{svg, drawn_svg}, {png, drawn_png}, {stem + ".gp", script(svg)}});
  return {svg, png};
}

}  // namespace ct::plot
