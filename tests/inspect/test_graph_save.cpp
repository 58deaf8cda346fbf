// tests/inspect/test_graph_save.cpp -- pictures by Graphviz, and what happens when it is missing, slow or broken.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "core/process.h"
#include "cotangent/cotangent.h"
#include "inspect/drawings.h"
#include "pictures.h"

using namespace ct::inspect;

namespace {

// Puts a shell script named dot in front of the PATH, or leaves an empty PATH, for as long as it lives.
struct FakeDot {
  Folder folder;
  std::string path = std::getenv("PATH");
  explicit FakeDot(const std::string& script) {
    if (script.empty()) {
      ::setenv("PATH", folder.path.c_str(), 1);
      return;
    }
    std::ofstream(folder / "dot") << "#!/bin/sh\n" << script;
    ::chmod((folder / "dot").c_str(), 0755);
    ::setenv("PATH", (folder.path.string() + ":" + path).c_str(), 1);
  }
  ~FakeDot() { ::setenv("PATH", path.c_str(), 1); }
};

Graph square() {
  auto x = ct::tensor(3.0, ct::requires_grad());
  return graph(x * x, {{"x", x}}, {.seconds = 1});
}

std::string error_of_save(const std::string& stem) {
  try {
    square().save(stem);
  } catch (const ct::IoError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("graph: save draws SVG and PNG") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  const Folder folder;
  const std::string stem = folder / "a";
  CHECK(square().save(stem) == std::vector<std::string>{stem + ".svg", stem + ".png"});
  const std::string svg = content(stem + ".svg"), png = content(stem + ".png");
  CHECK(content(stem + ".dot") == square().dot());
  CHECK(svg == square().svg());
  CHECK(svg.find("<title>Graph of the computation</title>\n<desc>Leaves: x. n_2 = mul(x, x)</desc>") != std::string::npos);
  CHECK(svg.find("role=\"img\" aria-label=\"Graph of the computation\"") != std::string::npos);
  CHECK(svg.find("graphviz") == std::string::npos);  // nor its version
  CHECK(svg.rfind("<?xml", 0) == 0);
  CHECK(svg.find("</svg>") != std::string::npos);
  CHECK(svg.find("id=\"n_2\"") != std::string::npos);
  CHECK(svg.find("MulBackward0") != std::string::npos);
  CHECK(png.substr(1, 3) == "PNG");
  CHECK(png.size() > 4000);
}

TEST_CASE("graph: the description of a picture names what is known") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  auto x = ct::tensor(0.5, ct::requires_grad()), k = ct::tensor(7.0);
  auto y = x.exp() * 3 * k;
  const std::string svg = graph(y, {{"x", x}, {"k", k}, {"y", y}}, {.title = "a < b"}).svg();
  CHECK(svg.find("aria-label=\"a &lt; b\"") != std::string::npos);
  CHECK(svg.find("<desc>Leaves: x. n_2 = exp(x); n_3 = mul(n_2, 3); y = mul(n_3, k)</desc>") != std::string::npos);
  for (int i = 0; i < 4; ++i) y = y * x;
  CHECK(graph(y, {}, {.max_fanout = 2}).svg().find("<desc>Leaves: n_1. n_2 = exp(n_1); n_3 = mul(n_2, 3); n_4 = mul(n_3, 7); n_5 = mul(n_4, n_1); n_6 = mul(n_5, n_1)") !=
        std::string::npos);
}

TEST_CASE("graph: every golden file is accepted by Graphviz without a complaint") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  int drawn = 0;
  for (const auto& entry : fs::directory_iterator(std::string(CT_TESTS_DIR) + "/inspect/golden")) {
    const auto r = ct::detail::run_process({"dot", "-Tsvg"}, content(entry.path().string()), 20);
    CHECK_MESSAGE(r.exit_code == 0, entry.path().string());
    CHECK_MESSAGE(r.err.empty(), entry.path().string(), ": ", r.err);
    CHECK(r.out.find("</svg>") != std::string::npos);
    ++drawn;
  }
  CHECK(drawn >= 10);
}

TEST_CASE("graph: a large graph is drawn in time") {
  if (!have_dot()) { MESSAGE("graphviz is missing: drawing is not tested"); return; }
  auto w = ct::ones({2, 2}, ct::requires_grad()), b = ct::ones({2}, ct::requires_grad()), h = ct::ones({1, 2});
  for (int i = 0; i < 95; ++i) h = (h.mm(w) + b).tanh();  // 287 nodes, each leaf with 95 uses
  const auto begin = std::chrono::steady_clock::now();
  const Graph g = graph(h.sum(), {{"w", w}, {"b", b}});
  const std::string svg = g.svg();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  MESSAGE("the SVG of ", g.nodes().size(), " boxes took ", seconds, " s");
  CHECK(seconds < 15);
}

TEST_CASE("graph: without Graphviz the text is kept, and the error says what to install") {
  const Folder folder;
  const FakeDot none("");
  const std::string stem = folder / "a";
  CHECK(error_of_save(stem) == "save: cannot draw '" + stem + ".svg': the program dot is not on the PATH; its text is in '" + stem +
                                   ".dot'\n  Install Graphviz, on Debian with: apt-get install graphviz");
  CHECK(content(stem + ".dot") == square().dot());
  CHECK_FALSE(fs::exists(stem + ".svg"));
}

TEST_CASE("graph: a dot that is slow, crashes or complains") {
  const Folder folder;
  const std::string stem = folder / "a", at = "save: cannot draw '" + stem + ".svg': ",
                    size = ", with a graph of 2 boxes and 2 arrows; its text is in '" + stem + ".dot'";
  std::ofstream(stem + ".svg") << "before";
  {
    const FakeDot slow("exec sleep 30\n");
    CHECK(error_of_save(stem) == at + "dot did not finish within 1 s" + size +
                                     "\n  Draw less of it (smaller max_nodes, max_fanout or ends), or allow more seconds in the options.");
  }
  {
    const FakeDot crash("cat >/dev/null\nkill -11 $$\n");
    CHECK(error_of_save(stem) == at + "dot crashed (signal 11)" + size);
  }
  {
    const FakeDot complains("cat >/dev/null\necho 'syntax error' >&2\nexit 1\n");
    CHECK(error_of_save(stem) == at + "dot ended with code 1" + size + "\n  It says: syntax error\n");
  }
  CHECK(content(stem + ".svg") == "before");
  CHECK(content(stem + ".dot") == square().dot());
  CHECK_THROWS_WITH_AS(square().save(folder / "no/such/a"), doctest::Contains("No such file or directory"), ct::IoError);
}
