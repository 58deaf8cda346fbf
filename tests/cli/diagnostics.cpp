// cli/diagnostics.cpp -- what compilers and linkers say, and what of it the learner sees.
#include "diagnostics.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

using cli::Diagnostic;
using Kind = Diagnostic::Kind;

namespace {

const char* const kGcc = R"(/home/u/my.cpp: In function 'int main()':
/home/u/my.cpp:9:14: error: 'class ct::Tensor' has no member named 'backwrd'; did you mean 'backward'?
    9 |   auto y = x.backwrd();
      |              ^~~~~~~
      |              backward
/home/u/my.cpp:12:12: error: no matching function for call to 'ct::Tensor::reshape(const char [2], int)'
   12 |   x.reshape("a", 3);
      |   ~~~~~~~~~^~~~~~~~
In file included from /opt/include/cotangent/tensor.h:293,
                 from /home/u/my.cpp:1:
/opt/include/cotangent/tensor_methods.inc:196:16: note: candidate: 'ct::Tensor ct::Tensor::reshape(ct::IntArrayRef) const'
  196 | CT_DOOR Tensor reshape(IntArrayRef shape) const { return ct::reshape(*this, shape); }
      |                ^~~~~~~
In file included from /usr/include/c++/12/algorithm:61,
                 from /home/u/my.cpp:2:
/usr/include/c++/12/bits/stl_algo.h: In instantiation of 'constexpr void std::__sort(_Iter, _Iter) [with _Iter = _List_iterator<int>]':
/usr/include/c++/12/bits/stl_algo.h:4820:18:   required from 'constexpr void std::sort(_RAIter, _RAIter)'
/home/u/my.cpp:11:30:   required from here
/usr/include/c++/12/bits/stl_algo.h:1938:50: error: no match for 'operator-' (operand types are 'std::_List_iterator<int>' and 'std::_List_iterator<int>')
 1938 |                                 std::__lg(__last - __first) * 2,
      |                                           ~~~~~~~^~~~~~~~~
/usr/include/c++/12/bits/stl_algo.h:1938:50: note:   'std::_List_iterator<int>' is not derived from 'const std::move_iterator<_IteratorL>'
/home/u/my.cpp: At global scope:
/home/u/my.cpp:5:13: warning: 'void f()' declared 'static' but never defined [-Wunused-function]
    5 | static void f();
      |             ^
/opt/include/cotangent/tensor.h:3:1: warning: something of ours
)";

const char* const kClang = R"(/home/u/my.cpp:9:15: error: no member named 'backwrd' in 'ct::Tensor'; did you mean 'backward'?
auto y = x.backwrd();
           ^~~~~~~
           backward
/opt/include/cotangent/tensor.h:122:8: note: 'backward' declared here
  void backward(const Tensor& gradient = {});
       ^
In file included from /home/u/my.cpp:2:
In file included from /usr/include/c++/12/algorithm:61:
/usr/include/c++/12/bits/stl_algo.h:1938:22: error: invalid operands to binary expression
                                std::__lg(__last - __first) * 2,
                                          ~~~~~~ ^ ~~~~~~~
/usr/include/c++/12/bits/stl_algo.h:4820:12: note: in instantiation of function template specialization 'std::__sort' requested here
      std::__sort(__first, __last, __gnu_cxx::__ops::__iter_less_iter());
           ^
/home/u/my.cpp:11:26: note: in instantiation of function template specialization 'std::sort' requested here
  std::sort(l.begin(), l.end());
  ^
2 errors generated.
)";

}  // namespace

TEST_CASE("GCC's text is taken apart") {
  const auto all = cli::parse_diagnostics(kGcc);
  REQUIRE(all.size() == 7);
  CHECK(all[0].kind == Kind::error);
  CHECK(all[0].place.file == "/home/u/my.cpp");
  CHECK(all[0].place.line == 9);
  CHECK(all[0].place.column == 14);
  CHECK(all[0].message == "'class ct::Tensor' has no member named 'backwrd'; did you mean 'backward'?");
  CHECK(all[0].excerpt == "    9 |   auto y = x.backwrd();\n      |              ^~~~~~~\n      |              backward\n");
  CHECK(all[0].through.empty());
  CHECK(all[2].kind == Kind::note);
  REQUIRE(all[3].through.size() == 2);
  CHECK(all[3].through[1].line == 11);
  REQUIRE(all[3].included.size() == 2);
  CHECK(all[3].included[1].line == 2);
  REQUIRE(all[2].kind == Kind::note);
  CHECK(all[5].kind == Kind::warning);
}

TEST_CASE("the learner sees the lines that they wrote, errors first") {
  for (const char* text : {kGcc, kClang}) {
    const auto seen = cli::for_learner(cli::parse_diagnostics(text), "/home/u/my.cpp");
    REQUIRE(seen.size() >= 2);
    for (const auto& d : seen) CHECK(d.place.file == "/home/u/my.cpp");
    CHECK(seen[0].place.line == 9);
    const auto& sorted = seen[text == kGcc ? 2 : 1];
    CHECK(sorted.place.line == 11);
    CHECK(sorted.message.find("(said in stl_algo.h:1938, which this line uses)") != std::string::npos);
    if (text == kGcc) {
      REQUIRE(seen.size() == 4);
      CHECK(seen[3].kind == Kind::warning);
      CHECK(seen[3].place.line == 5);
    } else {
      CHECK(seen.size() == 2);
      CHECK(seen[0].excerpt == "    9 | auto y = x.backwrd();\n      |            ^~~~~~~\n      |            backward\n");
    }
  }
  const auto seen = cli::for_learner(cli::parse_diagnostics(kGcc), "/home/u/my.cpp");
  CHECK(cli::to_text({seen[0]}).substr(0, 28) == "/home/u/my.cpp:9:14: error: ");
  CHECK(cli::to_text(seen, 1).find("and 3 more\n") != std::string::npos);
}

TEST_CASE("where no function fits, those that there are") {
  // What GCC 12 says of `ct::nn::Linear l(1);`, shortened. It does not name the line, since the constructor is inherited.
  const std::string text = R"(In file included from /usr/include/c++/12/optional:44,
                 from SOURCE:1:
/usr/include/c++/12/bits/stl_construct.h: In instantiation of 'constexpr void std::_Construct(_Tp*, _Args&& ...)':
/opt/include/cotangent/nn/layers.h:35:1:   required from here
/usr/include/c++/12/bits/stl_construct.h:115:28: error: no matching function for call to 'construct_at(ct::nn::LinearImpl*&, int)'
/usr/include/c++/12/bits/stl_construct.h:94:5: note: candidate: 'template<class _Tp> constexpr decltype (::new(void*(0)) _Tp) std::construct_at(_Tp*)'
/usr/include/c++/12/bits/stl_construct.h:96:17: error: no matching function for call to 'ct::nn::LinearImpl::LinearImpl(int)'
/opt/include/cotangent/nn/layers.h:24:12: note: candidate: 'ct::nn::LinearImpl::LinearImpl(const ct::nn::LinearOptions&)'
/opt/include/cotangent/nn/layers.h:22:8: note: candidate: 'ct::nn::LinearImpl::LinearImpl(const ct::nn::LinearImpl&)'
/opt/include/cotangent/nn/layers.h:22:8: note: candidate: 'ct::nn::LinearImpl::LinearImpl(ct::nn::LinearImpl&&)'
)";
  char name[] = "/tmp/ct-diagnostics-XXXXXX.cpp";
  const int fd = mkstemps(name, 4);
  REQUIRE(fd >= 0);
  close(fd);
  const auto seen_with = [&](const std::string& source) {
    std::ofstream(name) << source;
    std::string said = text;
    said.replace(said.find("SOURCE"), 6, name);
    return cli::for_learner(cli::parse_diagnostics(said), name);
  };
  auto seen = seen_with("#include <Linear>\nint main() {\n  ct::nn::Linear l(1);\n  Linearly();\n}\n");
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].place.line == 3);
  CHECK(seen[0].message ==
        "no matching function for call to 'ct::nn::LinearImpl::LinearImpl(int)' (said in stl_construct.h:96, which this line "
        "uses)");
  CHECK(seen[0].excerpt == "    3 |   ct::nn::Linear l(1);\n      there is ct::nn::LinearImpl(const ct::nn::LinearOptions&)\n");
  seen = seen_with("Linear a;\nLinear b;\n");
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].place.line == 1);
  CHECK(seen[0].message.find("for one of the lines with Linear)") != std::string::npos);
  seen = seen_with("#include <a>\n");  // no such word: where the header was included
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].place.line == 1);
  unlink(name);
}

TEST_CASE("what helps most is said with the error: a header that is missing, a gradient that can be changed") {
  const std::string text = R"(my.cpp:3:8: error: 'map' is not a member of 'std'
    3 |   std::map<int, int> m;
      |        ^~~
my.cpp:2:1: note: 'std::map' is defined in header '<map>'; did you forget to '#include <map>'?
my.cpp:5:26: error: passing 'const ct::Tensor' as 'this' argument discards qualifiers [-fpermissive]
    5 |   p.grad() = ct::ones({2});
      |                          ^
)";
  const auto seen = cli::for_learner(cli::parse_diagnostics(text), "my.cpp");
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].message == "'map' is not a member of 'std'; 'std::map' is defined in header '<map>'; did you forget to '#include <map>'?");
  CHECK(seen[1].excerpt.ends_with("grad() is for reading; mutable_grad() can be changed\n"));
}

TEST_CASE("the linker's text") {
  const auto all = cli::parse_diagnostics(
      "/usr/bin/ld: /tmp/cc1.o: in function `main':\n/home/u/my.cpp:12: undefined reference to `f(int)'\n"
      "/usr/bin/ld: /usr/lib/crt1.o: in function `_start':\n(.text+0x17): undefined reference to `main'\n"
      "collect2: error: ld returned 1 exit status\n");
  const auto seen = cli::for_learner(all, "/home/u/my.cpp");
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].place.line == 12);
  CHECK(seen[0].message == "undefined reference to 'f(int)': it is declared, but defined nowhere");
  CHECK(seen[1].message == "the program has no main()");
}

TEST_CASE("long names are shortened, errors without a place are kept, odd text does no harm") {
  const auto all = cli::parse_diagnostics(
      "/h/m.cpp:1:2: error: 'std::vector<std::vector<double, std::allocator<double> >, std::allocator<std::vector<double, "
      "std::allocator<double> > > >' and 'std::__cxx11::basic_string<char>'\n");
  CHECK(cli::for_learner(all, "/h/m.cpp")[0].message == "'std::vector<std::vector<double>>' and 'std::string'");
  const auto none =
      cli::for_learner(cli::parse_diagnostics("g++: fatal error: no input files\ncompilation terminated.\n"), "/h/m.cpp");
  REQUIRE(none.size() == 1);
  CHECK(none[0].message == "no input files");
  CHECK(cli::to_text(none) == "error: no input files\n");
  CHECK(cli::parse_diagnostics("").empty());
  CHECK(cli::parse_diagnostics(":::\n1:2:3\n:99999999999999999999: error: \n   |\n\n: error: x").size() <= 1);
}
