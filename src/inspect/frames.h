// inspect/frames.h -- one drawing for all frames of a backward, in which colours and some words are filled in later.
#pragma once

#include <string>
#include <vector>

#include "cotangent/inspect.h"

namespace ct::inspect {

// Note [One layout for all frames]
// Graphviz draws once. In its input, a word that changes from frame to frame stands in its widest form, in a colour that is
// the number of a slot: #c10007 is slot 7, a word, and #c20008 slot 8, a colour alone. Graphviz hands colours through, so each
// frame is made of the text that comes out by writing what the slots hold then. The same goes for the input itself, whose
// cells are as wide as the widest word, so that frames that are drawn one by one look alike, too.
class Frames {
 public:
  Frames(const Steps& steps, const StepsOptions& options, const Tensor& start);
  // The drawing with slots, as DOT text.
  const std::string& text() const { return text_; }
  // A frame of the DOT text, or of the SVG that was drawn from it.
  std::string dot(std::size_t frame) const;
  std::string svg(const std::string& drawn, std::size_t frame) const;

 private:
  enum class Part { page, node, flow };
  enum class Role { border, fill, halo, ink, quiet, line, words };
  struct Slot {
    Part part;
    Role role;
    std::size_t of;                    // which node, arrow or line of the caption
    std::vector<std::string> words{};  // of Role::words, for each frame
    double width = 0;                  // of the widest, in points, if it is to stand in the middle
  };
  enum class State { idle, waiting, active, done };
  struct Arrow { const GraphEdge* edge; std::size_t taken; };  // the frame in which its gradient flows; 0: none does

  void find_times();
  void caption();
  void node(std::size_t i);
  void arrow(std::size_t i);
  std::string slot(Part part, Role role, std::size_t of);
  std::string word_slot(Part part, std::size_t of, std::vector<std::string> words, double size, bool centred);
  std::string color(const Slot& s, std::size_t frame) const;
  State state(const Slot& s, std::size_t frame) const;
  std::vector<std::string> gradient_words(std::size_t i) const;
  std::string fill_in(const std::string& text, std::size_t frame, bool is_svg) const;
  std::string brief(const Tensor& t) const;

  const Steps& steps_;
  const StepsOptions& o_;
  Tensor start_;
  std::string text_;
  std::vector<Slot> slots_;
  std::vector<Arrow> arrows_;
  std::vector<std::size_t> reached_, active_;  // of each node: the frames in which something comes to it, and in which it runs
};

}  // namespace ct::inspect
