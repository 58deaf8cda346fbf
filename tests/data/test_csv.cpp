// tests/data/test_csv.cpp -- reading tables: RFC 4180, places in messages, numbers in any locale.
#include <doctest/doctest.h>

#include <clocale>
#include <cmath>
#include <cstdio>
#include <string>

#include "cotangent/data.h"
#include "cotangent/error.h"

using ct::data::CsvOptions;
using ct::data::CsvTable;
using ct::data::Missing;
using ct::data::parse_csv;
using ct::data::read_csv;

namespace {

std::string error_of(const char* text, const CsvOptions& o = {}) {
  try {
    parse_csv(text, o, "f.csv");
  } catch (const ct::IoError& e) {
    return e.what();
  }
  return "no error";
}

std::string error_of_column(const char* text, const char* column, const CsvOptions& o = {}) {
  const CsvTable t = parse_csv(text, o, "f.csv");
  try {
    t.column(column);
  } catch (const ct::IoError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("csv: columns by name and position, as numbers and as text") {
  const CsvTable t = parse_csv("# source: me\nname,x,y\na,1,-2.5\n\nb, 1e3 ,.5\n# end\n");
  CHECK(t.rows() == 2);
  CHECK(t.cols() == 3);
  CHECK(t.names()[2] == "y");
  CHECK(t.has("x"));
  CHECK_FALSE(t.has("z"));
  CHECK(t.column("x")[0] == 1);
  CHECK(t.column("x")[1] == 1000);
  CHECK(t.column(2)[0] == -2.5);
  CHECK(t.column("y")[1] == 0.5);
  CHECK(t.text("name")[1] == "b");
  CHECK(t.text("x")[1] == "1e3");
  CHECK_THROWS_AS(t.column(3), ct::IndexError);
  CHECK_THROWS_AS(t.text(-1), ct::IndexError);
}

TEST_CASE("csv: quoted fields, line ends, byte order mark") {
  const CsvTable t = parse_csv("\xEF\xBB\xBF" "a,b\r\n\"x, \"\"y\"\"\r\nz\" ,1\r\n\"\",2");
  CHECK(t.names()[0] == "a");
  CHECK(t.rows() == 2);
  CHECK(t.text("a")[0] == "x, \"y\"\r\nz");
  CHECK(t.text("a")[1] == "");
  CHECK(t.column("b")[1] == 2);
  CHECK(parse_csv("a\rb\r1").rows() == 2);
  CHECK(parse_csv("a\n").rows() == 0);
  CHECK(parse_csv("a,b\n1,\n").text("b")[0] == "");
  CHECK(parse_csv("µ,b\n\"é\",ß\n").text("b")[0] == "ß");
}

TEST_CASE("csv: other delimiters, no header, no comments, no trimming") {
  const CsvTable t = parse_csv("1;2\n3;4\n", {.delimiter = ';', .header = false});
  CHECK(t.rows() == 2);
  CHECK(t.names()[1] == "1");
  CHECK(t.column(1)[1] == 4);
  CHECK(parse_csv("a\tb\n1\t\n", {.delimiter = '\t'}).text("b")[0] == "");
  CHECK(parse_csv("#a\n#1\n", {.comment = '\0'}).text("#a")[0] == "#1");
  CHECK(parse_csv("a, b\n1, x \n", {.trim = false}).text(" b")[0] == " x ");
  CHECK_THROWS_AS(parse_csv("a", {.delimiter = '"'}), ct::ValueError);
}

TEST_CASE("csv: a bad number is named with its place") {
  CHECK(error_of_column("# c\nname,velocity\na,1\nbcd,  abc\n", "velocity") == "f.csv:4:7: expected a number in column 'velocity', found 'abc'");
  CHECK(error_of_column("µ,v\n\"é\r\nx\",y\n", "v") == "f.csv:3:4: expected a number in column 'v', found 'y'");
  CHECK(error_of_column("v\n1e999\n", "v") == "f.csv:2:1: expected a number in column 'v', found '1e999', which is too large for a double");
  for (const char* bad : {"1,5", "0x10", "1e", "1_000", "--1", ".", "1 2", "1.2.3", "infinit", "−1"})
    CHECK(error_of_column(("v\n\"" + std::string(bad) + "\"\n").c_str(), "v").find("f.csv:2:1: expected a number in column 'v', found") == 0);
  const CsvTable t = parse_csv("v\ninf\n-Infinity\nNaN\n+5.\n1e-400\n-0\n");
  CHECK(std::isinf(t.column("v")[0]));
  CHECK(t.column("v")[1] < 0);
  CHECK(std::isnan(t.column("v")[2]));
  CHECK(t.column("v")[3] == 5);
  CHECK(t.column("v")[4] == 0);
  CHECK(std::signbit(t.column("v")[5]));
}

TEST_CASE("csv: missing values are an error or NaN") {
  CHECK(error_of_column("a,v\nx,\n", "v") ==
        "f.csv:2:3: expected a number in column 'v', found nothing\n  To read missing values as NaN, set CsvOptions::missing to Missing::nan.");
  CHECK(error_of_column("a,v\nx,NA\n", "v").find("f.csv:2:3: expected a number in column 'v', found 'NA'") == 0);
  const CsvTable t = parse_csv("a,v\nx,\ny,?\nz,1\n", {.missing = Missing::nan, .missing_words = {"", "?"}});
  CHECK(std::isnan(t.column("v")[0]));
  CHECK(std::isnan(t.column("v")[1]));
  CHECK(t.column("v")[2] == 1);
}

TEST_CASE("csv: malformed files are named with the place") {
  CHECK(error_of("a,b\n1,2\n3\n") == "f.csv:3:1: expected 2 fields as in line 1, found 1");
  CHECK(error_of("# c\na,b\n1,2,3\n") == "f.csv:3:1: expected 2 fields as in line 2, found 3");
  CHECK(error_of("") == "f.csv:1:1: the file is empty: expected a header");
  CHECK(error_of("\n# only this\n") == "f.csv:1:1: the file is empty: expected a header");
  CHECK(error_of("", {.header = false}) == "f.csv:1:1: the file is empty: expected a record");
  CHECK(error_of("a,a\n") == "f.csv:1:3: there are two columns called 'a'");
  CHECK(error_of("a,,c\n") == "f.csv:1:3: column 2 has no name");
  CHECK(error_of("a,b\n1,\"x\n") == "f.csv:2:3: the quote that opens this field is never closed");
  CHECK(error_of("a,b\n1,\"x\"y\n") == "f.csv:2:6: expected ',' or the end of the line after a closing quote, found 'y'");
  CHECK(error_of("a,b\n1,x\"y\n").find("f.csv:2:4: found a quote inside a field") == 0);
  CHECK(error_of("a,b\n1,caf\xE9\n") == "f.csv:2:6: byte 0xE9 is not UTF-8\n  Save the file as UTF-8.");
  CHECK(error_of("a\n\xC0\x80\n") == "f.csv:2:1: byte 0xC0 is not UTF-8\n  Save the file as UTF-8.");
  CHECK(error_of("a\n\xE2\x82") == "f.csv:2:1: byte 0xE2 is not UTF-8\n  Save the file as UTF-8.");
  CHECK(error_of("\xFF\xFE" "a") == "f.csv:1:1: the file is UTF-16\n  Save it as UTF-8.");
  CHECK_THROWS_WITH_AS(parse_csv(std::string_view("a\n1\0", 4), {}, "f.csv"), "f.csv:2:2: found a zero byte: this is no text file", ct::IoError);
}

TEST_CASE("csv: an unknown column gets a suggestion") {
  CHECK(error_of_column("object,distance,velocity\n", "Velocty") ==
        "f.csv: there is no column 'Velocty'; did you mean 'velocity'?\n  Columns: object, distance, velocity");
  CHECK(error_of_column("object,distance\n", "mass") == "f.csv: there is no column 'mass'\n  Columns: object, distance");
}

TEST_CASE("csv: files that cannot be read") {
  CHECK_THROWS_WITH_AS(read_csv("no/such/file.csv"), "read_csv: cannot read 'no/such/file.csv': No such file or directory", ct::IoError);
  CHECK_THROWS_WITH_AS(read_csv("/"), "read_csv: cannot read '/': Is a directory", ct::IoError);
}

TEST_CASE("csv: the locale does not matter") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) {
    if (!std::setlocale(LC_ALL, locale)) continue;  // not installed everywhere
    CHECK(parse_csv("v\n1.25\n").column("v")[0] == 1.25);
    CHECK(error_of_column("v\n\"1,25\"\n", "v").find("found '1,25'") != std::string::npos);
  }
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("csv: Hubble's table of 1929") {
  std::string path = "course/data/hubble1929.csv";
#ifdef CT_SOURCE_DIR
  path = CT_SOURCE_DIR "/" + path;
#endif
  const CsvTable t = read_csv(path);
  CHECK(t.rows() == 24);
  const auto r = t.column("distance"), v = t.column("velocity");
  double mr = 0, mv = 0, rv = 0, rr = 0, through_rv = 0, through_rr = 0;
  for (int i = 0; i < 24; ++i) mr += r[i] / 24, mv += v[i] / 24;
  for (int i = 0; i < 24; ++i) {
    rv += (r[i] - mr) * (v[i] - mv), rr += (r[i] - mr) * (r[i] - mr);
    through_rv += r[i] * v[i], through_rr += r[i] * r[i];
  }
  CHECK(rv / rr == doctest::Approx(454.158).epsilon(1e-5));
  CHECK(mv - rv / rr * mr == doctest::Approx(-40.784).epsilon(1e-4));
  CHECK(through_rv / through_rr == doctest::Approx(423.937).epsilon(1e-5));
  CHECK(t.text("object")[0] == "S.Mag.");
  CHECK_THROWS_WITH_AS(t.column("object"), "hubble1929.csv:7:1: expected a number in column 'object', found 'S.Mag.'", ct::IoError);
}
