// core/files.h -- writing a set of files so that either all of them are new and whole, or none is touched.
#pragma once

#include <string>
#include <vector>

namespace ct::detail {

struct NewFile { std::string path, content; };

// IoError names the file and the reason; temporary files are gone then.
void write_files(const char* who, const std::vector<NewFile>& files);

}  // namespace ct::detail
