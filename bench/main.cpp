// main.cpp -- runs the rows, prints a table of ratios, writes JSON.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <regex>
#include <thread>

#include "bench.h"
#include "rows.h"

namespace bench {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double resident_mb() {
  long pages = 0, resident = 0;
  if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(f);
  }
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

namespace {

struct Result { double median = 0, spread = 0; };  // spread: half the distance of the quartiles, relative to the median

Result summary(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const std::size_t n = v.size();
  const double median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
  return {median, median != 0 ? (v[3 * n / 4 == n ? n - 1 : 3 * n / 4] - v[n / 4]) / 2 / std::abs(median) : 0};
}

std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, v == 0 || std::abs(v) >= 1e5 ? "%.0f" : std::abs(v) >= 100 ? "%.1f" : std::abs(v) >= 1 ? "%.2f" : "%.4f", v);
  return text;
}

int usage(const char* program, const char* problem) {
  std::fprintf(stderr, "%s: %s\nusage: %s [--json FILE] [--filter REGEX] [--list]\n", program, problem, program);
  return 2;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  std::string json, filter = ".*";
  bool list = false;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--list")) list = true;
    else if (!std::strcmp(argv[i], "--json") && i + 1 < argc) json = argv[++i];
    else if (!std::strcmp(argv[i], "--filter") && i + 1 < argc) filter = argv[++i];
    else return usage(argv[0], (std::string("cannot use '") + argv[i] + "'").c_str());
  }
  std::regex pattern;
  try {
    pattern = std::regex(filter);
  } catch (const std::regex_error&) {
    return usage(argv[0], ("'" + filter + "' is not a regular expression").c_str());
  }
  std::ofstream out;
  if (!json.empty()) {
    out.open(json);
    if (!out) return usage(argv[0], ("cannot write " + json).c_str());
    out << "[\n";
  }

  if (!list) std::printf("%-24s %7s %12s %12s %8s  %-8s %s\n", "row", "threads", "cotangent", "other", "ratio", "unit", "spread");
  bool first = true;
  std::fflush(stdout);  // or a child would print it once more
  int shown = 0;
  for (const Row& row : rows()) {
    if (!std::regex_search(row.name, pattern)) continue;
    ++shown;
    if (list) {
      std::printf("%s\n", row.name);
      continue;
    }
    for (int threads : row.threads) {
      std::vector<double> a, b;
      for (int i = 0; i < row.repeats; ++i) {  // in turns, so that a slower moment of the machine hits both
        a.push_back(row.ct(threads));
        if (row.other) b.push_back(row.other(threads));
      }
      const Result ours = summary(a);
      std::string other = "null", ratio = "null";
      double spread = ours.spread;
      if (row.other) {
        const Result theirs = summary(b);
        other = number(theirs.median);
        ratio = number(row.better == Better::lower ? theirs.median / ours.median : ours.median / theirs.median);
        spread = std::max(spread, theirs.spread);
      }
      char percent[16];
      std::snprintf(percent, sizeof percent, "%.1f %%", 100 * spread);
      std::printf("%-24s %7d %12s %12s %8s  %-8s %s%s%s\n", row.name, threads, number(ours.median).c_str(), row.other ? other.c_str() : "-",
                  row.other ? ratio.c_str() : "-", row.unit, percent, row.baseline ? "  against " : "", row.baseline ? row.baseline : "");
      std::fflush(stdout);
      if (out.is_open()) {
        out << (first ? "" : ",\n") << "  {\"name\": \"" << row.name << "\", \"threads\": " << threads << ", \"ct\": " << number(ours.median)
            << ", \"libtorch\": " << (row.baseline ? "null" : other) << ", \"ratio\": " << ratio << ", \"unit\": \"" << row.unit
            << "\", \"spread\": " << number(spread);
        if (row.baseline) out << ", \"baseline\": \"" << row.baseline << "\", \"baseline_value\": " << other;
        out << "}";
        first = false;
      }
    }
  }
  if (shown == 0) return usage(argv[0], ("no row matches '" + filter + "' (--list names them)").c_str());
  if (out.is_open()) {
    out << "\n]\n";
    out.close();
    if (!out) return usage(argv[0], ("could not write all of " + json).c_str());
  }
  if (!list) std::printf("ratio > 1: cotangent is better. Median of several turns; spread is half the distance of the quartiles.\n");
  return 0;
}
