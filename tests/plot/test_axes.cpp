// tests/plot/test_axes.cpp -- what goes into a panel: checks, defaults, ranges, and reading back.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cotangent/error.h"
#include "cotangent/plot.h"

using namespace ct::plot;

namespace mine {
struct Trace { std::vector<float> kept; };
std::vector<double> plot_values(const Trace& t) { return {t.kept.begin(), t.kept.end()}; }
struct Matrix {};
ct::plot::Grid plot_grid(const Matrix&) { return {{1, 2}, {3, 4}}; }
}  // namespace mine

namespace {
constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
}

TEST_CASE("plot: series can be read back") {
  Axes a;
  const std::vector<double> x = {1, 2, 3};
  a.plot(x, {4, NaN, 6}, {.label = "fit", .color = 1, .width = 2.5, .dashes = "--", .marker = "o", .alpha = 0.6}).title("t").xlabel("x").ylabel("y").legend();
  const Series& s = a.series("fit");
  CHECK(s.x == x);
  CHECK(std::isnan(s.y[1]));
  CHECK(s.rgb == 0xD55E00);
  CHECK(s.width == 2.5);
  CHECK(s.dashes == "--");
  CHECK(s.marker == "o");
  CHECK(s.alpha == 0.6);
  CHECK(a.title() == "t");
  CHECK(a.xlabel() == "x");
  CHECK(a.ylabel() == "y");
  CHECK(a.legend_loc() == "best");
  CHECK_THROWS_WITH_AS(a.series("fot"), "series: no series has the label \"fot\"\n  There are: \"fit\"", ct::ValueError);
  a.plot({0.0, 1.0}, {0.0, 1.0}).plot(std::vector<float>{1, 2, 3});  // neither counts the coloured one
  CHECK(a.series()[1].rgb == 0x0072B2);
  CHECK(a.series()[2].rgb == 0xD55E00);
  CHECK(a.series()[2].x == std::vector<double>{0, 1, 2});
}

TEST_CASE("plot: numbers come from any container, and from types that say how") {
  const double plain[] = {1, 2};
  const std::vector<std::int64_t> big = {3, 4};
  Axes a;
  a.plot(plain, big).plot(std::vector<int>{1, 2}, mine::Trace{{5, 6}}).imshow(mine::Matrix{});
  CHECK(a.series()[0].y == std::vector<double>{3, 4});
  CHECK(a.series()[1].y == std::vector<double>{5, 6});
  CHECK(a.series()[2].z == std::vector<double>{1, 2, 3, 4});
  CHECK(a.series()[2].rows == 2);
  CHECK(Grid({{1, 2, 3}}).cols == 3);
  CHECK_THROWS_WITH_AS(Grid(std::vector<std::vector<double>>{{1, 2}, {3}}), "Grid: row 1 has 1 values, the rows before it have 2", ct::ValueError);
  CHECK_THROWS_WITH_AS(Grid(2, 2, {1, 2, 3}), "Grid: 2 x 2 cells need as many values, got 3", ct::ValueError);
}

TEST_CASE("plot: bad data leave the panel as it was") {
  Axes a;
  const std::vector<double> none, three = {1, 2, 3}, four = {1, 2, 3, 4};
  CHECK_THROWS_WITH_AS(a.plot(three, four), "plot: x has 3 values and y has 4\n  Both need one value for each point.", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.plot(none, none), "plot: x is empty: there is nothing to draw", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.scatter(three, {NaN, NaN, INFINITY}), "scatter: none of the 3 values of y is finite: there is nothing to draw", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.plot({1, NaN}, {NaN, 2}), "plot: in none of the 2 points are x and y both finite: there is nothing to draw", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.hist(none), "hist: values is empty: there is nothing to draw", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.hist(three, {.bins = 0}), "hist: bins must be in [1, 100000], got 0", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.hist(three, {.lo = 7, .hi = 9}), "hist: none of the 3 values is between 7 and 9", ct::ValueError);
  CHECK_THROWS_AS(a.bar({"a", "b"}, three), ct::ValueError);
  CHECK_THROWS_AS(a.bar(three, three, {.bottom = {1, 2}}), ct::ValueError);
  CHECK_THROWS_AS(a.bar(three, three, {.width = 0}), ct::ValueError);
  CHECK_THROWS_AS(a.fill_between(three, three, four), ct::ValueError);
  CHECK_THROWS_WITH_AS(a.errorbar(three, three, {0.1, -0.5, 0.1}), "errorbar: err must not be negative, got -0.5", ct::ValueError);
  CHECK_THROWS_AS(a.quiver(three, three, three, four), ct::ValueError);
  CHECK_THROWS_WITH_AS(a.contour(three, four, Grid(3, 4, std::vector<double>(12, 1))),
                       "contour: z is 3 x 4, but y has 4 and x has 3 values\n  z[r][c] belongs to (x[c], y[r]).", ct::ValueError);
  CHECK_THROWS_WITH_AS(a.contour({1, 2}, {1, 2}, {{5, 5}, {5, 5}}), "contour: all values of z are 5: there are no level lines", ct::ValueError);
  CHECK_THROWS_AS(a.contour({1, 2}, {1, 2}, {{1, 2}, {3, 4}}, {.at = {9}}), ct::ValueError);
  CHECK_THROWS_AS(a.imshow({{1, 2}}, {.vmin = 2, .vmax = 1}), ct::ValueError);
  CHECK_THROWS_AS(a.axhline(NaN), ct::ValueError);
  CHECK_THROWS_AS(a.axvline(INFINITY), ct::ValueError);
  CHECK_THROWS_AS(a.text(NaN, 0, "x"), ct::ValueError);
  CHECK_THROWS_AS(a.twiny("t", {1, 2}, {1}), ct::ValueError);
  CHECK_THROWS_AS(a.xticks({1, 2}, {"one"}), ct::ValueError);
  CHECK(a.series().empty());
  CHECK(a.notes().empty());
}

TEST_CASE("plot: unknown names are listed") {
  Axes a;
  CHECK_THROWS_WITH_AS(a.plot({1}, {1}, {.dashes = "- -"}), "plot: unknown dashes \"- -\"\n  Known: \"-\", \"--\", \":\", \"-.\", \"none\"", ct::ValueError);
  CHECK_THROWS_AS(a.plot({1}, {1}, {.marker = "q"}), ct::ValueError);
  CHECK_THROWS_WITH_AS(a.imshow({{1}}, {.cmap = "jet"}), "imshow: unknown colour map \"jet\"\n  Known: \"RdBu\", \"viridis\", \"gray\"", ct::ValueError);
  CHECK_THROWS_AS(Color("mauve"), ct::ValueError);
  CHECK_THROWS_AS(Color("#12345g"), ct::ValueError);
  CHECK_THROWS_AS(Color(-2), ct::ValueError);
  CHECK(Color("#a1B2c3").rgb == 0xA1B2C3);
  CHECK(Color("C1").rgb == 0xD55E00);
  CHECK(Color(8).rgb == 0x0072B2);
  CHECK_THROWS_WITH_AS(a.yscale("logit"), "yscale: unknown scale \"logit\"\n  Known: \"linear\", \"log\"", ct::ValueError);
  CHECK_THROWS_AS(a.legend("top"), ct::ValueError);
  CHECK_THROWS_AS(a.xlim(1, 1), ct::ValueError);
  CHECK_THROWS_AS(a.plot({1}, {1}, {.alpha = 1.5}), ct::ValueError);
  CHECK_THROWS_WITH_AS(a.title("caf\xE9"), "title: the text is not UTF-8: byte 4 of 4 starts no character", ct::ValueError);
  CHECK_THROWS_AS(a.plot({1}, {1}, {.label = "\xFF"}), ct::ValueError);
}

TEST_CASE("plot: histograms count every value once") {
  Axes a;
  a.hist({0, 1, 1, 2, 3, 4, NaN, 9}, {.bins = 4, .lo = 0, .hi = 4}).hist({1, 2, 3, 4}, {.bins = 3, .density = true});
  CHECK(a.series()[0].y == std::vector<double>{1, 2, 1, 2});  // 4 belongs to the last bin, 9 to none
  CHECK(a.series()[0].u == std::vector<double>{0, 1, 2, 3});
  double area = 0;
  for (std::size_t i = 0; i < 3; ++i) area += a.series()[1].y[i] * (a.series()[1].v[i] - a.series()[1].u[i]);
  CHECK(area == doctest::Approx(1));
}

TEST_CASE("plot: ranges") {
  Axes a;
  a.plot({0, 10}, {0, 100});
  CHECK(a.xlim().lo == doctest::Approx(-0.5));
  CHECK(a.ylim().hi == doctest::Approx(105));
  a.ylim(-1, 1);
  CHECK(a.ylim().lo == -1);
  Axes bars;
  bars.bar({"a", "b"}, {2, 4});
  CHECK(bars.ylim().lo == 0);
  CHECK(bars.ylim().hi == doctest::Approx(4.2));
  Axes log;
  log.plot({1, 2, 3}, {-1, 0, NaN}).yscale("log");
  CHECK_THROWS_WITH_AS(log.ylim(), "yscale: the axis is logarithmic, and none of its values is positive", ct::ValueError);
  log.plot({1, 2}, {1, 100});
  CHECK(log.ylim().hi == doctest::Approx(100 * std::pow(100, 0.05)));
  log.ylim(-1, 1);
  CHECK_THROWS_AS(log.ylim(), ct::ValueError);
  Axes image;
  image.imshow({{1, -2, 3}, {4, 5, 6}});
  CHECK(image.xlim().hi == 2.5);
  CHECK(image.ylim().lo == 1.5);  // row 0 at the top
  CHECK(image.ylim().hi == -0.5);
  CHECK(image.series()[0].vmin == -6);
  Axes one;
  one.scatter({3}, {0});
  CHECK(one.xlim().lo < 3);
  CHECK(one.ylim().lo == -0.5);
}

TEST_CASE("plot: numbers for labels") {
  CHECK(number(-0.5, 2) == "−0.50");
  CHECK(number(-0.001, 2) == "0.00");
  CHECK(number(454.158, 1) == "454.2");
  CHECK(number(NaN, 1) == "NaN");
  CHECK(number(-INFINITY, 1) == "−∞");
  CHECK_THROWS_AS(number(1, -1), ct::ValueError);
}
