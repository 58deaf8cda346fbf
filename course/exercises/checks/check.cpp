// checks/check.cpp -- runs the checks of an exercise one after the other and says what came out, also where the learner's code
// throws, crashes or does not end.
#include "exercises/checks/check.h"

#include <execinfo.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "exercises/checks/source.h"

extern "C" char __executable_start, etext;  // from the linker: the code of this program, without the libraries

namespace exercise {
namespace {

enum class State { ok, no, not_started, waits, untouched };

struct Verdict {
  State state;
  std::string diagnosis;
  int line = 0;
};

int seconds_allowed = 5;  // of processor time, for one check; $COTANGENT_CHECK_SECONDS

Source source;
std::string title, activity;
std::FILE* machine = nullptr;  // $COTANGENT_CHECK
std::vector<std::pair<int, State>> results;
const Spec* current = nullptr;

// Where the last exception was thrown, or the signal came.
void* frames[64];
int frame_count = 0;

// ---- Lines ---------------------------------------------------------------------------------------------------

// A node that says that it was recorded at an address: what names the line of an address is Node::location().
struct Place final : ct::Node {
  explicit Place(const void* address) : ct::Node(0, address) {}
  std::string name() const override { return "Place"; }
  void apply(ct::Tensor*, ct::Tensor*) override {}
  void check_gradient(ct::Tensor&, std::uint32_t) const override {}
};

bool in_source(const ct::SourceLocation& l) {
  return l.line > 0 && (l.file == source.path() || l.file.substr(l.file.find_last_of('/') + 1) == source.name());
}

// The innermost frame that lies in the learner's file.
int line_of_frames() {
  for (int i = 0; i < frame_count; ++i) {
    const char* address = static_cast<char*>(frames[i]);
    if (address < &__executable_start || address > &etext) continue;
    const ct::NodePtr place = ct::NodePtr::adopt(new Place(address));
    if (const ct::SourceLocation l = place->location(); in_source(l)) return l.line;
  }
  return 0;
}

// ---- What is printed ------------------------------------------------------------------------------------------

std::string json(const std::string& s) {
  std::string out = "\"";
  for (char c : s) {
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20) out += ' ';
    else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

std::string first_upper(std::string s) {
  const std::size_t word = s.find_first_not_of("abcdefghijklmnopqrstuvwxyz");  // a name keeps its small letter: zero_grad() ..
  for (const char* verb : {" is ", " has ", " goes ", " begins ", " starts ", " ends ", " never "})  // .. or "sorted is empty"
    if (word != 0 && word != std::string::npos && s.compare(word, std::string(verb).size(), verb) == 0 &&
        source.match(source.whole(), "\\b" + s.substr(0, word) + "\\b"))
      return s;
  if (word != 0 && word != std::string::npos && s[word] == ' ') s[0] = static_cast<char>(s[0] - 'a' + 'A');
  return s;
}

void publish(const Spec& spec, Verdict v) {
  static const char* const signs[] = {"ok", "NO", "..", "..", "--"};
  static const char* const words[] = {"ok", "no", "not started", "waits", "untouched"};
  const auto state = static_cast<std::size_t>(v.state);
  results.emplace_back(spec.number, v.state);
  std::printf("%s %2d  %s%s", signs[state], spec.number, spec.bonus ? "bonus: " : "", spec.name);
  if (v.state == State::no) {
    std::string text = "\n        " + first_upper(v.diagnosis);
    for (std::size_t at = 9; (at = text.find('\n', at)) != std::string::npos; at += 9) text.insert(at + 1, "        ");
    std::printf("%s", text.c_str());
    if (v.line > 0) std::printf("\n        %s:%d: %s", source.name().c_str(), v.line, source.line(v.line).c_str());
  } else if (!v.diagnosis.empty()) {
    std::printf(": %s", v.diagnosis.c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
  if (!machine) return;
  std::fprintf(machine,
               "{\"check\": %d, \"name\": %s, \"ok\": %s, \"state\": \"%s\", \"bonus\": %s, \"diagnosis\": %s, \"line\": %d, "
               "\"text\": %s, \"gap\": %d}\n",
               spec.number, json(spec.name).c_str(), v.state == State::ok ? "true" : "false", words[state],
               spec.bonus ? "true" : "false", json(v.diagnosis).c_str(), v.line, json(source.line(v.line)).c_str(),
               spec.gaps.empty() ? 0 : spec.gaps.front());
  std::fflush(machine);
}

// While one of these lives, what the learner's code prints goes nowhere, and it reads nothing.
class Quiet {
 public:
  Quiet() {
    std::fflush(stdout);
    const int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; ++fd) saved_[fd] = dup(fd), dup2(nothing, fd);
    close(nothing);
  }
  ~Quiet() { restore(); }
  void restore() {
    std::fflush(stdout);
    for (int fd = 0; fd < 3; ++fd)
      if (saved_[fd] >= 0) dup2(saved_[fd], fd), close(saved_[fd]), saved_[fd] = -1;
  }

 private:
  int saved_[3];
};
Quiet* quiet = nullptr;

// ---- Crashes and endless loops ----------------------------------------------------------------------------------

void allow(int seconds) {
  itimerval t{};
  t.it_value.tv_sec = seconds;
  setitimer(ITIMER_PROF, &t, nullptr);
}

// The process is not to be trusted any more: says what happened and ends it.
void on_signal(int signal) {
  alarm(5);  // should even this not work
  frame_count = backtrace(frames, 64);
  if (quiet) quiet->restore();
  if (current) {
    const std::string what = activity.empty() ? "your program" : activity;
    std::string diagnosis;
    int line = line_of_frames();
    if (signal == SIGPROF) {
      for (int n = line; n > 0 && n > line - 20; --n)  // the loop around the line
        if (source.match({n, n}, "\\b(for|while|do)\\b")) {
          line = n;
          break;
        }
      diagnosis = what + " had not ended after " + std::to_string(seconds_allowed) + " seconds: a loop without end?";
    } else if (signal == SIGABRT) diagnosis = what + " was aborted: an index outside a vector, or another broken promise?";
    else
      diagnosis =
          what +
          " crashed: memory that is not there (an index outside, a reference to something that is gone, endless recursion?)";
    publish(*current, {State::no, diagnosis, line});
    std::printf("The checks end here.\n");
  }
  std::fflush(nullptr);
  _exit(1);
}

void watch_signals() {
  static char stack[1 << 22];  // a stack overflow leaves no room on the usual one; finding lines takes some
  stack_t other{};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  sigaltstack(&other, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPROF}) sigaction(signal, &action, nullptr);
  void* first[1];
  backtrace(first, 1);  // loads what it needs now
}

bool gap_open(const std::vector<int>& gaps, int& number, int& line) {
  for (int g : gaps)
    if (const int l = gap(g)) {
      number = g, line = l;
      return true;
    }
  return false;
}

bool passed(int number) {
  for (const auto& [n, state] : results)
    if (n == number) return state == State::ok;
  return false;
}

// The message without the remarks about how the error came about, at most three lines.
std::string brief(const std::string& message) {
  std::size_t end = 0;
  for (int lines = 0; lines < 3 && end != std::string::npos; ++lines) end = message.find('\n', end + 1);
  return message.substr(0, end);
}

}  // namespace

// What a body throws.
struct Stop {
  Verdict verdict;
};

void no(const std::string& diagnosis, int line) { throw Stop{{State::no, diagnosis, line}}; }
void untouched(const std::string& what, int line) { throw Stop{{State::untouched, what, line}}; }
void during(const std::string& what) { activity = what; }
void note_throw() noexcept { frame_count = backtrace(frames, 64); }

namespace {

Verdict run(const Spec& spec, ct::FunctionRef<void()> body) {
  Quiet silence;
  quiet = &silence;
  activity.clear();
  allow(seconds_allowed);
  Verdict v{State::ok, ""};
  const auto thrown = [&](const std::string& message) {
    v = {State::no, (activity.empty() ? "" : activity + " ended with an exception:\n") + brief(message), line_of_frames()};
  };
  try {
    body();
  } catch (const Stop& stop) { v = stop.verdict; } catch (const ct::Error& e) {
    const std::string message = e.what();
    thrown(message);
    if (message.find("leaf Variable that requires grad is being used in an in-place") != std::string::npos)
      v.diagnosis += "\nAn update is no part of the model: do it under a guard, ct::NoGradGuard no_grad;";
  } catch (const std::bad_alloc&) {
    thrown("out of memory: does a list grow in a loop without end?");
  } catch (const std::exception& e) { thrown(e.what()); } catch (...) {
    thrown("something that is no std::exception");
  }
  allow(0);
  quiet = nullptr;
  int number = 0, line = 0;
  if (v.state == State::no && gap_open(spec.gaps, number, line))
    v = {spec.bonus ? State::untouched : State::not_started,
         "not started yet: gap " + std::to_string(number) + ", line " + std::to_string(line), line};
  return v;
}

}  // namespace

void begin(const char* name, const char* file) {
  title = name;
  source = Source(file);
  if (const char* path = std::getenv("COTANGENT_CHECK"); path && *path) machine = std::fopen(path, "w");
  if (const char* seconds = std::getenv("COTANGENT_CHECK_SECONDS")) seconds_allowed = std::max(1, std::atoi(seconds));
  watch_signals();
#if !defined(__SANITIZE_ADDRESS__)
  const rlimit memory{8ull << 30, 8ull << 30};  // a list that grows without end shall not take the machine with it
  setrlimit(RLIMIT_AS, &memory);
#endif
  ct::set_warning_handler([](std::string_view) {});
  std::printf("%s: %s\n", name, source.name().c_str());
}

void check(const Spec& spec, ct::FunctionRef<void()> body) {
  current = &spec;
  for (int n : spec.after)
    if (!passed(n)) {
      int number = 0, line = 0;
      if (gap_open(spec.gaps, number, line))
        publish(spec, {spec.bonus ? State::untouched : State::not_started,
                       "not started yet: gap " + std::to_string(number) + ", line " + std::to_string(line), line});
      else publish(spec, {State::waits, "waits for check " + std::to_string(n)});
      current = nullptr;
      return;
    }
  const Verdict v = run(spec, body);  // in a variable: what it prints comes after the silence
  publish(spec, v);
  current = nullptr;
}

Watch::Watch(const Spec& spec, const std::string& doing) {
  current = &spec;
  activity = doing;
  quiet = new Quiet;
  allow(seconds_allowed);
}
Watch::~Watch() {
  allow(0);
  delete quiet;
  quiet = nullptr;
  current = nullptr;
}

int report() {
  const auto count = [](State s) {
    return std::count_if(results.begin(), results.end(), [s](const auto& r) { return r.second == s; });
  };
  const auto open = count(State::untouched), all = static_cast<std::ptrdiff_t>(results.size()) - open, good = count(State::ok);
  std::printf("%s%td of %td checks passed", good == all ? "Passed: " : "", good, all);
  if (open > 0) std::printf(", %td bonus part%s open", open, open == 1 ? "" : "s");
  std::printf(".\n");
  if (machine) std::fclose(machine);
  return good == all ? 0 : 1;
}

int gap(int number) { return source.match(source.whole(), "\\btodo\\s*\\(\\s*" + std::to_string(number) + "\\b"); }

int match(const std::string& function, std::initializer_list<const char*> patterns) {
  const Source::Range range = function.empty() ? source.whole() : source.definition(function);
  for (const char* pattern : patterns)
    if (const int line = source.match(range, pattern)) return line;
  return 0;
}

int line_of(const std::string& function, std::initializer_list<const char*> patterns) {
  const int line = match(function, patterns);
  return line > 0 || function.empty() ? line : source.definition(function).first;
}

int last_match(int first, int last, std::initializer_list<const char*> patterns) {
  for (const char* pattern : patterns)
    for (int n = last; n >= first; --n)
      if (source.match({n, n}, pattern)) return n;
  return 0;
}
std::string line_text(int line) { return source.line(line); }

int recorded_at(const ct::Tensor& t) {
  if (!t.defined() || !t.grad_fn()) return 0;
  const ct::SourceLocation l = t.grad_fn()->location();
  return in_source(l) ? l.line : 0;
}

int thrown_at() { return line_of_frames(); }

std::uint64_t nodes_recorded() {
  const ct::NodePtr place = ct::NodePtr::adopt(new Place(nullptr));
  return place->sequence_nr();
}

std::string shown(double v) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", v);
  return text;
}

std::string shown(const std::vector<double>& v, std::size_t most) {
  std::string out = "[";
  for (std::size_t i = 0; i < v.size() && i < most; ++i) out += (i ? ", " : "") + shown(v[i]);
  return out + (v.size() > most ? ", ..]" : "]");
}

std::vector<double> numbers(const ct::Tensor& t) {
  const ct::Tensor flat = t.detach().to(ct::kDouble).flatten().contiguous();
  const double* p = flat.const_data_ptr<double>();
  return {p, p + flat.numel()};
}

bool near(double a, double b, double rtol, double atol) { return std::abs(a - b) <= rtol * std::abs(b) + atol; }
bool near(const std::vector<double>& a, const std::vector<double>& b, double rtol, double atol) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!near(a[i], b[i], rtol, atol)) return false;
  return true;
}

std::vector<Saved>& figures() {
  static std::vector<Saved> list;
  return list;
}

void run_program(ct::FunctionRef<int()> program) {
  namespace fs = std::filesystem;
  struct Folder {
    fs::path before = fs::current_path(), path;
    Folder() {
      std::string name = (fs::temp_directory_path() / "cotangent-check-XXXXXX").string();
      if (!mkdtemp(name.data())) no("no temporary folder could be made");
      path = name;
      fs::current_path(path);
      setenv("COTANGENT_RESULTS", (path / "results").c_str(), 1);
      unsetenv("COTANGENT_QUESTIONS");
    }
    ~Folder() {
      std::error_code ignored;
      fs::current_path(before, ignored);
      fs::remove_all(path, ignored);
    }
  } folder;
  figures().clear();
  during("your program");
  program();
}

}  // namespace exercise
