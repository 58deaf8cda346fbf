// cotangent/inspect.h -- the graph behind a tensor, and a backward through it step by step: as data, text and pictures.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cotangent/tensor.h"

namespace ct::inspect {

/// A tensor and what the reader shall call it: {"w", w}.
struct Named {
  std::string name;
  Tensor tensor;
};

/// The names of a drawing, of leaves, intermediates and results: {{"x", x}, {"w", w}}, a std::vector<Named>, or what
/// module.named_parameters() returns.   Example: graph(loss, Names(model.named_parameters()).add("loss", loss))
class CT_API Names {
 public:
  Names() = default;
  Names(std::initializer_list<Named> list) : list_(list) {}
  Names(std::vector<Named> list) : list_(std::move(list)) {}
  template <class Dict>
    requires requires(const Dict& d) { std::string(d.begin()->key()); Tensor(d.begin()->value()); }
  Names(const Dict& dict) {
    for (const auto& item : dict) list_.push_back({item.key(), item.value()});
  }
  Names& add(std::string name, const Tensor& tensor) {
    list_.push_back({std::move(name), tensor});
    return *this;
  }
  const std::vector<Named>& list() const { return list_; }

 private:
  std::vector<Named> list_{};
};

struct GraphOptions {
  std::string title{};        // above the drawing
  bool backward = false;      // arrows the way gradients flow, labelled with what flows: dx0 [2, 3]
  bool left_to_right = false; // the forward direction on paper; otherwise from top to bottom
  bool formulas = true;       // the derivative of each operation
  bool saved = true;          // what each operation keeps for backward
  bool locations = false;     // the line of the program that recorded each operation; takes milliseconds for each
  int max_elements = 6;       // values of tensors with more elements are not written out
  int max_fanout = 8;         // a leaf with more uses than this is drawn at each use
  int max_nodes = 300;        // of larger graphs only the first and last operations are drawn,
  int ends = 5;               // this many at either end
  int seconds = 20;           // how long Graphviz may take
};

/// One value in a drawing, as it was when graph() was called. What is not known is empty.
struct GraphValue {
  std::string name{};                  // given by the caller; of saved values as in the formula: "x", "x0", "y"
  bool known = false;                  // whether shape and dtype are
  std::vector<std::int64_t> shape{};
  ScalarType dtype = ScalarType::Undefined;
  std::string value{}, grad{};         // "[1, -2.5]": up to max_elements numbers with four significant digits or more
};

struct GraphNode {
  enum class Kind : std::uint8_t {
    leaf,    // gradients end here: a node AccumulateGrad, with its tensor
    op,      // a recorded operation
    saved,   // an operand without gradient, known because an operation has saved it; or a result without history
    more,    // stands for `count` operations and leaves that are not drawn
  };
  Kind kind = Kind::op;
  bool result = false;                 // one of the tensors that graph() was asked for comes from here
  bool copy = false;                   // a further drawing of a node, at another use
  std::string id{};                    // "n_3", copies "n_3_2"; numbered in the order of forward, whatever else has run
  std::string name{};                  // what the caller calls the output; "a, b" for several names
  std::string op{};                    // "mul"
  std::string node{};                  // PyTorch's name: "MulBackward0"
  std::string formula{};               // "dx0 = g * x1; dx1 = g * x0"
  std::string derivative{};            // the part of it that backward computes: "dx0 = g * x1" if x1 needs no gradient
  std::vector<GraphValue> outputs{};   // one for each forward output; of leaves and saved values the tensor itself
  std::vector<GraphValue> saved{};     // what is kept for backward
  std::string saved_state{};           // why `saved` is empty: "freed", "changed in place", "cannot be read"
  std::string location{};              // "lesson.cpp:12", if asked for
  std::int64_t count = 0;              // of Kind::more
  std::string summary{};               // of Kind::more: "995 × (sin, cos)", "12 mul, 8 add"
};

/// The output `output` of node `from` is the operand `input` of node `to`.
struct GraphEdge {
  std::string from{}, to{};
  std::uint32_t output = 0, input = 0;
  std::string operand{};               // as the formula calls it: "x", "x0", "x1"; empty where Kind::more ends
  bool known = false;                  // whether shape and dtype of what flows are
  std::vector<std::int64_t> shape{};
  ScalarType dtype = ScalarType::Undefined;
  std::int64_t count = 1;              // edges into or out of Kind::more are drawn once
};

/// The record of how some results were computed, as it was when graph() was called; keeps no tensor and no node alive.
class CT_API Graph {
 public:
  /// Operands come before their operations.
  const std::vector<GraphNode>& nodes() const { return nodes_; }
  const std::vector<GraphEdge>& edges() const { return edges_; }
  /// The node with this name or id. Errors: ct::ValueError, naming those there are.
  const GraphNode& node(const std::string& name) const;
  /// Names that were given but belong to nothing in the graph, such as data that no derivative needs.
  const std::vector<std::string>& unused_names() const { return unused_; }
  /// How many operations and leaves the graph has, drawn or not.
  std::int64_t size() const { return size_; }

  /// The drawing as text in Graphviz's language. The same computation gives the same text; needs nothing installed.
  std::string dot() const;
  /// The drawing as SVG text. Needs the program dot. Errors: as save().
  std::string svg() const;
  /// Writes stem.dot, then draws stem.svg and stem.png, and returns the paths of the pictures. Needs Graphviz (Debian:
  /// apt-get install graphviz).
  /// Errors: ct::IoError if a file cannot be written, or if the program dot is missing, fails or takes longer than
  ///         options.seconds; stem.dot is there then, and pictures that were there before are untouched.
  std::vector<std::string> save(const std::string& stem) const;

 private:
  friend class Collector;
  std::vector<GraphNode> nodes_{};
  std::vector<GraphEdge> edges_{};
  std::vector<std::string> unused_{};
  std::int64_t size_ = 0;
  GraphOptions options_{};
};

/// The graph of y: every operation and leaf that a backward from y reaches, with PyTorch's names, the derivatives, shapes,
/// and the values that are known: those of leaves, of named tensors and of what is saved for backward. Works on
/// graphs whose saved values were freed. Of a tensor without history the drawing is that tensor alone.
/// Reading what is saved calls the unpack hooks of saved_tensors_hooks; options.saved = false does without.
///   auto g = ct::inspect::graph(loss, {{"x", x}, {"w", w}, {"loss", loss}});
///   g.save("results/graph");           // results/graph.svg, .png and .dot
/// Errors: ct::ValueError for an undefined tensor.
CT_API Graph graph(const Tensor& y, const Names& names = {}, const GraphOptions& options = {});
/// The same for several results in one drawing.
CT_API Graph graph(const std::vector<Tensor>& results, const Names& names = {}, const GraphOptions& options = {});

struct StepsOptions {
  Tensor v{};                 // what the walk starts with, as in y.backward(v); not given: 1, for a y of one element
  std::string title{};        // above the frames
  bool left_to_right = false; // the forward direction on paper; otherwise from top to bottom
  int max_elements = 6;       // of tensors with more elements the shape and the norm are written
  int max_nodes = 40;         // larger graphs are refused
  int seconds = 20;           // how long Graphviz may take
};

/// What a node hands to one of its operands.
struct GradientFlow {
  std::string to{};                    // the id of the operand's node; its gradient may be a sum of several such
  std::uint32_t output = 0, input = 0; // that node's output, and which operand it is of the node that hands it over
  std::string operand{};               // as the formula calls it: "x", "x0", "x1"
  std::string formula{};               // "dx0 = g * x1"
  Tensor gradient{};
  Tensor before{}, sum{};              // what had been handed to the operand before (undefined: nothing), and with this
};

/// What happens at one node in a backward pass.
struct Step {
  std::string id{}, name{}, op{}, node{};  // as in GraphNode
  std::vector<Tensor> upstream{};          // the gradients of the node's outputs: `g` of the formula; undefined where none came
  std::vector<GradientFlow> flows{};       // of an operation
  Tensor grad_before{}, grad{};            // of a leaf: .grad before (undefined if there was none) and after
  std::vector<std::string> lines{};        // all of this in words
};

/// A backward pass, one node after the other, with the numbers of a real one. Holds copies of the gradients.
class CT_API Steps {
 public:
  /// In the order in which backward runs the nodes; operations that no gradient reaches are left out.
  const std::vector<Step>& list() const { return list_; }
  std::size_t size() const { return list_.size(); }
  const Step& operator[](std::size_t i) const { return list_[i]; }
  /// The step of the node with this name or id. Errors: ct::ValueError, naming those there are.
  const Step& step(const std::string& name) const;
  /// What is drawn in every frame.
  const Graph& graph() const { return graph_; }
  /// The steps in words, as ct::print(steps) writes them.
  const std::string& text() const { return text_; }
  operator std::string_view() const { return text_; }

  /// Frame 0 shows the forward pass, frame k step k, and the last one all gradients: size() + 1 frames in one layout.
  std::size_t frames() const { return list_.size() + 1; }
  /// What is written above a frame.
  const std::vector<std::string>& caption(std::size_t frame) const;
  /// A frame as text in Graphviz's language, or as SVG text. Errors: ct::IndexError; svg() and html() need the program dot,
  /// with the errors of Graph::save().
  std::string dot(std::size_t frame) const;
  std::string svg(std::size_t frame) const;
  /// All frames for a page: <div class="ct-steps"> with a <div class="ct-step"> for each, and buttons where scripts run.
  std::string html() const;
  /// Writes stem_step_00.svg, .. and stem.html, a page for any browser with all of them, buttons and keys; returns the paths
  /// of the page and of the last frame. Errors: as Graph::save(); the files that were there before are untouched then.
  std::vector<std::string> save(const std::string& stem) const;

 private:
  friend class Replay;
  std::vector<std::string> draw(const std::string& what) const;  // all frames
  Graph graph_{};
  std::vector<Step> list_{};
  std::vector<std::vector<std::string>> captions_{};
  std::string text_{};
  Tensor start_{};
  StepsOptions options_{};
};

/// What y.backward() does, step by step: runs a backward through the graph of y, and notes down which node ran, what came to
/// it and what it handed on. The graph can be used afterwards, and no .grad changes; hooks of the user run, as in any
/// backward. Call it before backward(), or call that with retain_graph.
///   ct::print(ct::inspect::steps(loss, {{"x", x}, {"loss", loss}}));
///   ct::inspect::steps(y, {{"x", x}}, {.v = v}).save("results/y");
/// Errors: ct::ValueError if y is undefined, has no history, has several elements but no v is given, or has a graph of more
///         than options.max_nodes nodes; ct::Error if the graph was freed, and those of backward().
CT_API Steps steps(const Tensor& y, const Names& names = {}, const StepsOptions& options = {});

}  // namespace ct::inspect
