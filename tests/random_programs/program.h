// tests/random_programs/program.h -- a program as data, what running it shows, and how two runs are compared.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace programs {

enum class Kind : std::uint8_t { create, view, linear, saving, write, write_saving, state, backward };

enum class Code : std::uint8_t {
#define I(name, weight, kind, operands, ...) name,
#include "random_programs/instructions.inc"
#undef I
};

struct Description {
  const char* name;
  int weight;
  Kind kind;
  const char* operands;
  const char* body;
};
const Description& describe(Code c);
int code_count();

// A register is named by the instruction that made it and the number of the result: 4 * instruction + result.
inline constexpr int results = 4;

struct Instruction {
  Code code;
  std::int16_t number;                     // of the instruction; stays when others are deleted
  std::int16_t operand[3] = {-1, -1, -1};  // registers a, b, c
  std::int64_t i = 0, j = 0, k = 0, n = 0, m = 1;
  std::vector<std::int64_t> s, strides;
  double v = 0.5, u = 2;
  int z = 0;
  bool f = false, g = false, h = false;
  bool look = false;                       // log what the operands and results are now; looking renews stale histories
};
using Program = std::vector<Instruction>;

// As C++ with a few helpers, one instruction a line.
std::string source(const Program& p);
std::string source(const Instruction& q);

// What a run shows. Entries of two runs must be equal one by one.
struct Entry {
  int number;                // of the instruction, or -1 after the last
  const char* what;
  std::string text;
  std::vector<double> values;
  std::string detail;        // an error's whole text, which is not compared
  bool single = false;       // computed in float32: compared loosely
  const char* instruction = "";  // its name, for errors
  bool empty = false;        // the instruction's first operand has no elements
  bool sliced = false;       // something was written into a view
  bool edgeless = false;     // something was computed from a view that no_grad mode made of a tracked tensor
};
struct Outcome {
  std::vector<Entry> log;
  int instructions = 0, failed = 0, skipped = 0, backwards = 0, backwards_failed = 0;
  bool gradients = false;    // at the end some leaf has a gradient that is not zero
  const char* broken = nullptr;  // libtorch made a mistake of its own, this one: nothing is compared
  bool large = false;        // values beyond 1e6, or not finite, appeared: rounding decides, so values are not compared
};

Outcome run_ours(const Program& p);
Outcome run_theirs(const Program& p);
bool has_theirs();

Program generate(std::uint64_t seed);
// The instructions of the last program that were tried, also those that were not kept: the last one is at work in a crash.
const Program& tried();

// Where they differ: empty if nowhere.
struct Difference {
  std::vector<const char*> known;  // differences that are meant, in the words of differences.cpp
  std::string text;          // for people
  std::string signature;     // the same for what is likely the same mistake
  explicit operator bool() const { return !text.empty(); }
};
// Why these two ends of one instruction may differ (null: they may not): `ours` or `theirs` is null where that library succeeds.
const char* known_difference(const Entry* ours, const Entry* theirs);
// Whether these two say that a result lies in memory otherwise here than there: nothing is compared from there on.
bool layouts_differ(const Entry* a, const Entry* b);
Difference compare(const Outcome& ours, const Outcome& theirs);

// Deletes instructions while `fails` holds.
template <class F>
Program shrink(Program p, const F& fails) {
  for (bool again = true; again;) {
    again = false;
    for (std::size_t length = p.size() / 2; length > 0; length /= 2)
      for (std::size_t at = 0; at + length <= p.size();) {
        Program q(p.begin(), p.begin() + static_cast<std::ptrdiff_t>(at));
        q.insert(q.end(), p.begin() + static_cast<std::ptrdiff_t>(at + length), p.end());
        if (fails(q)) p = q, again = true;
        else at += length;
      }
  }
  for (std::size_t at = 0; at < p.size(); ++at)
    if (p[at].look) {
      Program q = p;
      q[at].look = false;
      if (fails(q)) p = q;
    }
  return p;
}

// The kind of an error: a phrase that users search for.
const char* kind_of(const std::string& message);

// Numbers in [-1, 1) that depend on a seed and a place alone.
inline double noise(std::uint64_t seed, std::uint64_t place) {
  std::uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + (place + 1) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1p-52 - 1;
}

}  // namespace programs
