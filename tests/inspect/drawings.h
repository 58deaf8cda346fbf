// tests/inspect/drawings.h -- golden files of DOT text.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "cotangent/inspect.h"

// Compares with tests/inspect/golden/NAME.dot. With COTANGENT_WRITE_GOLDEN=1 in the environment the file is written
// instead: look at what `dot -Tpng` makes of it before you commit it.
inline void check_golden(const std::string& text, const std::string& name) {
  const std::string path = std::string(CT_TESTS_DIR) + "/inspect/golden/" + name + ".dot";
  if (std::getenv("COTANGENT_WRITE_GOLDEN")) std::ofstream(path, std::ios::binary) << text;
  std::ifstream in(path, std::ios::binary);
  const std::string wanted{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  CHECK_MESSAGE(text == wanted, path, " is not what is drawn now:\n", text);
}
inline void check_golden(const ct::inspect::Graph& g, const std::string& name) { check_golden(g.dot(), name); }
