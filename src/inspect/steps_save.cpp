// inspect/steps_save.cpp -- the frames as files, and as a page with buttons that needs nothing but a browser.
#include <cstdio>

#include "core/files.h"
#include "cotangent/inspect.h"
#include "inspect/draw.h"
#include "inspect/frames.h"
#include "inspect/text.h"

namespace ct::inspect {

namespace {

std::string two_digits(std::size_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

// Several frames stand in one page: names of parts, and what an SVG file begins with, would be there several times.
std::string within_page(std::string svg) {
  svg.erase(0, svg.find("<svg"));
  for (std::size_t at = svg.find(" id=\""); at != std::string::npos; at = svg.find(" id=\"", at)) svg.erase(at, svg.find('"', at + 5) + 1 - at);
  return svg;
}

// Without scripts, and on paper, all frames are seen, one below the other.
constexpr const char* style = R"(<style>
.ct-steps { margin: 0.5em 0; }
.ct-step { background: #ffffff; color: #000000; overflow-x: auto; }
.ct-step svg { max-width: 100%; height: auto; }
.ct-steps-bar { display: flex; gap: 0.7em; align-items: center; font: 14px "DejaVu Sans", Verdana, Helvetica, Arial, sans-serif; margin-bottom: 0.4em; }
.ct-steps-bar[hidden] { display: none; }
.ct-steps-bar button { font: inherit; padding: 0.25em 0.9em; }
@media print { .ct-step[hidden] { display: block !important; } .ct-step { break-inside: avoid; } .ct-steps-bar { display: none !important; } }
</style>
)";

constexpr const char* script = R"js(<script>
for (const box of document.querySelectorAll(".ct-steps:not([data-ready])")) {
  box.dataset.ready = "1";
  const frames = [...box.querySelectorAll(".ct-step")], bar = box.querySelector(".ct-steps-bar");
  const [back, next] = bar.querySelectorAll("button"), where = bar.querySelector("span");
  let now = 0;
  const show = (k) => {
    now = Math.max(0, Math.min(frames.length - 1, k));
    frames.forEach((f, i) => { f.hidden = i !== now; });
    where.textContent = "Step " + now + " of " + (frames.length - 1);
    back.disabled = now === 0;
    next.disabled = now === frames.length - 1;
  };
  back.onclick = () => show(now - 1);
  next.onclick = () => show(now + 1);
  const keys = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 };
  box.addEventListener("keydown", (e) => {
    if (!(e.key in keys) || e.altKey || e.ctrlKey || e.metaKey) return;
    show(now + keys[e.key]);
    e.preventDefault();
    e.stopPropagation();
  });
  bar.hidden = false;
  show(0);
}
</script>
)js";

std::string fragment(const std::vector<std::string>& frames) {
  std::string out = "<div class=\"ct-steps\" tabindex=\"0\" role=\"group\" aria-label=\"A backward pass, step by step\">\n";
  out += "<div class=\"ct-steps-bar\" hidden><button type=\"button\">Back</button><button type=\"button\">Next</button><span aria-live=\"polite\"></span></div>\n";
  for (const std::string& svg : frames) out += "<div class=\"ct-step\">" + within_page(svg) + "</div>\n";
  return out + "</div>\n" + style + script;
}

}  // namespace

std::vector<std::string> Steps::draw(const std::string& what) const {
  const Frames drawing(*this, options_, start_);
  const std::string size = detail::join({"a graph of ", graph_.nodes().size(), " boxes and ", graph_.edges().size(), " arrows"});
  const std::string drawn = inspect::draw(drawing.text(), "svg", 0, what, size, "", options_.seconds);
  std::vector<std::string> out;
  for (std::size_t k = 0; k < frames(); ++k) out.push_back(drawing.svg(drawn, k));
  return out;
}

std::string Steps::dot(std::size_t frame) const {
  CT_CHECK_INDEX(frame < frames(), "Steps: frame ", frame, " is outside the ", frames(), " frames");
  return Frames(*this, options_, start_).dot(frame);
}

std::string Steps::svg(std::size_t frame) const {
  CT_CHECK_INDEX(frame < frames(), "Steps: frame ", frame, " is outside the ", frames(), " frames");
  return draw("svg: cannot draw the steps")[frame];
}

std::string Steps::html() const { return fragment(draw("html: cannot draw the steps")); }

std::vector<std::string> Steps::save(const std::string& stem) const {
  const std::vector<std::string> drawn = draw("save: cannot draw '" + stem + ".html'");
  const std::string title = inspect::html(options_.title.empty() ? "A backward pass, step by step" : options_.title);
  std::vector<detail::NewFile> files;
  for (std::size_t k = 0; k < drawn.size(); ++k) files.push_back({stem + "_step_" + two_digits(k) + ".svg", drawn[k]});
  const std::string last = files.back().path;
  files.push_back({stem + ".html", "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
                                       title + "</title>\n</head>\n<body style=\"margin: 1em; background: #ffffff\">\n<!-- part -->\n" + fragment(drawn) +
                                       "<!-- end of part -->\n<script>\ndocument.addEventListener(\"keydown\", (e) => {\n  if (e.target === document.body) document.querySelector(\".ct-steps\").dispatchEvent(new KeyboardEvent(\"keydown\", { key: e.key }));\n});\n</script>\n</body>\n</html>\n"});
  detail::write_files("save", files);
  return {stem + ".html", last};
}

}  // namespace ct::inspect
