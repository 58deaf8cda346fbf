// cli/notebook_file.h -- a notebook of the course, read back as the C++ program that it is a view of. Needs nothing of Jupyter.
#pragma once

#include <string>
#include <vector>

namespace cli {

struct NotebookFile {
  std::string problem;  // not empty: it is none of ours, and why
  std::string source;   // the program, as apps/kernel/cotangent_kernel/cells.py writes it; an answer that is not begun is todo(N)
  /// For each line of the source the cell that it comes from, counted from 1 over all cells, and the line in it; {0, 0}: none.
  struct Place {
    int cell = 0, line = 0;
  };
  std::vector<Place> places;
};
NotebookFile read_notebook(const std::string& json);

/// "name.cpp:83: .." becomes "name.ipynb, cell 12, line 3: ..", and "gap 2, line 83" becomes "gap 2, cell 12", as often as they occur.
std::string in_cells(const std::string& text, const NotebookFile& notebook, const std::string& source_path, const std::string& notebook_name);

}  // namespace cli
