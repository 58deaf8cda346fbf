// tests/inspect/test_steps_save.cpp -- the frames of a backward as pictures and as a page.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "core/process.h"
#include "cotangent/cotangent.h"
#include "inspect/drawings.h"
#include "pictures.h"

using namespace ct::inspect;

namespace {

// y = exp(h) + h + x^2 with h = x w: fan-out at h and at x, a constant, and a .grad that is there already.
Steps example() {
  auto x = ct::tensor(2.0, ct::requires_grad()), w = ct::tensor(-1.0, ct::requires_grad());
  (x * 5).backward();
  // One after the other: compilers differ in which operand of + comes first, and what was made last is run first.
  auto h = x * w, square = x.pow(2), triple = h * 3, grown = h.exp(), y = grown + triple + square;
  return steps(y, {{"x", x}, {"w <&>", w}, {"h", h}, {"y", y}}, {.title = "An example"});
}

// Where things are, by the ids of boxes and arrows: all numbers of their outlines.
std::map<std::string, std::string> places(const std::string& svg) {
  std::map<std::string, std::string> out;
  for (std::size_t at = svg.find("<g id=\""); at != std::string::npos; at = svg.find("<g id=\"", at + 1)) {
    const std::string id = svg.substr(at + 7, svg.find('"', at + 7) - at - 7);
    const bool arrow = id.rfind("e_", 0) == 0;
    const std::size_t end = svg.find("</g>", at), path = svg.find(arrow ? " d=\"" : " points=\"", at);
    if (id != "graph0" && path < end) out[id] = svg.substr(path, svg.find('"', path + 10) - path);
  }
  return out;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("steps: all frames have one layout, and say what happens in each") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  const Steps s = example();
  REQUIRE(s.frames() == 9);
  const auto at_first = places(s.svg(0));
  CHECK(at_first.size() >= 16);  // 9 boxes, 10 arrows
  for (std::size_t k = 0; k < s.frames(); ++k) {
    const std::string svg = s.svg(k);
    CHECK(places(svg) == at_first);
    CHECK(svg == s.svg(k));                        // the same bytes each time
    CHECK(svg.find("#c1") == std::string::npos);   // no slot is left
    CHECK(svg.find("#c2") == std::string::npos);
    CHECK(svg.find("#C1") == std::string::npos);
    CHECK(count(svg, "<title>") == 1);
    CHECK(svg.find("role=\"img\" aria-label=\"") != std::string::npos);
    CHECK(svg.find("graphviz") == std::string::npos);  // nor its version
    CHECK(svg.find(",sans-serif\"") != std::string::npos);
    CHECK(count(svg, "#D55E00") == (k == 0 ? 0 : 2));  // the box that runs, and the frame around it
  }
  CHECK(s.svg(0).find("<title>Forward: y = −1.865</title>") != std::string::npos);
  CHECK(s.svg(0).find(">grad 5<") != std::string::npos);
  CHECK(s.svg(0).find("dx₀ = −3.135") == std::string::npos);
  const std::string six = s.svg(6), last = s.svg(8);
  CHECK(six.find(">dx₀ = −3.135<") != std::string::npos);
  CHECK(six.find(">g = 0.1353 + 3 = 3.135<") != std::string::npos);
  CHECK(six.find(">g = 4 + (−3.135) = 0.8647<") != std::string::npos);
  CHECK(six.find(">Step 6 of 8: h = mul (MulBackward0): g = 0.1353 + 3 = 3.135<") != std::string::npos);
  CHECK(last.find(">grad 5 + 0.8647 = 5.865<") != std::string::npos);
  CHECK(last.find(">grad 6.271<") != std::string::npos);
}

TEST_CASE("steps: save writes frames and a page that needs nothing else") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  const Folder folder;
  const Steps s = example();
  const std::string stem = folder / "a";
  CHECK(s.save(stem) == std::vector<std::string>{stem + ".html", stem + "_step_08.svg"});
  for (int k = 0; k < 9; ++k) CHECK(content(stem + "_step_0" + std::to_string(k) + ".svg") == s.svg(static_cast<std::size_t>(k)));
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator{}) == 10);
  const std::string page = content(stem + ".html");
  CHECK(page.find(s.html()) != std::string::npos);
  CHECK(page.find("<title>An example</title>") != std::string::npos);
  CHECK(count(page, "<div class=\"ct-steps\"") == 1);
  CHECK(count(page, "<div class=\"ct-step\"") == 9);
  CHECK(count(page, "<svg") == 9);
  CHECK(count(page, "<?xml") == 0);
  CHECK(count(page, " id=\"") == 0);  // they would be there nine times
  CHECK(count(page, "http://") == 18);  // the names of SVG's language, which nothing is fetched from
  CHECK(count(page, "https://") == 0);
  CHECK(page.find("w &lt;&amp;&gt;") != std::string::npos);
  CHECK(page.find("w <&>") == std::string::npos);
}

TEST_CASE("steps: each frame is accepted by Graphviz by itself") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  const Steps s = example();
  for (std::size_t k = 0; k < s.frames(); ++k) {
    const auto r = ct::detail::run_process({"dot", "-Tsvg"}, s.dot(k), 20);
    CHECK(r.exit_code == 0);
    CHECK(r.err.empty());
  }
  CHECK_THROWS_AS(s.dot(9), ct::IndexError);
  CHECK_THROWS_AS(s.svg(9), ct::IndexError);
}

TEST_CASE("steps: without Graphviz the error says what to install, and no file is written") {
  const Folder folder;
  const Steps s = example();
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path.c_str(), 1);
  CHECK_THROWS_WITH_AS(s.save(folder / "a"), doctest::Contains("the program dot is not on the PATH\n  Install Graphviz, on Debian with: apt-get install graphviz"), ct::IoError);
  ::setenv("PATH", path.c_str(), 1);
  CHECK(fs::is_empty(folder.path));
  if (!have_dot()) return;
  CHECK_THROWS_WITH_AS(s.save(folder / "no/such/a"), doctest::Contains("No such file or directory"), ct::IoError);
}
