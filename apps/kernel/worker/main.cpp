// main.cpp -- cotangent-worker: compiles and runs cells for a kernel (apps/kernel/cotangent_kernel/worker.py starts it).
//
//   --channels=IN,OUT   file descriptors (otherwise 3 and 4)
//   in     requests, one JSON object a line: {"op": "execute", "code": "int a = 1;", "label": "In[1]"}
//   out    events: ready, error, done, answers
//   stdout, stderr   of the cells, with marks "ESC ] ctnb ; ... BEL" where pictures and tables stand and where a cell's output ends
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include "cell.h"
#include "complete.h"
#include "jit.h"
#include "lex.h"
#include "protocol.h"
#include "snapshot.h"

namespace {

using llvm::json::Object;

// Where things are: compiled in, and overruled by the environment.
std::string setting(const char* name, const char* otherwise) {
  const char* set = std::getenv(name);
  return set && *set ? set : otherwise;
}

constexpr char prelude[] = R"(
#include <iostream>
#include <cotangent/cotangent.h>
#include <cotangent/show.h>
namespace ct::detail {
struct Echo {};
inline constexpr Echo echo;
template <class T>
void operator,(Echo, const T& value) { show_result(value); }
}
)";

std::vector<std::string> arguments() {
  std::vector<std::string> args = {
      "-std=c++20", "-O2", "-ferror-limit=0", "-fPIC", "-Xclang", "-disable-llvm-passes", "-gline-tables-only", "-resource-dir", setting("COTANGENT_CLANG_RESOURCES", CT_CLANG_RESOURCES),
      "-Xclang", "-fincremental-extensions"};
  std::string folders = setting("COTANGENT_INCLUDE", CT_KERNEL_INCLUDE);
  for (std::size_t at = 0; at < folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    if (end > at) args.push_back("-I" + folders.substr(at, end - at));
    at = end + 1;
  }
  args.push_back("-DCT_COURSE_DIR=\"" + setting("COTANGENT_COURSE", CT_KERNEL_COURSE) + "\"");
  return args;
}

// Without a byte order mark, and with the ends of lines that all counting is by. For cells; a place in the text (`at`) stays right
// as long as there are none of either, as in what Jupyter sends.
std::string tidy(llvm::StringRef text) {
  text.consume_front("\xEF\xBB\xBF");
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') out += text[i];
    else if (i + 1 == text.size() || text[i + 1] != '\n') out += '\n';
  }
  return out;
}

[[noreturn]] void give_up(const std::string& why) {
  kernel::send(Object{{"event", "failed"}, {"text", kernel::utf8(why)}});
  std::_Exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  bool bare = false;
  int in = 3, out = 4;
  for (int i = 1; i < argc; ++i) {
    bare |= std::string(argv[i]) == "--bare";
    std::sscanf(argv[i], "--channels=%d,%d", &in, &out);
  }
  kernel::open_channels(in, out);
  kernel::install_crash_handlers();
  ::setenv("COTANGENT_NOTEBOOK", "1", 1);
  if (const std::string error = kernel::start_jit(setting("COTANGENT_KERNEL_LIBRARY", CT_KERNEL_LIBRARY)); !error.empty()) give_up(error);
  kernel::Worker worker;
  std::string error;
  worker.session = kernel::Session::create(arguments(), error);
  if (!worker.session) give_up(error);
  if (error = worker.run_prelude(bare ? "" : prelude); !error.empty()) give_up(error);
  kernel::send(Object{{"event", "ready"}, {"pid", static_cast<std::int64_t>(::getpid())}});

  for (Object request; kernel::receive(request); request.clear()) {
    const llvm::StringRef op = request.getString("op").value_or("");
    const std::string code = tidy(request.getString("code").value_or(""));
    if (op == "execute") {
      worker.execute(code, request.getString("label").value_or("In[ ]").str(), static_cast<int>(request.getInteger("optimise").value_or(-1)));
    } else if (op == "is_complete") {
      const kernel::Lexed look = kernel::look_at(code);
      kernel::send(Object{{"event", "answer"}, {"status", look.problem.empty() ? "complete" : look.incomplete ? "incomplete" : "invalid"}});
    } else if (op == "complete" || op == "inspect") {
      const auto at = static_cast<unsigned>(request.getInteger("at").value_or(static_cast<std::int64_t>(code.size())));
      kernel::send(op == "complete" ? kernel::complete(*worker.session, code, at) : kernel::inspect(*worker.session, code, at));
    } else if (op == "shutdown") {
      std::exit(0);  // destructors of the cells' variables run: files are closed
    } else {
      kernel::send(Object{{"event", "answer"}});
    }
  }
  std::exit(0);
}
