// io/value_json.cpp -- values to JSON and back.
#include "io/value_json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "io/json.h"

namespace ct::io {

namespace {

std::string number_text(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", v);  // enough digits for the same double
  bool integer = true;
  for (char* p = text; *p; ++p) {
    if (*p == ',') *p = '.';  // of the locale
    integer = integer && *p != '.' && *p != 'e';
  }
  return integer ? std::string(text) + ".0" : std::string(text);
}

class Builder final : public JsonHandler {
 public:
  Builder(const Source& source, const TensorDict& tensors, OrderedDict<std::string, bool>& used) : source_(source), tensors_(tensors), used_(used) {}
  IValue result;

 private:
  struct Level {
    IValue value{};
    std::string key{};
    bool special = false;  // {"$tuple": ..} and its kin: becomes `replacement`
    IValue replacement{};
  };

  [[noreturn]] void fail(std::initializer_list<ct::detail::MsgPart> parts) const { source_.fail({"the values in the header are damaged: ", ct::detail::join(parts)}); }
  void add(IValue v) {
    if (levels_.empty()) {
      result = std::move(v);
      return;
    }
    Level& l = levels_.back();
    if (l.value.isList()) {
      l.value.append(std::move(v));
    } else if (!l.key.empty() && l.key[0] == '$') {
      if (l.special || l.value.size() > 0) fail({"an object with '", shown(l.key), "' holds something else"});
      l.special = true;
      l.replacement = special(l.key, std::move(v));
    } else {
      if (l.special || l.value.contains(l.key)) fail({"the key '", shown(l.key), "' is there twice"});
      l.value.insert(l.key, std::move(v));
    }
  }
  IValue special(const std::string& kind, IValue v) {
    if (kind == "$tuple" && v.isList()) return IValue::tuple(v.toListRef());
    if (kind == "$float" && v.isString()) {
      const std::string& s = v.toStringRef();
      return s == "inf" ? HUGE_VAL : s == "-inf" ? -HUGE_VAL : std::nan("");
    }
    if (kind == "$tensor" && v.isString()) {
      const Tensor* t = tensors_.find(v.toStringRef());
      if (!t) fail({"there is no tensor '", shown(v.toStringRef()), "'"});
      if (!used_.contains(v.toStringRef())) used_.insert(v.toStringRef(), true);
      return *t;
    }
    if (kind == "$items" && v.isList()) {
      const IValue d = IValue::dict();
      for (const IValue& pair : v.toListRef()) {
        if (!pair.isList() || pair.size() != 2 || !(pair[0].isInt() || pair[0].isString())) fail({"'$items' are no pairs"});
        const std::string key = pair[0].isInt() ? std::to_string(pair[0].toInt()) : pair[0].toStringRef();
        if (d.contains(key)) fail({"the key '", shown(key), "' is there twice"});
        IValue(d).insert(pair[0], pair[1]);
      }
      return d;
    }
    fail({"'", shown(kind), "' is not known"});
  }
  void open(IValue v) {
    if (levels_.size() >= 150) fail({"lists and objects are nested more than 150 deep"});
    levels_.push_back({std::move(v)});
  }
  void close() {
    Level l = std::move(levels_.back());
    levels_.pop_back();
    add(l.special ? std::move(l.replacement) : std::move(l.value));
  }
  void null() override { add({}); }
  void boolean(bool v) override { add(v); }
  void integer(std::int64_t v) override { add(v); }
  void number(double v) override { add(v); }
  void string(std::string& v) override { add(std::move(v)); }
  void key(std::string& k) override { levels_.back().key = std::move(k); }
  void begin_object() override { open(IValue::dict()); }
  void end_object() override { close(); }
  void begin_array() override { open(IValue::list()); }
  void end_array() override { close(); }

  const Source& source_;
  const TensorDict& tensors_;
  OrderedDict<std::string, bool>& used_;
  std::vector<Level> levels_;
};

}  // namespace

std::string to_json(const IValue& v, const std::string& name, TensorDict& tensors) {
  using Kind = IValue::Kind;
  const auto listed = [&](const std::vector<IValue>& items) {
    std::string s = "[";
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i) s += ',';
      s += to_json(items[i], ct::detail::join({name, ".", i}), tensors);
    }
    return s += ']';
  };
  switch (v.kind()) {
    case Kind::None: return "null";
    case Kind::Bool: return v.toBool() ? "true" : "false";
    case Kind::Int: return std::to_string(v.toInt());
    case Kind::Double: {
      const double d = v.toDouble();
      if (std::isfinite(d)) return number_text(d);
      return ct::detail::join({"{\"$float\":\"", std::isnan(d) ? "nan" : d > 0 ? "inf" : "-inf", "\"}"});
    }
    case Kind::String:
      CT_CHECK_VALUE(is_utf8(v.toStringRef()), "save: the text '", shown(v.toStringRef()), "' is no UTF-8 text");
      return json_quoted(v.toStringRef());
    case Kind::Tensor: {
      std::string free = name;
      for (int i = 1; tensors.contains(free); ++i) free = ct::detail::join({name, "#", i});
      tensors.insert(free, v.toTensor());
      return ct::detail::join({"{\"$tensor\":", json_quoted(free), "}"});
    }
    case Kind::List: return listed(v.toListRef());
    case Kind::Tuple: return ct::detail::join({"{\"$tuple\":", listed(v.toListRef()), "}"});
    case Kind::Dict: {
      const bool plain = std::all_of(v.items().begin(), v.items().end(), [](const IValue::Pair& p) {
        return p.first.isString() && !p.first.toStringRef().empty() && p.first.toStringRef()[0] != '$';
      });
      std::string s = plain ? "{" : "{\"$items\":[";
      bool first = true;
      for (const IValue::Pair& p : v.items()) {
        if (!std::exchange(first, false)) s += ',';
        const std::string key = p.first.isInt() ? std::to_string(p.first.toInt()) : p.first.toStringRef();
        const std::string inner = to_json(p.second, name.empty() ? key : ct::detail::join({name, ".", key}), tensors);
        TensorDict none;
        if (plain) s += ct::detail::join({json_quoted(key), ":", inner});
        else s += ct::detail::join({"[", to_json(p.first, "", none), ",", inner, "]"});
      }
      return s += plain ? "}" : "]}";
    }
  }
  return {};
}

IValue from_json(const Source& source, const std::string& text, const TensorDict& tensors, OrderedDict<std::string, bool>& used) {
  Builder builder(source, tensors, used);
  std::uint64_t where = 0;
  if (const std::string error = parse_json(text, builder, where); !error.empty()) source.fail({"the values in the header are damaged: ", error});
  return builder.result;
}

}  // namespace ct::io
