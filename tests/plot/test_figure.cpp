// tests/plot/test_figure.cpp -- scripts as golden text, pictures in all formats, and what happens when saving fails.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "cotangent/error.h"
#include "cotangent/plot.h"
#include "core/process.h"
#include "pictures.h"

using namespace ct::plot;
using ct::detail::ProcessResult;
using ct::detail::run_process;

namespace {

std::string error_of_save(const Figure& f, const std::string& path) {
  try {
    f.savefig(path);
  } catch (const ct::IoError& e) {
    return e.what();
  }
  return "no error";
}

Figure small() {
  Figure f({.width = 600, .height = 400, .font_size = 12});
  f.ax().plot({0, 1, 2}, {0.1, NAN, -0.25}, {.label = "it's `x_1`", .dashes = "--"}).title("T").xlabel("α").grid().legend("upper left");
  return f;
}

// Sets a variable of the environment for one scope.
struct Environment {
  std::string name, before;
  Environment(const char* n, const std::string& value) : name(n), before(std::getenv(n) ? std::getenv(n) : "") { ::setenv(n, value.c_str(), 1); }
  ~Environment() { ::setenv(name.c_str(), before.c_str(), 1); }
};

}  // namespace

TEST_CASE("figure: the script of a small figure") {
  const std::string golden = R"(# Drawn by gnuplot 5.4 or later; to draw it again, run gnuplot on this file.
set terminal svg size 600,400 font 'DejaVu Sans,12' background '#FFFFFF'
point = 0.1
em = 12
closer = 1
set output './small.svg'
$p1s1 << EOD
0 0.1
NaN NaN
2 -0.25
EOD
set encoding utf8
set minussign
set tics nomirror out scale 0.5 textcolor rgb '#202020'
set errorbars 0.6
set style fill solid 1 noborder
# panel 1
set lmargin at screen 0.0936
set rmargin at screen 0.976
set bmargin at screen 0.126
set tmargin at screen 0.922
set title 'T' noenhanced font sprintf(',%g', 1.1*em) offset 0,-0.3-0.4*closer
set border 3 linewidth 1 linecolor rgb '#404040'
set xlabel 'α' noenhanced offset 0,0.55*closer
unset logscale x
set xrange [-0.1:2.1]
set format x '%h'
set xtics enhanced norotate autofreq offset 0,0.25*closer
set xtics 0.5
unset mxtics
set ylabel '' noenhanced
unset logscale y
set yrange [-0.2675:0.145518867925]
set format y '%h'
set ytics enhanced norotate autofreq
set ytics 0.1
unset mytics
unset logscale x2
unset x2tics
set x2label ''
set grid back linetype 1 linewidth 1 linecolor rgb '#E4E4E4'
set size noratio
set key inside vertical left top Left reverse noenhanced samplen 2 spacing 1 width -3.13 nobox noopaque
unset label
plot $p1s1 using 1:2 with lines linewidth 2 dashtype (7,4) linecolor rgb '#0072B2' title 'it''s `x_1`'
unset output
)";
  CHECK(small().script("small.svg") == golden);
}

TEST_CASE("figure: no user text is expanded, whatever it holds") {
  Figure f;
  f.ax().plot({1, 2}, {1, 2}, {.label = "a'b `touch x` $(y) @z \\n"}).xlabel("a'b\n`touch x`").legend();
  const std::string script = f.script("|evil`x`.svg");
  CHECK(script.find(R"(title 'a''b `touch x` $(y) @z \n')") != std::string::npos);
  CHECK(script.find(R"(set xlabel 'a''b'."\n".'`touch x`')") != std::string::npos);
  CHECK(script.find("set output './|evil`x`.svg'") != std::string::npos);
}

TEST_CASE("figure: the script does not depend on the locale") {
  const std::string before = std::setlocale(LC_ALL, nullptr), expected = small().script("a.png");
  for (const char* locale : {"de_DE.UTF-8", "de_DE.utf8"}) {
    if (!std::setlocale(LC_ALL, locale)) continue;  // not installed everywhere
    CHECK(small().script("a.png") == expected);
    CHECK(number(1.5, 1) == "1.5");
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("figure: panels and sizes") {
  Figure f(2, 3);
  CHECK(f.rows() == 2);
  CHECK(f.cols() == 3);
  CHECK(&f(1, 2) == &f.ax(5));
  CHECK_THROWS_WITH_AS(f(2, 0), "Figure: panel (2, 0) is outside the 2 x 3 sheet", ct::IndexError);
  CHECK_THROWS_AS(f.ax(6), ct::IndexError);
  CHECK_THROWS_AS(f.ax(-1), ct::IndexError);
  CHECK_THROWS_AS(Figure(0, 1), ct::ValueError);
  CHECK_THROWS_AS(Figure({.width = -1}), ct::ValueError);
  CHECK_THROWS_AS(Figure({.png_scale = NAN}), ct::ValueError);
  CHECK_THROWS_WITH_AS(f.savefig("x.svg"), "savefig: the figure is empty\n  Add a series first, e.g. fig.ax().plot(x, y).", ct::ValueError);
  for (const char* name : {"x", "x.jpg", "svg", ".svg", "a.svg/b", ""}) CHECK_THROWS_AS(f.savefig(name), ct::ValueError);
}

TEST_CASE("figure: shared ranges") {
  Figure f(1, 2, {.sharex = true});
  f(0, 0).plot({0, 10}, {0, 1});
  f(0, 1).plot({20, 30}, {0, 5});
  const std::string script = f.script("a.svg");
  const std::size_t first = script.find("set xrange [-0.5:30.5]");
  CHECK(first != std::string::npos);
  CHECK(script.find("set xrange [-0.5:30.5]", first + 1) != std::string::npos);
}

TEST_CASE("figure: \"best\" keeps the legend off the data") {
  Figure rising, falling, full;
  rising.ax().plot({0, 1}, {0, 1}, {.label = "a"}).legend();
  CHECK(rising.script("a.svg").find("set key inside vertical left top") != std::string::npos);
  falling.ax().plot({0, 1}, {1, 0}, {.label = "a"}).legend();
  CHECK(falling.script("a.svg").find("set key inside vertical right top") != std::string::npos);
  std::vector<double> x, y;
  for (int i = 0; i < 400; ++i) x.push_back(i % 20), y.push_back(i / 20);
  full.ax().scatter(x, y, {.label = "a"}).legend();
  CHECK(full.script("a.svg").find("set yrange [-0.95:19.95]") == std::string::npos);  // room was made above the data
  full.ax().ylim(0, 19);
  CHECK(full.script("a.svg").find("opaque fillcolor rgb '#40FFFFFF'") != std::string::npos);
}

TEST_CASE("figure: pictures of every kind in every format") {
  if (!have_gnuplot()) { MESSAGE("gnuplot is missing: pictures are not tested"); return; }
  const Folder folder;
  Figure f(3, 4, {.width = 1200, .title = "all {kinds}_of 'plots'"});
  f.ax(0).plot({1, 2, NAN, 4, 5}, {1, 2, 3, INFINITY, 5}, {.label = "gap", .marker = "o"}).axhline(2).axvline(3).legend("below").title("a < b");
  f.ax(1).scatter({1, 10}, {1, 1000}).xscale("log").yscale("log").twiny("top", {1, 10}, {0, -1});
  f.ax(2).bar({"a", "b"}, {1, 2}, {.label = "one"}).bar({0, 1}, {1, 1}, {.label = "two", .bottom = {1, 2}}).legend("outside");
  f.ax(3).hist({1, 2, 2, 3}).yscale("log").ylim(0.1, 10);
  f.ax(4).fill_between({1, 2, 3, 4}, {0, 0, NAN, 0}, {1, 1, 1, 1}, {.label = "band"}).legend();
  f.ax(5).errorbar({1, 2}, {1, 2}, {0.5, NAN}).text(1, 1, "x_1\n^2", {.align = "center", .rotate = 45});
  f.ax(6).imshow({{1, -2}, {NAN, 4}}, {.label = "w", .digits = 1}).xticks({0, 1}, {"left", "right"}, 45);
  f.ax(7).contour({0, 1, 2}, {0, 1, 2}, {{0, 1, 4}, {1, 2, 5}, {4, 5, 8}}, {.colorbar = true});
  f.ax(8).contour({0, 1}, {0, 1}, {{0, 1}, {1, 2}}, {.at = {0.5, 1.5}, .color = "k"});
  f.ax(9).quiver({0, 1}, {0, 1}, {1, -1}, {0, NAN}).equal_aspect();
  f.ax(10).plot({1, 2}, {0.5, 3}, {.dashes = "none", .marker = "^"}).yscale("log");
  const std::vector<std::string> paths = f.save(folder / "all");
  CHECK(paths == std::vector<std::string>{folder / "all.svg", folder / "all.png"});
  CHECK(content(paths[0]).find("</svg>") != std::string::npos);
  CHECK(content(paths[0]).find("<title>all {kinds}_of 'plots'; a &lt; b</title>") != std::string::npos);
  CHECK(content(paths[1]).substr(1, 3) == "PNG");
  CHECK(content(folder / "all.gp") == f.script("all.svg"));
  CHECK(folder.files() == 3);
  f.savefig(folder / "all.PDF");
  CHECK(content(folder / "all.PDF").substr(0, 5) == "%PDF-");
  CHECK(folder.files() == 4);
  const std::string svg = content(paths[0]), png = content(paths[1]), pdf = content(folder / "all.PDF");
  ::usleep(1100000);        // a PDF carries its second of creation
  f.save(folder / "all");  // again: the same bytes
  f.savefig(folder / "all.PDF");
  CHECK((content(paths[0]) == svg));
  CHECK((content(paths[1]) == png));
  CHECK((content(folder / "all.PDF") == pdf));
  const ProcessResult again = run_process({"gnuplot", "--default-settings"}, "cd '" + folder.path.string() + "'\nload 'all.gp'\n", 60);
  CHECK(again.err == "");
  fs::remove(folder / "all.svg");
}

TEST_CASE("figure: extreme data are drawn without complaint") {
  if (!have_gnuplot()) { MESSAGE("gnuplot is missing: pictures are not tested"); return; }
  const Folder folder;
  Figure f(3, 4);
  f.ax(0).plot({-1e308, 1e308}, {-1e308, 1e308});
  f.ax(1).plot({-1e300, 1e300}, {1e-300, 1e300}, {.label = "a"}).yscale("log").legend();
  f.ax(2).plot({0, 5e-324}, {0, 1e-310});
  f.ax(3).plot({1e13, 1e13 + 1000}, {1, 1 + 1e-15}).xlim(1e13, 1e13 + 1000);
  f.ax(4).plot({5, 5}, {0, 0}, {.label = "constant"}).legend();
  f.ax(5).plot({1, 2}, {1, 2}).xscale("log").xlim(3, 0.1);
  f.ax(6).plot({1, 2, 3}, {1, -2, 4}).yscale("log");
  f.ax(7).imshow({{1, NAN, 3}}, {.digits = 0});  // one row
  f.ax(8).imshow({{0}});
  f.ax(9).contour({2, 1, 0}, {0, 1, 2}, {{0, 1, NAN}, {1, 2, 3}, {2, 3, 4}});
  f.ax(10).quiver({0, 1}, {0, 1}, {0, 0}, {0, 0}).xticks({}).title("\n");
  f.ax(11).axhline(3, {.label = "h"}).legend("center");
  f.savefig(folder / "a.svg");
  CHECK(folder.files() == 2);
}

TEST_CASE("figure: gnuplot is missing") {
  const Folder folder;
  const Environment path("PATH", folder.path.string());
  CHECK(error_of_save(small(), folder / "a.svg") == "savefig: cannot draw '" + (folder / "a.svg") +
        "': the program gnuplot is not on the PATH\n  Install it, on Debian with: apt-get install gnuplot-nox");
  CHECK(folder.files() == 0);
}

TEST_CASE("figure: gnuplot complains, crashes or says nothing") {
  const Folder folder, programs;
  const auto fake = [&](const char* body) {
    std::ofstream(programs / "gnuplot") << "#!/bin/sh\n" << body;
    ::chmod((programs / "gnuplot").c_str(), 0755);
  };
  const std::string before = std::getenv("PATH");
  const Environment path("PATH", programs.path.string() + ":" + before);
  const std::string at = "savefig: cannot draw '" + (folder / "a.svg") + "': ";
  fake("cat >/dev/null\necho picture\necho 'warning: Skipping data file with no valid points' >&2\n");
  CHECK(error_of_save(small(), folder / "a.svg") == at + "gnuplot says:\n  warning: Skipping data file with no valid points");
  fake("exit 3\n");  // does not even read its input
  Figure large;
  large.ax().plot(std::vector<double>(200000, 1.0));
  CHECK(error_of_save(large, folder / "a.svg") == at + "gnuplot ended with code 3 after 0 bytes and said nothing");
  fake("cat >/dev/null\nkill -9 $$\n");
  CHECK(error_of_save(small(), folder / "a.svg") == at + "gnuplot ended with code 137 after 0 bytes and said nothing");
  fake("cat >/dev/null\necho 'Fontconfig warning: no cache' >&2\necho picture\n");
  CHECK(error_of_save(small(), folder / "a.svg") == "no error");
  CHECK(content(folder / "a.svg") == "picture\n");
}

TEST_CASE("figure: a program that does not end is ended") {
  const ProcessResult r = run_process({"sleep", "30"}, "", 1);
  CHECK(r.timed_out);
  CHECK(r.exit_code == 128 + SIGKILL);
}

TEST_CASE("figure: folders and disks that cannot be written to") {
  if (!have_gnuplot()) { MESSAGE("gnuplot is missing: saving is not tested"); return; }
  const Folder folder;
  const std::string missing = folder / "no/such/a.svg";
  CHECK(error_of_save(small(), missing) == "savefig: cannot write '" + missing + "': No such file or directory");
  std::ofstream(folder / "file") << "x";
  CHECK(error_of_save(small(), folder / "file/a.svg") == "savefig: cannot write '" + (folder / "file/a.svg") + "': Not a directory");
  fs::create_directory(folder / "dir.svg");
  CHECK(error_of_save(small(), folder / "dir.svg") == "savefig: cannot write '" + (folder / "dir.svg") + "': Is a directory");
  if (fs::exists("/dev/full")) {
    fs::create_symlink("/dev/full", folder / "full.svg");
    CHECK(error_of_save(small(), folder / "full.svg") == "savefig: cannot write '" + (folder / "full.svg") + "': No space left on device");
    CHECK_FALSE(fs::exists(folder / "full.gp"));
    CHECK(fs::is_character_file("/dev/full"));
  }
  // A disk that is full after 100 bytes: the old picture stays, and no part of the new one.
  std::ofstream(folder / "old.svg") << "old";
  const int files = folder.files();
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit low = {100, limit.rlim_max};
  auto* handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &low);
  const std::string error = error_of_save(small(), folder / "old.svg");
  ::setrlimit(RLIMIT_FSIZE, &limit);
  ::signal(SIGXFSZ, handler);
  CHECK(error == "savefig: cannot write '" + (folder / "old.svg") + "': File too large");
  CHECK(content(folder / "old.svg") == "old");
  CHECK(folder.files() == files);
  fs::create_symlink(folder / "old.svg", folder / "link.svg");
  CHECK(error_of_save(small(), folder / "link.svg") == "no error");
  CHECK(fs::is_symlink(folder / "link.svg"));
  CHECK(content(folder / "old.svg").find("</svg>") != std::string::npos);
}
