// io/json.cpp -- the one file that sees the JSON library.
#include "io/json.h"

#include <nlohmann/json.hpp>

namespace ct::io {

JsonHandler::~JsonHandler() = default;

namespace {

using Json = nlohmann::json;

struct Events final : nlohmann::json_sax<Json> {
  explicit Events(JsonHandler& h) : handler(h) {}
  bool null() override { return handler.null(), true; }
  bool boolean(bool v) override { return handler.boolean(v), true; }
  bool number_integer(number_integer_t v) override { return handler.integer(v), true; }
  bool number_unsigned(number_unsigned_t v) override {
    if (v > static_cast<number_unsigned_t>(INT64_MAX)) handler.number(static_cast<double>(v));
    else handler.integer(static_cast<std::int64_t>(v));
    return true;
  }
  bool number_float(number_float_t v, const string_t&) override { return handler.number(v), true; }
  bool string(string_t& v) override { return handler.string(v), true; }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return handler.begin_object(), true; }
  bool key(string_t& k) override { return handler.key(k), true; }
  bool end_object() override { return handler.end_object(), true; }
  bool start_array(std::size_t) override { return handler.begin_array(), true; }
  bool end_array() override { return handler.end_array(), true; }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& e) override {
    position = at > 0 ? at - 1 : 0;
    std::string_view what = e.what();
    if (const std::size_t end = what.find("] "); end != std::string_view::npos) what.remove_prefix(end + 2);
    if (const std::size_t end = what.find(": "); end != std::string_view::npos) what.remove_prefix(end + 2);
    error = shown(what);
    return false;
  }
  JsonHandler& handler;
  std::string error;
  std::uint64_t position = 0;
};

}  // namespace

std::string parse_json(std::string_view text, JsonHandler& handler, std::uint64_t& where) {
  Events events(handler);
  where = 0;
  if (Json::sax_parse(text.begin(), text.end(), &events)) return {};
  where = events.position;
  return events.error.empty() ? std::string("no JSON") : events.error;
}

std::string json_quoted(std::string_view s) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : s) {
    if (c == '"' || c == '\\') (out += '\\') += c;
    else if (static_cast<unsigned char>(c) >= 32) out += c;
    else ((out += "\\u00") += digits[c >> 4]) += digits[c & 15];
  }
  return out += '"';
}

}  // namespace ct::io
