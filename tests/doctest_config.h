// tests/doctest_config.h -- included before everything in test programs.
// ct::toString(ScalarType) would otherwise be taken for doctest's function of that name.
#pragma once
#define DOCTEST_STRINGIFY(...) ::doctest::toString(__VA_ARGS__)
