// plot/axes_settings.cpp -- titles, scales, ticks and legends of a panel, and reading a series back.
#include <algorithm>
#include <cmath>

#include "cotangent/error.h"
#include "cotangent/plot.h"
#include "plot/layout.h"
#include "plot/text.h"

namespace ct::plot {

namespace {

const char* check_scale(const char* who, std::string_view scale) {
  CT_CHECK_VALUE(scale == "linear" || scale == "log", who, ": unknown scale \"", scale, "\"\n  Known: \"linear\", \"log\"");
  return scale == "log" ? "log" : "linear";
}

Range check_range(const char* who, double lo, double hi) {
  CT_CHECK_VALUE(std::isfinite(lo) && std::isfinite(hi) && lo != hi, who, ": needs two different finite numbers, got ", lo, " and ", hi);
  return {lo, hi};
}

std::string checked(const char* who, const Text& t) {
  check_utf8(t.value, who);
  return t.value;
}

void check_ticks(const char* who, const Values& at, const std::vector<std::string>& labels) {
  CT_CHECK_VALUE(labels.empty() || labels.size() == at.numbers.size(), who, ": there are ", at.numbers.size(), " places and ", labels.size(), " labels");
  for (double v : at.numbers) CT_CHECK_VALUE(std::isfinite(v), who, ": places must be finite, got ", v);
  for (const std::string& l : labels) check_utf8(l, who);
}

}  // namespace

Axes& Axes::text(double x, double y, const Text& words, const TextOptions& o) {
  CT_CHECK_VALUE(std::isfinite(x) && std::isfinite(y), "text: the place must be finite, got (", x, ", ", y, ")");
  const std::string& a = o.align.value;
  CT_CHECK_VALUE(a == "left" || a == "center" || a == "right", "text: unknown alignment \"", a, "\"\n  Known: \"left\", \"center\", \"right\"");
  notes_.push_back({x, y, checked("text", words), o});
  return *this;
}

Axes& Axes::title(const Text& t) { title_ = checked("title", t); return *this; }
Axes& Axes::xlabel(const Text& t) { xlabel_ = checked("xlabel", t); return *this; }
Axes& Axes::ylabel(const Text& t) { ylabel_ = checked("ylabel", t); return *this; }
Axes& Axes::xlim(double lo, double hi) { xlim_ = check_range("xlim", lo, hi); xlim_set_ = true; return *this; }
Axes& Axes::ylim(double lo, double hi) { ylim_ = check_range("ylim", lo, hi); ylim_set_ = true; return *this; }
Axes& Axes::xscale(std::string_view scale) { xscale_ = check_scale("xscale", scale); return *this; }
Axes& Axes::yscale(std::string_view scale) { yscale_ = check_scale("yscale", scale); return *this; }
Axes& Axes::grid(bool on) { grid_ = on; return *this; }
Axes& Axes::equal_aspect(bool on) { equal_ = on; return *this; }

Axes& Axes::xticks(const Values& at, const std::vector<std::string>& labels, double rotate) {
  check_ticks("xticks", at, labels);
  xticks_ = {at.numbers, labels, rotate, true};
  return *this;
}

Axes& Axes::yticks(const Values& at, const std::vector<std::string>& labels) {
  check_ticks("yticks", at, labels);
  yticks_ = {at.numbers, labels, 0, true};
  return *this;
}

Axes& Axes::legend(std::string_view loc) {
  std::string names;
  for (std::string_view known : legend_places) {
    names.append(names.empty() ? "\"" : ", \"").append(known).append("\"");
    if (known == loc) { legend_ = loc; return *this; }
  }
  CT_THROW(value, "legend: unknown place \"", loc, "\"\n  Known: ", names);
}

Axes& Axes::twiny(const Text& label, const Values& at, const Values& shown) {
  CT_CHECK_VALUE(at.numbers.size() == shown.numbers.size() && !at.numbers.empty(), "twiny: needs as many places as numbers, got ", at.numbers.size(),
                 " and ", shown.numbers.size());
  check_ticks("twiny", at, {});
  top_ = {checked("twiny", label), at.numbers, shown.numbers};
  return *this;
}

const Series& Axes::series(std::string_view label) const {
  std::string names;
  for (const Series& s : series_) {
    if (s.label == label) return s;
    names.append(names.empty() ? "\"" : ", \"").append(s.label).append("\"");
  }
  CT_THROW(value, "series: no series has the label \"", label, "\"\n  There are: ", names.empty() ? "none" : names);
}

Range Axes::xlim() const { return Layout::range(*this, true); }
Range Axes::ylim() const { return Layout::range(*this, false); }

}  // namespace ct::plot
