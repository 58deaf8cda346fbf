// cli/notebook_check.cpp -- a notebook is checked as the program that it is a view of.
#include "notebook_check.h"

#include <filesystem>
#include <sstream>

#include "compile.h"
#include "files.h"
#include "learner_folder.h"
#include "notebook_file.h"
#include "text.h"

namespace fs = std::filesystem;

namespace cli {
namespace {

// Lines of code without blanks around them: what is left if only text was written.
std::string code_of(const std::string& source) {
  std::string code;
  std::istringstream in(source);
  for (std::string line; std::getline(in, line);) {
    const auto words = trim(line);
    if (!words.empty() && !words.starts_with("//")) code += std::string(words) + '\n';
  }
  return code;
}

bool as_given(const Step& step, const NotebookFile& notebook) {
  return code_of(notebook.source) == code_of(step.fresh().value_or(""));
}

}  // namespace

std::optional<std::string> notebook_of(const Step& step, const std::string& folder) {
  if (folder.empty()) return std::nullopt;
  const std::string path = folder + "/notebooks/" + step.source.stem + ".ipynb";
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  return path;
}

std::optional<std::string> notebook_in_use(const Step& step, const std::string& folder) {
  const auto path = notebook_of(step, folder);
  if (!path) return std::nullopt;
  const NotebookFile notebook = read_notebook(read_file(*path).value_or(""));
  if (!notebook.problem.empty() || as_given(step, notebook)) return std::nullopt;
  const auto file = learner_file(step, folder);
  std::error_code error;
  if (!file || read_file(*file) == step.fresh() || fs::last_write_time(*path, error) > fs::last_write_time(*file, error)) return path;
  return std::nullopt;
}

Checked check_notebook(const Step& step, const std::string& path, const std::string& folder, std::string& problem) {
  Checked checked;
  const NotebookFile notebook = read_notebook(read_file(path).value_or(""));
  problem = notebook.problem;
  if (!problem.empty()) return checked;
  // A place that stays the same, so that an unchanged notebook need not be compiled again.
  const std::string source = cache_folder("notebooks/" + hash_of(path)) + "/" + step.file_name();
  if (read_file(source) != notebook.source) problem = write_file(source, notebook.source);
  if (!problem.empty()) return checked;
  checked = check_and_record(step, source, folder, as_given(step, notebook));
  const std::string name = fs::path(path).filename().string();
  checked.result.text = in_cells(checked.result.text, notebook, source, name);
  checked.result.compiler = in_cells(checked.result.compiler, notebook, source, name);
  return checked;
}

}  // namespace cli
