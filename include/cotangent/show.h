// cotangent/show.h -- show(x): in a notebook a table, a figure, a drawing; in a program the same as text and files.
#pragma once

#include <initializer_list>
#include <iosfwd>       // operator<< of the user's types
#include <string>       // names
#include <string_view>  // what converts to text
#include <type_traits>  // choosing how a value is shown
#include <typeinfo>     // the name of a type that cannot be shown
#include <vector>       // paths of pictures

#include "cotangent/callable.h"
#include "cotangent/print.h"
#include "cotangent/tensor.h"

namespace ct {
namespace detail {

// `display` is an output of its own, `result` is the value of a cell.
enum class Shown : std::uint8_t { display, result };

// Text that is being put together.
class CT_API Description {
 public:
  explicit Description(bool nested = false) : nested(nested) {}
  void add(std::string_view text) { out += text; }
  void add_part(const PrintPart& part);              // as print() writes it
  void add_quoted(std::string_view text);
  void add_type(const std::type_info& type);         // "<Net>"
  void add_streamed(FunctionRef<void(std::ostream&)> write);
  bool separate(std::size_t i);                      // ", " before element i; false where a long list is cut

  std::string out{};
  bool nested;
};
CT_API void show_text(const std::string& text, Shown how);
CT_API void show_tensor(const Tensor& t, Shown how);
// `save` writes files and says which; one of them is an .svg, and of an .html with <!-- part --> .. <!-- end of part --> a notebook
// shows that part.
CT_API void show_picture(FunctionRef<std::vector<std::string>(const std::string& stem)> save, const std::string& name, Shown how);

template <class T>
concept IsText = std::is_convertible_v<const T&, std::string_view> && !std::is_same_v<T, std::nullptr_t>;
template <class T>
concept IsPart = std::is_constructible_v<PrintPart, const T&> && !std::is_pointer_v<T> && !std::is_array_v<T> && !std::is_function_v<T>;
template <class T>
concept IsPicture = requires(const T& x, const std::string& stem) { static_cast<std::vector<std::string>>(x.save(stem)); };
template <class T>
concept IsStream = requires(T& x) { x.rdbuf(); x.good(); };
template <class T>
concept IsFunction = std::is_function_v<T> || requires(const T& x) { requires std::is_function_v<std::remove_pointer_t<decltype(+x)>>; };
template <class T>
concept IsStreamed = !std::is_pointer_v<T> && !std::is_array_v<T> && !IsFunction<T> && requires(std::ostream& out, const T& x) { out << x; };
template <class T>
concept IsRange = requires(const T& x) { x.begin() != x.end(); *x.begin(); } || std::is_array_v<T>;
template <class T>
concept IsBits = requires { requires std::is_same_v<typename T::value_type, bool>; };
template <class T>
concept IsMap = IsRange<T> && requires { typename T::key_type; typename T::mapped_type; };
template <class T>
concept IsSet = IsRange<T> && requires { typename T::key_type; };
template <class T>
concept IsPair = requires(const T& x) { x.first; x.second; };
template <class T>
concept IsOptional = requires(const T& x) { x.has_value(); *x; };
template <class T>
concept IsException = requires(const T& x) { static_cast<const char*>(x.what()); };

template <class T>
void describe(Description& d, const T& x) {
  const auto inner = [&](const auto& e) {
    const bool nested = d.nested;
    d.nested = true;
    describe(d, e);
    d.nested = nested;
  };
  if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t>) d.add("None");
  else if constexpr (IsText<T>) d.nested ? d.add_quoted(std::string_view(x)) : d.add(std::string_view(x));
  else if constexpr (IsPart<T>) d.add_part(PrintPart(x));
  else if constexpr (IsStreamed<T>) d.add_streamed([&](std::ostream& out) { out << x; });
  else if constexpr (IsOptional<T>) x.has_value() ? inner(*x) : d.add("None");
  else if constexpr (IsRange<T>) {
    d.add(IsSet<T> ? "{" : "[");
    std::size_t i = 0;
    for (auto&& e : x) {
      if (!d.separate(i++)) break;
      if constexpr (IsMap<T>) inner(e.first), d.add(": "), inner(e.second);
      else if constexpr (IsBits<T>) inner(static_cast<bool>(e));
      else inner(e);
    }
    d.add(IsSet<T> ? "}" : "]");
  } else if constexpr (IsPair<T>) d.add("("), inner(x.first), d.add(", "), inner(x.second), d.add(")");
  else if constexpr (requires { std::tuple_size<T>::value; }) {
    d.add("(");
    [&]<std::size_t... I>(std::index_sequence<I...>) { ((d.separate(I), inner(get<I>(x))), ...); }(std::make_index_sequence<std::tuple_size<T>::value>());
    d.add(")");
  } else if constexpr (std::is_enum_v<T>) d.add_type(typeid(T)), d.add("("), d.add_part(PrintPart(static_cast<std::int64_t>(x))), d.add(")");
  else if constexpr (IsException<T>) d.add(std::string_view(x.what()));
  else d.add_type(typeid(T));
}

template <class T>
void show_value(const T& x, const std::string& name, Shown how) {
  if constexpr (std::is_same_v<T, Tensor>) {
    show_tensor(x, how);
  } else if constexpr (IsPicture<T>) {
    show_picture([&](const std::string& stem) { return static_cast<std::vector<std::string>>(x.save(stem)); }, name, how);
  } else if constexpr (!IsStream<T>) {
    Description d;
    describe(d, x);
    show_text(d.out, how);
  }
}

// The value of a cell's last expression.
template <class T>
void show_result(const T& x) { show_value(x, {}, Shown::result); }

}  // namespace detail

/// Shows a value. Text is as print() writes it; containers, pairs and optionals are written as Python writes its own, and
/// other types by their operator<<. In a notebook, tensors are also tables, and a figure (ct::plot::Figure) or a graph
/// (ct::inspect::Graph) is a picture; of a backward step by step (ct::inspect::Steps) there are all frames, with buttons. In a program a picture is saved as <name>.svg and <name>.png into the folder
/// $COTANGENT_RESULTS (results/ if that is not set), and the paths are printed.
///   ct::show(x);
///   ct::show(figure, "06_panels");     // without a name: figure_1, figure_2, ...
/// Errors: those of the picture's own save().
template <class T>
void show(const T& x, const std::string& name = {}) { detail::show_value(x, name, detail::Shown::display); }

}  // namespace ct
