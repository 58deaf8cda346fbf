// cotangent/plot.h -- figures: curves, points, bars, images and contours, drawn by gnuplot into SVG, PNG or PDF.
#pragma once

#include <cstdint>           // sizes of grids
#include <initializer_list>  // braced lists of numbers
#include <span>              // views of the caller's numbers
#include <string>            // labels, paths
#include <string_view>       // names of scales, places, colours
#include <type_traits>       // which containers can be plotted
#include <vector>            // series that can be read back

#include "cotangent/api.h"

namespace ct {
class Tensor;
namespace plot { struct Grid; }
/// The elements of a tensor of any shape, row by row: what lets a Tensor stand wherever a figure takes numbers.
CT_API std::vector<double> plot_values(const Tensor& t);
/// A 2-D tensor as an image or the heights of a contour. Errors: ct::ValueError for another number of dimensions.
CT_API plot::Grid plot_grid(const Tensor& t);
}  // namespace ct

namespace ct::plot {

namespace detail {
template <class C, class N>
concept Views = std::is_convertible_v<const C&, std::span<const N>>;
}

/// The numbers of one series, copied out of whatever holds them: a span, vector, array or braced list of double,
/// float, int or int64, or any type T with a function `std::vector<double> plot_values(const T&)` beside it.
class CT_API Values {
 public:
  Values() = default;
  Values(std::initializer_list<double> list);
  template <detail::Views<double> C>
  Values(const C& c) : Values(std::span<const double>(c), 0) {}
  template <detail::Views<float> C>
  Values(const C& c) : Values(std::span<const float>(c), 0) {}
  template <detail::Views<int> C>
  Values(const C& c) : Values(std::span<const int>(c), 0) {}
  template <detail::Views<std::int64_t> C>
  Values(const C& c) : Values(std::span<const std::int64_t>(c), 0) {}
  template <class T>
    requires(!detail::Views<T, double> && !detail::Views<T, float> && !detail::Views<T, int> && !detail::Views<T, std::int64_t>) &&
            requires(const T& t) { plot_values(t); }
  Values(const T& t) : numbers(plot_values(t)) {}

  std::vector<double> numbers{};

 private:
  Values(std::span<const double> s, int);
  Values(std::span<const float> s, int);
  Values(std::span<const int> s, int);
  Values(std::span<const std::int64_t> s, int);
};

/// A matrix of numbers for imshow and contour, row by row. Made from rows x cols and the values, from nested
/// braces or vectors, or from any type T with a function `ct::plot::Grid plot_grid(const T&)` beside it.
struct CT_API Grid {
  Grid(std::int64_t rows, std::int64_t cols, Values values);
  Grid(std::initializer_list<std::initializer_list<double>> rows);
  Grid(const std::vector<std::vector<double>>& rows);
  template <class T>
    requires requires(const T& t) { plot_grid(t); }
  Grid(const T& t) : Grid(plot_grid(t)) {}

  std::int64_t rows = 0, cols = 0;
  std::vector<double> numbers{};
};

/// A label as the reader shall see it: UTF-8, `\n` starts a new line, nothing in it is markup.
struct Text {
  Text() = default;
  template <class S>
    requires(std::is_convertible_v<const S&, std::string_view>)
  Text(const S& s) : value(std::string_view(s)) {}
  std::string value{};
};

/// A colour: 0..7 picks from the Okabe-Ito colours (blue, vermillion, green, purple, orange, sky blue, black, yellow;
/// safe for colour-blind readers); "#d55e00", "black", "gray", "C1" also work. Not given: the next of the cycle.
struct CT_API Color {
  Color() = default;
  Color(int index);
  Color(const char* name);
  Color(const std::string& name);
  std::int32_t rgb = -1;  // 0xRRGGBB; -1: not given
};

/// How a series looks. A value of 0, -1 or "" means the default of its kind.
struct Style {
  Text label{};        // entry in the legend; none when empty
  Color color{};
  double width = 0;    // line width in points (default 2)
  Text dashes{};       // "-" solid, "--", ":", "-.", "none"
  Text marker{};       // "o" "s" "^" "v" "D" "x" "+" "*" ".", and "O" for an open circle
  double alpha = -1;   // 0 invisible .. 1 opaque
  double size = 0;     // diameter of the markers in points (default 6)
};

struct BarOptions {
  Text label{};
  Color color{};
  double width = 0.8;  // in units of x
  double alpha = -1;
  Values bottom{};     // where each bar starts (stacked bars); 0 when empty
};

struct HistOptions {
  Text label{};
  Color color{};
  double alpha = -1;
  int bins = 10;
  bool density = false;  // area 1 instead of counts
  double lo = 0, hi = 0; // the range to count in; the range of the data when both are 0
};

struct ImageOptions {
  Text cmap{"RdBu"};         // "RdBu" (negative blue, zero white, positive red), "viridis", "gray"
  double vmin = 0, vmax = 0; // colour range; both 0: that of the data, symmetric about 0 for "RdBu"
  bool colorbar = true;
  Text label{};              // beside the colour bar
  int digits = -1;           // >= 0: writes each cell's value with that many decimals
};

struct ContourOptions {
  int levels = 12;           // how many levels, evenly spaced between the extremes
  Values at{};               // or the levels themselves
  Text cmap{"viridis"};      // colour by level, or
  Color color{};             // one colour for all
  double width = 0;
  bool colorbar = false;
  Text label{};              // beside the colour bar
};

struct QuiverOptions {
  Text label{};
  Color color{};
  double width = 0;
  double alpha = -1;
  double scale = 0;          // arrow = scale * (u, v) in data units; 0: the longest arrow fits between neighbours
};

struct TextOptions {
  Color color{6};
  double size = 0;           // font size relative to the figure's (1 = the same); 0: 0.9
  Text align{"left"};        // "left", "center", "right"
  double rotate = 0;         // degrees
};

struct Range { double lo = 0, hi = 0; };

/// What was drawn, with the numbers as given: for readers, tests and automatic checks.
struct Series {
  enum class Kind : std::uint8_t { line, scatter, hline, vline, bar, hist, band, errorbar, image, contour, quiver };
  Kind kind = Kind::line;
  std::string label{};
  std::vector<double> x{}, y{};          // image: empty; contour: the coordinates of columns and rows
  std::vector<double> low{}, high{};     // band, errorbar: lower and upper y; bar, hist: bottom and top
  std::vector<double> u{}, v{};          // quiver: components as given; bar, hist: left and right edges
  std::vector<double> z{};               // image, contour: rows * cols values, row by row
  std::int64_t rows = 0, cols = 0;
  std::vector<double> levels{};          // contour
  std::int32_t rgb = 0;
  double width = 0, alpha = 1, size = 0; // as drawn
  std::string dashes{}, marker{}, cmap{}, bar_label{};
  double vmin = 0, vmax = 0, scale = 0;
  int digits = -1;
  bool colorbar = false;
};

struct Note { double x = 0, y = 0; std::string text{}; TextOptions options{}; };
struct TopAxis { std::string label{}; std::vector<double> at{}, shown{}; };

/// One panel of a figure. All functions copy their data and return the panel, so that calls can be chained.
///
/// NaN and infinite values are gaps. Errors: ct::ValueError for an empty series, for lengths that differ and for
/// unknown names of scales, places, colours or markers; nothing is added to the panel then.
class CT_API Axes {
 public:
  /// A curve through (x[i], y[i]), in the order given.   Example: ax.plot(x, y, {.label = "fit", .color = 1, .dashes = "--"})
  Axes& plot(const Values& x, const Values& y, const Style& style = {});
  /// A curve through (i, y[i]), i = 0, 1, ...
  Axes& plot(const Values& y, const Style& style = {});
  /// One marker for each (x[i], y[i]).
  Axes& scatter(const Values& x, const Values& y, const Style& style = {});
  /// A line across the panel at height y, or from bottom to top at x.
  Axes& axhline(double y, const Style& style = {});
  Axes& axvline(double x, const Style& style = {});
  /// Bars of the given heights, centred on x (or on 0, 1, ... with names below them).
  Axes& bar(const Values& x, const Values& heights, const BarOptions& options = {});
  Axes& bar(const std::vector<std::string>& names, const Values& heights, const BarOptions& options = {});
  /// How many of the values fall into each of `bins` equal intervals; the last one includes its right end.
  Axes& hist(const Values& values, const HistOptions& options = {});
  /// The region between two curves, e.g. mean - std and mean + std.
  Axes& fill_between(const Values& x, const Values& low, const Values& high, const Style& style = {});
  /// Points with bars from y - err to y + err.
  Axes& errorbar(const Values& x, const Values& y, const Values& err, const Style& style = {});
  /// A matrix as coloured cells; row 0 is at the top and cell (r, c) is centred on x = c, y = r.
  Axes& imshow(const Grid& z, const ImageOptions& options = {});
  /// Level lines of z[r][c] = f(x[c], y[r]).
  Axes& contour(const Values& x, const Values& y, const Grid& z, const ContourOptions& options = {});
  /// Arrows from (x[i], y[i]) along (u[i], v[i]).
  Axes& quiver(const Values& x, const Values& y, const Values& u, const Values& v, const QuiverOptions& options = {});
  /// Words at a place given in data units.
  Axes& text(double x, double y, const Text& words, const TextOptions& options = {});

  Axes& title(const Text& t);
  Axes& xlabel(const Text& t);
  Axes& ylabel(const Text& t);
  Axes& xlim(double lo, double hi);
  Axes& ylim(double lo, double hi);
  Axes& xscale(std::string_view scale);  ///< "linear" or "log"
  Axes& yscale(std::string_view scale);
  Axes& xticks(const Values& at, const std::vector<std::string>& labels = {}, double rotate = 0);
  Axes& yticks(const Values& at, const std::vector<std::string>& labels = {});
  Axes& grid(bool on = true);
  /// Shows the labels of the series. `loc`: "best" (where the fewest data are), "upper left", "lower right", ...,
  /// "center", "outside" (right of the panel) or "below".
  Axes& legend(std::string_view loc = "best");
  /// One unit of x as long as one unit of y.
  Axes& equal_aspect(bool on = true);
  /// A second axis along the top: the places `at` (in units of x) carry the numbers `shown`, e.g. a function of `at`.
  Axes& twiny(const Text& label, const Values& at, const Values& shown);

  // Reading back.
  const std::vector<Series>& series() const { return series_; }
  const Series& series(std::string_view label) const;  ///< ct::ValueError, naming the labels there are
  const std::vector<Note>& notes() const { return notes_; }
  const std::string& title() const { return title_; }
  const std::string& xlabel() const { return xlabel_; }
  const std::string& ylabel() const { return ylabel_; }
  const std::string& xscale() const { return xscale_; }
  const std::string& yscale() const { return yscale_; }
  const std::string& legend_loc() const { return legend_; }  ///< empty: no legend
  bool has_grid() const { return grid_; }
  const TopAxis& top_axis() const { return top_; }
  /// The ranges set by xlim/ylim, or those of the data with 5 % to spare (before panels share theirs, and before room
  /// is made for a legend).
  Range xlim() const;
  Range ylim() const;

 private:
  friend struct Layout;
  struct Ticks { std::vector<double> at{}; std::vector<std::string> labels{}; double rotate = 0; bool set = false; };
  Axes& add(Series&& s, std::int32_t rgb);

  std::vector<Series> series_{};
  std::vector<Note> notes_{};
  std::string title_{}, xlabel_{}, ylabel_{}, xscale_ = "linear", yscale_ = "linear", legend_{};
  Range xlim_{}, ylim_{};
  bool xlim_set_ = false, ylim_set_ = false, grid_ = false, equal_ = false;
  Ticks xticks_{}, yticks_{};
  TopAxis top_{};
  int next_color_ = 0;
};

struct FigureOptions {
  int width = 0, height = 0;            // pixels of the SVG; 0: chosen from the number of panels and what stands around them
  Text title{};                         // above all panels
  bool sharex = false, sharey = false;  // all panels get the same range
  double font_size = 0;                 // pixels; 0: readable when the figure is shown 600 pixels wide
  double png_scale = 1.5;               // PNG pixels per SVG pixel
};

/// A sheet of rows x cols panels.
///
///   ct::plot::Figure fig(1, 2);
///   fig(0, 0).scatter(x, y, {.label = "data"}).plot(x, fit, {.label = "fit"}).legend();
///   fig(0, 1).plot(losses).yscale("log").xlabel("epoch");
///   fig.save("linear_regression");     // linear_regression.svg, .png and .gp
class CT_API Figure {
 public:
  explicit Figure(const FigureOptions& options = {});
  Figure(int rows, int cols, const FigureOptions& options = {});

  /// The panel at a place, row by row from the top left. ct::IndexError outside the sheet.
  Axes& operator()(int row, int col);
  Axes& ax(int i = 0);
  const Axes& ax(int i = 0) const;
  int rows() const { return rows_; }
  int cols() const { return cols_; }
  int width() const { return width_; }
  int height() const;  // grows with legends below and axes on top, unless it was given

  /// Draws the figure into `path`: .svg, .png or .pdf by its ending; and keeps the gnuplot script, data included,
  /// beside it (same name, .gp). Needs gnuplot 5.4 or later (Debian: apt-get install gnuplot-nox).
  /// Errors: ct::IoError when gnuplot is missing or complains, or a file cannot be written; files that were there
  ///         before are untouched then, and no half-written ones stay behind. ct::ValueError for another ending.
  void savefig(const std::string& path) const;
  /// Draws stem.svg and stem.png, keeps stem.gp, and returns the paths of the two pictures.
  std::vector<std::string> save(const std::string& stem) const;
  /// The script that draws `name` (the ending chooses the format). The same figure gives the same text.
  std::string script(const std::string& name) const;

 private:
  std::string words() const;        // all titles: what a screen reader says
  std::string description() const;  // and more of it: axes and labels

  int rows_ = 1, cols_ = 1, width_ = 0, height_ = 0;
  FigureOptions options_;
  std::vector<Axes> axes_;
};

/// A number for a label: fixed decimals, a true minus sign, whatever the locale.   Example: number(-0.5, 2) -> "−0.50"
CT_API std::string number(double value, int decimals);

}  // namespace ct::plot
