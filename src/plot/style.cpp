// plot/style.cpp -- names of colours, markers, dashes and colour maps, and what gnuplot calls them.
#include "plot/style.h"

#include <cmath>
#include <cstdio>

#include "cotangent/error.h"
#include "cotangent/plot.h"

namespace ct::plot {

namespace {

// M. Okabe, K. Ito, "Color Universal Design" (2008), in an order that keeps neighbours far apart.
constexpr std::int32_t okabe_ito[] = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000, 0xF0E442};

struct NamedColor { std::string_view name; std::int32_t rgb; };
constexpr NamedColor named_colors[] = {
    {"black", 0x000000}, {"k", 0x000000},    {"white", 0xFFFFFF}, {"w", 0xFFFFFF},      {"gray", 0x808080},  {"grey", 0x808080},
    {"blue", 0x0072B2},  {"red", 0xD55E00},  {"green", 0x009E73}, {"vermillion", 0xD55E00}, {"purple", 0xCC79A7}, {"orange", 0xE69F00},
    {"sky", 0x56B4E9},   {"yellow", 0xF0E442}, {"lightgray", 0xC8C8C8}, {"darkgray", 0x505050}};

struct NamedMarker { std::string_view name; int type; };
constexpr NamedMarker markers[] = {{"o", 7}, {"O", 6}, {"s", 5}, {"^", 9}, {"v", 11}, {"D", 13}, {"x", 2}, {"+", 1}, {"*", 3}, {".", 7}};

struct NamedText { std::string_view name; const char* text; };
constexpr NamedText dash_patterns[] = {{"-", "1"}, {"--", "(7,4)"}, {":", "(1.5,3)"}, {"-.", "(8,3,1.5,3)"}, {"none", ""}};
constexpr NamedText palettes[] = {
    // C. Brewer's RdBu, reversed: negative is blue, zero white, positive red.
    {"RdBu", "0 '#2166AC', 1 '#4393C3', 2 '#92C5DE', 3 '#D1E5F0', 4 '#F7F7F7', 5 '#FDDBC7', 6 '#F4A582', 7 '#D6604D', 8 '#B2182B'"},
    // N. Smith, S. van der Walt: viridis, at nine places.
    {"viridis", "0 '#440154', 1 '#482878', 2 '#3E4A89', 3 '#31688E', 4 '#26828E', 5 '#1F9E89', 6 '#6DCD59', 7 '#B4DE2C', 8 '#FDE725'"},
    {"gray", "0 '#000000', 1 '#FFFFFF'"}};

template <class Table>
std::string join_names(const Table& table) {
  std::string out;
  for (const auto& entry : table) out.append(out.empty() ? "\"" : ", \"").append(entry.name).append("\"");
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::int32_t parse_color(std::string_view name) {
  for (const NamedColor& c : named_colors)
    if (c.name == name) return c.rgb;
  if (name.size() == 2 && name[0] == 'C' && name[1] >= '0' && name[1] <= '9') return cycle_color(name[1] - '0');
  std::int32_t rgb = 0;
  bool hex = name.size() == 7 && name[0] == '#';
  for (std::size_t i = 1; hex && i < 7; ++i) {
    const int digit = hex_digit(name[i]);
    hex = digit >= 0;
    rgb = rgb * 16 + digit;
  }
  CT_CHECK_VALUE(hex, "plot: unknown colour \"", name, "\"\n  Known: \"#rrggbb\", \"C0\" to \"C9\", ", join_names(named_colors));
  return rgb;
}

}  // namespace

Color::Color(int index) : rgb(cycle_color(index)) {
  CT_CHECK_VALUE(index >= 0, "plot: the index of a colour must not be negative, got ", index);
}
Color::Color(const char* name) : rgb(parse_color(name ? name : "")) {}
Color::Color(const std::string& name) : rgb(parse_color(name)) {}

std::int32_t cycle_color(int i) { return okabe_ito[i < 0 ? 0 : i % 8]; }

std::string gnuplot_color(std::int32_t rgb, double alpha) {
  const int transparency = static_cast<int>(std::lround((1 - alpha) * 255));
  char buffer[32];
  if (transparency <= 0) std::snprintf(buffer, sizeof buffer, "'#%06X'", static_cast<unsigned>(rgb));
  else std::snprintf(buffer, sizeof buffer, "'#%02X%06X'", static_cast<unsigned>(transparency), static_cast<unsigned>(rgb));
  return buffer;
}

int gnuplot_marker(std::string_view marker) {
  for (const NamedMarker& m : markers)
    if (m.name == marker) return m.type;
  return -1;
}

const char* gnuplot_dashes(std::string_view dashes) {
  for (const NamedText& d : dash_patterns)
    if (d.name == dashes) return d.text;
  return nullptr;
}

const char* gnuplot_palette(std::string_view cmap) {
  for (const NamedText& p : palettes)
    if (p.name == cmap) return p.text;
  return nullptr;
}

std::string known_names(std::string_view of) {
  return of == "marker" ? join_names(markers) : of == "dashes" ? join_names(dash_patterns) : join_names(palettes);
}

}  // namespace ct::plot
