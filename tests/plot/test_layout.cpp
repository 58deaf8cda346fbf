// tests/plot/test_layout.cpp -- where panels and legends stand, and what an SVG tells those who cannot see it.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "cotangent/plot.h"
#include "pictures.h"

using namespace ct::plot;

TEST_CASE("figure: each line of a label has a line of the legend") {
  Figure f;
  f.ax().plot({0, 1}, {0, 1}, {.label = "first"}).plot({0, 1}, {1, 0}, {.label = "second\nand its other line"}).fill_between({0, 1}, {0, 0}, {1, 1}, {.label = "a\nb\nc"});
  CHECK(f.script("a.svg").find("NaN") == std::string::npos);  // no legend is asked for
  f.ax().legend("upper left");
  const std::string script = f.script("a.svg");
  CHECK(script.find("title 'second', \\\n     NaN with lines linewidth 0 linecolor rgb '#FFFFFFFF' title 'and its other line'") != std::string::npos);
  CHECK(script.find("title 'c'") != std::string::npos);
  CHECK(script.find("width -5.44") != std::string::npos);  // that of the longest line, not of the longest label
  f.ax().legend("below");
  CHECK(f.script("a.svg").find("title 'second and its other line'") != std::string::npos);
  if (!have_gnuplot()) return;
  const Folder folder;
  f.ax().legend("upper left");
  f.savefig(folder / "a.svg");
  // The entries' distances from the top: six lines, at equal steps.
  std::string svg = content(folder / "a.svg");
  svg.erase(0, svg.find("</desc>"));
  std::vector<double> y;
  for (const char* words : {"<text>first<", "<text>second<", "<text>and its other line<", "<text>a<", "<text>b<", "<text>c<"}) {
    const std::size_t at = svg.find(words);
    REQUIRE(at != std::string::npos);
    const std::size_t place = svg.rfind("translate(", at), comma = svg.find(',', place);
    y.push_back(std::stod(svg.substr(comma + 1)));
  }
  for (std::size_t i = 1; i < y.size(); ++i) CHECK(y[i] - y[i - 1] == doctest::Approx(y[1] - y[0]).epsilon(0.02));
  CHECK(y[1] - y[0] >= 13);
}

namespace {

// What a script says of the panels: lmargin, rmargin, bmargin and tmargin of each, as parts of the sheet.
std::vector<std::vector<double>> margins(const std::string& script) {
  std::vector<std::vector<double>> out;
  for (std::size_t at = script.find("# panel"); at != std::string::npos; at = script.find("# panel", at + 1)) {
    std::vector<double>& one = out.emplace_back();
    std::size_t place = at;
    for (int i = 0; i < 4; ++i) {
      place = script.find("margin at screen ", place) + 17;
      one.push_back(std::stod(script.substr(place)));
    }
  }
  return out;
}

}  // namespace

TEST_CASE("figure: all panels have the same size, whatever stands beside and below them") {
  Figure f(2, 2);
  f.ax(0).plot({0, 1}, {0, 100000}, {.label = "a"}).ylabel("loss\nin two lines");
  f.ax(1).imshow({{1, 2, 3}, {4, 5, 6}}, {.label = "weight"}).title("with a bar");
  f.ax(2).plot({0, 1}, {0, 1}, {.label = "outside"}).legend("outside");
  f.ax(3).plot({0, 1}, {0, 1}, {.label = "below"}).xlabel("step").legend("below");
  const auto panels = margins(f.script("a.svg"));
  REQUIRE(panels.size() == 4);
  for (const auto& p : panels) {
    CHECK(p[1] - p[0] == doctest::Approx(panels[0][1] - panels[0][0]).epsilon(1e-3));
    CHECK(p[3] - p[2] == doctest::Approx(panels[0][3] - panels[0][2]).epsilon(1e-3));
    CHECK(p[1] - p[0] > 0.25);
  }
  CHECK(panels[0][0] == doctest::Approx(panels[2][0]));  // and stand in line
  CHECK(panels[2][3] < panels[0][2]);
}

TEST_CASE("figure: a legend below stands below the label of the axis") {
  if (!have_gnuplot()) { MESSAGE("gnuplot is missing: pictures are not tested"); return; }
  const Folder folder;
  Figure f(1, 3, {.title = "three"});
  for (int i = 0; i < 3; ++i)
    f.ax(i).plot({0, 1}, {0, 1}, {.label = "a rather long label"}).plot({0, 1}, {1, 0}, {.label = "another long label"}).plot({1, 0}, {.label = "third"}).xlabel("step").legend("below");
  f.savefig(folder / "a.svg");
  std::string svg = content(folder / "a.svg");
  svg.erase(0, svg.find("</desc>"));
  const auto place = [&svg](std::size_t at) {
    const std::size_t from = svg.rfind("translate(", at) + 10, comma = svg.find(',', from);
    return std::pair(std::stod(svg.substr(from)), std::stod(svg.substr(comma + 1)));
  };
  int panel = 0;
  for (std::size_t at = svg.find(">step<"); at != std::string::npos; at = svg.find(">step<", at + 1), ++panel) {
    const double label = place(at).second;
    for (const char* words : {"<text>a rather long label<", "<text>another long label<", "<text>third<"}) {
      std::size_t entry = 0;
      for (int k = 0; k <= panel; ++k) entry = svg.find(words, entry + 1);
      REQUIRE(entry != std::string::npos);
      CHECK(place(entry).second > label + 18);
      CHECK(place(entry).second < f.height());
    }
  }
  CHECK(panel == 3);
}

TEST_CASE("figure: an SVG says what it shows, in text that can be selected, in any font") {
  if (!have_gnuplot()) { MESSAGE("gnuplot is missing: pictures are not tested"); return; }
  const Folder folder;
  Figure f(1, 2, {.title = "a \"quoted\" <title>"});
  f.ax(0).plot({0, 1}, {0, -1}, {.label = "SGD"}).plot({1, 0}, {.label = "Adam"}).title("Losses").xlabel("step").ylabel("loss");
  f.ax(1).imshow({{1, 2}, {3, 4}}, {.label = "weight"});
  f.savefig(folder / "a.svg");
  const std::string svg = content(folder / "a.svg");
  CHECK(svg.find("<title>a &quot;quoted&quot; &lt;title&gt;; Losses</title>") != std::string::npos);
  CHECK(svg.find("<desc>Losses: loss against step; SGD, Adam. weight</desc>") != std::string::npos);
  CHECK(svg.find("role=\"img\" aria-label=\"a &quot;quoted&quot; &lt;title&gt;; Losses\"") < svg.find("<title>"));
  CHECK(svg.find("GNUPLOT") == std::string::npos);  // nor its version
  CHECK(svg.find("font-family=\"DejaVu Sans\"") == std::string::npos);
  CHECK(svg.find(",sans-serif\"") != std::string::npos);
  CHECK(svg.find(">−1<") != std::string::npos);      // a true minus sign, as text
}

TEST_CASE("figure: room is made for a legend at a place that covers data") {
  const auto range = [](const Figure& f) {
    const std::string script = f.script("a.svg");
    const std::size_t at = script.find("set yrange [") + 12;
    return std::pair(std::stod(script.substr(at)), std::stod(script.substr(script.find(':', at) + 1)));
  };
  Figure high, low, fixed, free;
  high.ax().plot({0, 1}, {0, 1}, {.label = "rising"}).legend("upper right");
  CHECK(range(high).second > 1.06);
  CHECK(range(high).first == doctest::Approx(-0.05));
  low.ax().plot({0, 1}, {1, 0}, {.label = "falling"}).legend("lower right");
  CHECK(range(low).first < -0.06);
  CHECK(range(low).second == doctest::Approx(1.05));
  CHECK(low.script("a.svg").find("noopaque") != std::string::npos);
  fixed.ax().plot({0, 1}, {0, 1}, {.label = "rising"}).legend("upper right").ylim(0, 1);
  CHECK(range(fixed) == std::pair(0.0, 1.0));
  CHECK(fixed.script("a.svg").find("opaque fillcolor") != std::string::npos);
  free.ax().plot({0, 1}, {1, 0}, {.label = "falling"}).legend("upper right");
  CHECK(range(free).second == doctest::Approx(1.05));
}

TEST_CASE("figure: nothing shines through between the cells of an image") {
  Figure f;
  f.ax().imshow({{1, 2, 3}, {4, NAN, 6}});
  const std::string script = f.script("a.svg");
  CHECK(script.find("pixels") == std::string::npos);
  CHECK(script.find("0 0 1\n1 0 2\n2 0 3\n0 1 4\n2 1 6\nEOD") != std::string::npos);  // a gap is no cell
  const std::size_t at = script.find("($1+0.5");
  REQUIRE(at != std::string::npos);
  const double reach = (std::stod(script.substr(at + 4)) - 0.5) / 3 * 0.9 * f.width();  // in pixels, about
  CHECK(reach > 0.8);
  CHECK(reach < 2);
}

TEST_CASE("figure: a sheet of panels grows with what stands below and above them") {
  Figure plain(1, 2), more(1, 2), given(1, 2, {.height = 300});
  for (Figure* f : {&plain, &more, &given}) f->ax(0).plot({0, 1}, {0, 1}, {.label = "a long label that takes a line"}).title("t").xlabel("x");
  const int before = more.height();
  CHECK(plain.height() == before);
  more.ax(0).plot({1, 0}, {.label = "another one of these"}).legend("below");
  more.ax(1).plot({0, 1}, {0, 1}).twiny("top", {0, 1}, {1, 0}).title("t");
  CHECK(more.height() > before + 100);
  const auto p = margins(plain.script("a.svg")), m = margins(more.script("a.svg"));
  CHECK((m[0][3] - m[0][2]) * more.height() == doctest::Approx((p[0][3] - p[0][2]) * before).epsilon(0.02));
  given.ax(0).legend("below");
  CHECK(given.height() == 300);
}

TEST_CASE("figure: a legend outside stands right of its panel, and left of the next one") {
  if (!have_gnuplot()) { MESSAGE("gnuplot is missing: pictures are not tested"); return; }
  const Folder folder;
  for (int cols : {1, 2}) {
    Figure f(1, cols);
    for (int i = 0; i < cols; ++i) f.ax(i).plot({0, 1}, {0, 1}, {.label = "one of two"}).plot({0, 1}, {1, 0}, {.label = "the other"});
    f.ax(0).legend("outside");
    f.savefig(folder / "a.svg");
    std::string svg = content(folder / "a.svg");
    svg.erase(0, svg.find("</desc>"));
    const auto panels = margins(f.script("a.svg"));
    const std::size_t at = svg.rfind("translate(", svg.find("<text>one of two<")) + 10;
    const double x = std::stod(svg.substr(at)), end = cols == 1 ? f.width() : panels[1][0] * f.width();
    CHECK(x > panels[0][1] * f.width() + 20);   // room for a line of the sample
    CHECK(x + 70 < end);
  }
}
