// tests/random_programs/main.cpp -- the random-program tester: runs programs here and in libtorch and compares all that shows.
//
//   ct_random_programs [--programs N] [--seed FIRST] [--print] [--alone] [--show N] [--tolerate N]
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "random_programs/program.h"

namespace {

const char* const usage =
    "usage: ct_random_programs [--programs N] [--seed FIRST] [--print] [--alone] [--show N] [--tolerate N]\n"
    "  Program FIRST, FIRST + 1, .. (N of them; default 20000 from 1) run here and in libtorch; what shows must be the same.\n"
    "  A program that differs is shortened and printed. --print prints each program; --alone runs without libtorch;\n"
    "  --show N prints the first N different mistakes (8); --tolerate N succeeds with up to N programs that differ (0).\n";

struct Totals {
  long programs = 0, instructions = 0, skipped = 0, failed = 0, backwards = 0, backwards_failed = 0, clean = 0, with_gradients = 0, large = 0, broken = 0, cut = 0;
};

// A crash names its program.
std::uint64_t current = 0;
void crashed(int signal) {
  std::printf("\nseed %llu: signal %d in the last line of\n%s", static_cast<unsigned long long>(current), signal,
              source(programs::tried()).c_str());
  std::fflush(stdout);
  std::_Exit(3);
}

}  // namespace

int main(int argc, char** argv) {
  long count = 20000;
  std::uint64_t first = 1;
  bool print = false, alone = !programs::has_theirs();
  long tolerated = 0;
  long longest = 8;  // differing programs to print
  for (int x = 1; x < argc; ++x) {
    const bool more = x + 1 < argc;
    if (!std::strcmp(argv[x], "--programs") && more) count = std::atol(argv[++x]);
    else if (!std::strcmp(argv[x], "--seed") && more) first = std::strtoull(argv[++x], nullptr, 10);
    else if (!std::strcmp(argv[x], "--tolerate") && more) tolerated = std::atol(argv[++x]);
    else if (!std::strcmp(argv[x], "--show") && more) longest = std::atol(argv[++x]);
    else if (!std::strcmp(argv[x], "--print")) print = true;
    else if (!std::strcmp(argv[x], "--alone")) alone = true;
    else {
      std::fputs(usage, std::strcmp(argv[x], "--help") ? stderr : stdout);
      return std::strcmp(argv[x], "--help") ? 2 : 0;
    }
  }
  using namespace programs;
  for (int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGBUS}) std::signal(signal, crashed);
  Totals total;
  long mismatches = 0;
  std::map<std::string, long> kinds, known, mistakes;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(count); ++seed) {
    current = seed;
    const Program p = generate(seed);
    if (print) std::printf("program %llu\n%s", static_cast<unsigned long long>(seed), source(p).c_str()), std::fflush(stdout);
    const Outcome ours = run_ours(p);
    ++total.programs;
    total.instructions += ours.instructions, total.skipped += ours.skipped, total.failed += ours.failed;
    total.backwards += ours.backwards, total.backwards_failed += ours.backwards_failed;
    total.clean += ours.failed == 0, total.with_gradients += ours.gradients, total.large += ours.large;
    if (alone) continue;
    const Outcome theirs = run_theirs(p);
    total.broken += theirs.broken != nullptr;
    if (theirs.broken) ++mistakes[theirs.broken];
    for (std::size_t x = 0; x < std::min(ours.log.size(), theirs.log.size()); ++x)
      if (layouts_differ(&ours.log[x], &theirs.log[x])) {
        ++total.cut;
        break;
      }
    const Difference first_difference = compare(ours, theirs);
    for (const char* why : first_difference.known) ++known[why];
    if (!first_difference) continue;
    ++mismatches;
    const std::string kind = first_difference.signature;
    const Program small = shrink(p, [&](const Program& q) { return compare(run_ours(q), run_theirs(q)).signature == kind; });
    const Difference d = compare(run_ours(small), run_theirs(small));
    std::string signature = d.signature + ":";
    for (const Instruction& q : small) signature += std::string(" ") + describe(q.code).name;
    if (kinds[signature]++ || static_cast<long>(kinds.size()) > longest) continue;
    std::printf("seed %llu differs, shortened:\n%s  %s\n\n", static_cast<unsigned long long>(seed), source(small).c_str(), d.text.c_str());
    std::fflush(stdout);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%ld programs from seed %llu in %.1f s%s: %ld instructions, %.1f %% of them failed, %.1f %% skipped for want of an operand\n",
              total.programs, static_cast<unsigned long long>(first), seconds, alone ? " (without libtorch)" : "", total.instructions,
              100.0 * static_cast<double>(total.failed) / static_cast<double>(total.instructions),
              100.0 * static_cast<double>(total.skipped) / static_cast<double>(total.instructions));
  std::printf("  %ld backward passes, %ld failed; %ld programs without any failure, %ld end with gradients that are not zero, %ld with values too large to compare, %ld not compared, %ld compared up to a result of another layout\n",
              total.backwards, total.backwards_failed, total.clean, total.with_gradients, total.large, total.broken, total.cut);
  for (const auto& [why, times] : known) std::printf("  differs as meant, %ld times: %s\n", times, why.c_str());
  for (const auto& [why, times] : mistakes) std::printf("  not compared, %ld: in libtorch, %s\n", times, why.c_str());
  std::printf("  %ld mismatches\n", mismatches);
  if (mismatches) {
    std::printf("mismatches by shortened program:\n");
    for (const auto& [signature, times] : kinds) std::printf("%6ld  %s\n", times, signature.c_str());
  }
  return mismatches > tolerated ? 1 : 0;
}
