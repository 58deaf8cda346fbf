// show(x): what is printed in a program, and the marks that a notebook gets.
#include <cotangent/cotangent.h>
#include <cotangent/inspect.h>
#include <cotangent/show.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>
#include <unistd.h>

#include "doctest/doctest.h"
#include "show/table.h"

namespace {

struct Printed { int x; };
std::ostream& operator<<(std::ostream& out, const Printed& p) { return out << "Printed " << p.x; }
struct Unprinted {};
enum class Colour { red, green };
struct Picture {
  std::vector<std::string> save(const std::string& stem) const {
    std::ofstream(stem + ".svg") << "<svg>picture</svg>";
    return {stem + ".svg"};
  }
};

struct Pages {
  std::vector<std::string> save(const std::string& stem) const {
    std::ofstream(stem + ".html") << "<html><!-- part -->\n<p>part</p><!-- end of part --></html>";
    std::ofstream(stem + "_1.svg") << "<svg>last</svg>";
    return {stem + ".html", stem + "_1.svg"};
  }
};

// What f writes to stdout.
template <class F>
std::string output_of(F f) {
  std::fflush(stdout);
  const std::string path = "output_of_show.txt";
  const int kept = ::dup(1);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ::dup2(::fileno(file), 1);
  f();
  std::fflush(stdout);
  ::dup2(kept, 1);
  ::close(kept);
  std::fclose(file);
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  std::filesystem::remove(path);
  return all.str();
}
template <class T>
std::string shown(const T& x) { return output_of([&] { ct::show(x); }); }

}  // namespace

TEST_CASE("show prints values as Python does") {
  CHECK(shown(3) == "3\n");
  CHECK(shown(2.5) == "2.5\n");
  CHECK(shown(true) == "True\n");
  CHECK(shown("text") == "text\n");
  CHECK(shown(std::string("a\nb")) == "a\nb\n");
  CHECK(shown(nullptr) == "None\n");
  CHECK(shown(ct::tensor({1.0, 2.0})) == "tensor([1., 2.])\n");
  CHECK(shown(ct::ones({2, 3}).shape()) == "torch.Size([2, 3])\n");
}

TEST_CASE("show prints containers as Python prints its own") {
  CHECK(shown(std::vector<int>{1, 2}) == "[1, 2]\n");
  CHECK(shown(std::vector<bool>{true, false}) == "[True, False]\n");
  CHECK(shown(std::deque<std::string>{"a", "b\"c\n"}) == "[\"a\", \"b\\\"c\\n\"]\n");
  CHECK(shown(std::map<std::string, std::vector<int>>{{"k", {1}}}) == "{\"k\": [1]}\n");
  CHECK(shown(std::set<int>{2, 1}) == "{1, 2}\n");
  CHECK(shown(std::pair<int, std::string>{1, "x"}) == "(1, \"x\")\n");
  CHECK(shown(std::tuple<int, double, Printed>{1, 0.5, {7}}) == "(1, 0.5, Printed 7)\n");
  CHECK(shown(std::optional<int>{}) == "None\n");
  CHECK(shown(std::optional<int>{4}) == "4\n");
  const int array[] = {1, 2, 3};
  CHECK(shown(array) == "[1, 2, 3]\n");
  const std::string cut = shown(std::deque<int>(300, 1));
  CHECK(cut.substr(cut.size() - 8) == "1, ...]\n");
}

TEST_CASE("show prints other types by operator<<, or by name") {
  CHECK(shown(Printed{3}) == "Printed 3\n");
  CHECK(shown(Colour::green).find("Colour>(1)\n") != std::string::npos);
  CHECK(shown(Unprinted{}).find("Unprinted>\n") != std::string::npos);
  CHECK(shown([](int) {}).find("<") == 0);
  CHECK(shown(ct::Error("what it says")) == "what it says\n");
}

TEST_CASE("show saves pictures and says where") {
  ::setenv("COTANGENT_RESULTS", "pictures_of_show", 1);
  const std::string text = output_of([] { ct::show(Picture{}, "part/one"); });
  CHECK(text == "figure: " + std::filesystem::absolute("pictures_of_show/part/one.svg").string() + "\n");
  CHECK(std::filesystem::exists("pictures_of_show/part/one.svg"));
  ::unsetenv("COTANGENT_RESULTS");
  std::filesystem::remove_all("pictures_of_show");
}

TEST_CASE("in a notebook show writes marks") {
  ::setenv("COTANGENT_NOTEBOOK", "1", 1);
  CHECK(shown(42) == "\x1b]ctnb;display;text/plain;NDI=\a");
  CHECK(output_of([] { ct::detail::show_result(std::string("abc")); }) == "\x1b]ctnb;result;text/plain;YWJj\a");
  CHECK(output_of([] { ct::detail::show_result(std::ostringstream()); }).empty());
  CHECK(shown(Picture{}).find("\x1b]ctnb;display;image/svg+xml;PHN2Zz5waWN0dXJlPC9zdmc+;text/plain;") == 0);
  CHECK(shown(Pages{}).find("\x1b]ctnb;display;text/html;PHA+cGFydDwvcD4=;image/svg+xml;PHN2Zz5sYXN0PC9zdmc+;text/plain;") == 0);
  const std::string matrix = shown(ct::ones({2, 2}));
  CHECK(matrix.find("\x1b]ctnb;display;text/plain;") == 0);
  CHECK(matrix.find(";text/html;") != std::string::npos);
  ::unsetenv("COTANGENT_NOTEBOOK");
}

TEST_CASE("tables of tensors") {
  using ct::detail::html_table;
  CHECK(html_table(ct::Tensor()).empty());
  CHECK(html_table(ct::tensor(1.0)).empty());
  CHECK(html_table(ct::tensor({1.5, -2.0})) ==
        "<div class=\"ct-tensor\"><div><small>tensor [2] of torch.float32</small></div><table><thead><tr><th>0</th><th>1</th></tr></thead>"
        "<tbody><tr><td>1.5000</td><td>-2.0000</td></tr></tbody></table></div>");
  const auto x = ct::ones({2}, ct::requires_grad());
  CHECK(html_table(x).find("requires_grad=True") != std::string::npos);
  CHECK(html_table(x * 2).find("grad_fn=&lt;MulBackward0&gt;") != std::string::npos);
  const std::string large = html_table(ct::arange(100 * 30).view({100, 30}));
  CHECK(large.find("<td>2999</td>") != std::string::npos);
  CHECK(large.find("<th>⋮</th>") != std::string::npos);
  CHECK(large.find("<td>330</td>") == std::string::npos);  // row 11 is left out
  CHECK(large.size() < 9000);
  const std::string cube = html_table(ct::zeros({2, 5, 1, 1}, ct::kBool));
  CHECK(cube.find("[0, 1, :, :]") != std::string::npos);
  CHECK(cube.find("[1, 4, :, :]") != std::string::npos);
  CHECK(cube.find("[0, 2, :, :]") == std::string::npos);
  CHECK(cube.find("<td>False</td>") != std::string::npos);
  CHECK(html_table(ct::tensor({1e-9, 1.0})).find("1.0000e-09") != std::string::npos);
}
