// tests/random_programs/program.cpp -- programs as text, kinds of errors, and the comparison of two runs.
#include "random_programs/program.h"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cmath>
#include <cstdio>

namespace programs {

namespace {
constexpr Description descriptions[] = {
#define I(name, weight, kind, operands, ...) {#name, weight, Kind::kind, operands, #__VA_ARGS__},
#include "random_programs/instructions.inc"
#undef I
};

std::string list(const std::vector<std::int64_t>& v) {
  std::string out = "{";
  for (std::size_t x = 0; x < v.size(); ++x) out.append(x ? ", " : "").append(std::to_string(v[x]));
  return out.append("}");
}
std::string text_of(double v) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%g", v);
  return buffer;
}
bool makes_several(const Instruction& q) { return std::string(describe(q.code).body).compare(0, 3, "ts ") == 0; }
}  // namespace

const Description& describe(Code c) { return descriptions[static_cast<int>(c)]; }
int code_count() { return static_cast<int>(std::size(descriptions)); }

namespace {
// With `p` known, results of instructions that make several are written as t3[1].
std::string line(const Instruction& q, const Program* p) {
  auto name = [&](int r) {
    if (r < 0) return std::string("Tensor()");
    std::string out = "t";
    out.append(std::to_string(r / results));
    bool several = r % results != 0;
    if (p)
      for (const Instruction& other : *p) several |= other.number == r / results && makes_several(other);
    if (several) out.append("[").append(std::to_string(r % results)).append("]");
    return out;
  };
  auto flag = [](bool b) { return std::string(b ? "true" : "false"); };
  std::string out;
  const std::string body = describe(q.code).body;
  for (std::size_t x = 0; x < body.size();) {
    if (!std::isalpha(static_cast<unsigned char>(body[x])) && body[x] != '_') {
      out += body[x++];
      continue;
    }
    std::size_t end = x;
    while (end < body.size() && (std::isalnum(static_cast<unsigned char>(body[end])) || body[end] == '_')) ++end;
    const std::string word = body.substr(x, end - x);
    const bool member = x > 0 && body[x - 1] == '.';
    x = end;
    if (member) out += word;
    else if (word == "a") out += name(q.operand[0]);
    else if (word == "b") out += name(q.operand[1]);
    else if (word == "c") out += name(q.operand[2]);
    else if (word == "t") out.append("Tensor t").append(std::to_string(q.number));
    else if (word == "ts") out.append("auto t").append(std::to_string(q.number));
    else if (word == "i") out += std::to_string(q.i);
    else if (word == "j") out += std::to_string(q.j);
    else if (word == "k") out += std::to_string(q.k);
    else if (word == "n") out += std::to_string(q.n);
    else if (word == "m") out += std::to_string(q.m);
    else if (word == "z") out += std::to_string(q.z);
    else if (word == "v") out += text_of(q.v);
    else if (word == "u") out += text_of(q.u);
    else if (word == "s") out += list(q.s);
    else if (word == "strides") out += list(q.strides);
    else if (word == "f") out += flag(q.f);
    else if (word == "g") out += flag(q.g);
    else if (word == "h") out += flag(q.h);
    else out += word;
  }
  out += ";";
  if (q.look) out.append(std::string(out.size() < 60 ? 60 - out.size() : 1, ' ')).append("// looked at");
  return out;
}
}  // namespace

std::string source(const Instruction& q) { return line(q, nullptr); }
std::string source(const Program& p) {
  std::string out;
  for (const Instruction& q : p) out.append("    ").append(line(q, &p)).append("\n");
  return out;
}

const char* kind_of(const std::string& message) {
  static const char* const phrases[] = {
      "returns multiple views",  // libtorch may add, wrongly, that the view was created in no_grad mode: it means a base without history
      "does not require grad and does not have a grad_fn", "Trying to backward through the graph a second time",
      "a view of a leaf Variable that requires grad is being used in an in-place operation",
      "a leaf Variable that requires grad is being used in an in-place operation", "modified by an inplace operation",
      "grad can be implicitly created only for scalar outputs", "invalid gradient at index", "appears to not have been used in the graph",
      "One of the differentiated Tensors does not require grad", "can't retain_grad on Tensor that has requires_grad=False",
      "requires_grad flags of leaf variables", "Can't detach views", "Inference tensors cannot be saved for backward",
      "Inplace update to inference tensor", "Setting requires_grad=True on inference tensor", "no_grad mode", "inference mode",
      "more than one element of the written-to tensor", "can't be cast to the desired output type", "value cannot be converted to type", "argument value must not be a floating point number",
      "nly Tensors of floating point", "must match the size of tensor b", "must match the existing size", "view size is not compatible",
      "is invalid for input of size", "some elements of the input tensor and the written-to tensor refer",
      "Trying to resize storage", "not implemented for"};
  for (const char* p : phrases)
    if (message.find(p) != std::string::npos) return p;
  return "other";
}

bool layouts_differ(const Entry* a, const Entry* b) {
  const bool x = a && !std::strcmp(a->what, "layout"), y = b && !std::strcmp(b->what, "layout");
  // Strides of dims of size 1 decide whether a write is left out.
  const auto overlaps = [](const Entry* e) { return e && e->text == "its operand overlaps"; };
  return x != y || overlaps(a) != overlaps(b) || (x && y && (a->text != b->text || a->number != b->number));
}

Difference compare(const Outcome& ours, const Outcome& theirs) {
  Difference d;
  auto fails = [](const Entry* e) { return e && !std::strcmp(e->what, "fails"); };
  if (theirs.broken) return d;
  const bool values = !ours.large && !theirs.large;
  auto differ = [&](const Entry* a, const Entry* b, const std::string& x, const std::string& y) {
    const Entry* e = a ? a : b;
    if (e->number >= 0) d.text.append("t").append(std::to_string(e->number)).append(": ");
    d.text.append(e->what).append("\n  ours:     ").append(x).append("\n  libtorch: ").append(y);
    d.signature = e->what;
  };
  auto show = [](const Entry& e) {
    std::string out = e.text;
    if (!e.detail.empty()) out.append(": ").append(e.detail.substr(0, 200));
    if (e.values.empty()) return out;
    out.append(" [");
    for (double v : e.values) {
      char number[32];
      std::snprintf(number, sizeof number, "%.9g ", v);
      out.append(number);
    }
    return out.append("]");
  };
  bool single = false;
  for (const Outcome* o : {&ours, &theirs})
    for (const Entry& e : o->log) single |= e.single;
  const double tolerance = single ? 2e-3 : 1e-7, least = single ? 0.1 : 1e-3;
  const std::size_t n = std::max(ours.log.size(), theirs.log.size());
  for (std::size_t x = 0; x < n; ++x) {
    const Entry* a = x < ours.log.size() ? &ours.log[x] : nullptr;
    const Entry* b = x < theirs.log.size() ? &theirs.log[x] : nullptr;
    if (layouts_differ(a, b)) return d;
    // Which of them failed at the first of the instructions that these two tell of.
    const bool both = fails(a) && fails(b) && a->number == b->number;
    const auto number = [](const Entry* e) { return !e || e->number < 0 ? INT_MAX : e->number; };
    const bool only_ours = !both && fails(a) && number(a) <= number(b), only_theirs = !both && !only_ours && fails(b);
    if ((both && a->text != b->text) || only_ours || only_theirs)
      if (const char* why = known_difference(only_theirs ? nullptr : a, only_ours ? nullptr : b)) {
        d.known.push_back(why);
        if (both) continue;
        return d;  // from here on they are in different states
      }
    if (!a || !b || a->number != b->number || a->what != std::string(b->what)) {
      // One of them has an entry that the other has not: it failed.
      const Entry* first = !b || (a && a->number >= 0 && (b->number < 0 || a->number <= b->number) && std::string(a->what) == "fails") ? a : b;
      differ(first, nullptr, first == a ? show(*a) : "(none)", first == b ? show(*b) : "(none)");
      return d;
    }
    bool same = a->text == b->text && (!values || a->values.size() == b->values.size());
    if (same && values) {
      double largest = least;
      for (double v : b->values) largest = std::max(largest, std::fabs(v));
      for (std::size_t y = 0; y < a->values.size(); ++y) same &= std::fabs(a->values[y] - b->values[y]) <= tolerance * largest;
    }
    if (same) continue;
    differ(a, b, show(*a), show(*b));
    return d;
  }
  return d;
}

}  // namespace programs
