// cotangent/data.h -- reading tables of numbers and words from text files.
#pragma once

#include <cstdint>      // row counts, positions
#include <span>         // column()
#include <string>       // names, text columns
#include <string_view>  // column names
#include <vector>       // owned columns

#include "cotangent/api.h"

namespace ct::data {

/// What a missing value (an empty field, or one of CsvOptions::missing_words) means in a column read as numbers.
enum class Missing : std::uint8_t {
  error,  // column() throws and names the place
  nan     // it reads as NaN
};

struct CsvOptions {
  char delimiter = ',';
  bool header = true;    // the first record names the columns; otherwise they are called "0", "1", ...
  char comment = '#';    // lines that begin with it are skipped; '\0': there are no comments
  bool trim = true;      // drop spaces and tabs around fields that are not quoted
  Missing missing = Missing::error;
  std::vector<std::string> missing_words = {"", "NA"};
};

/// A table with named columns. Each column can be read as text, and as numbers when all its fields are numbers.
///
/// All errors are ct::IoError and begin with `file:line:column`, where lines and columns (characters) count from 1.
class CT_API CsvTable {
 public:
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return static_cast<std::int64_t>(names_.size()); }
  const std::vector<std::string>& names() const { return names_; }
  bool has(std::string_view name) const;

  /// The numbers of a column; valid as long as the table.
  /// Numbers are decimal, with a point whatever the locale: 12, -0.5, 1e-3, inf, nan.
  /// Errors:  "f.csv:7:12: expected a number in column 'v', found 'abc'"; an unknown name gets a suggestion.
  /// Example: read_csv("hubble1929.csv").column("velocity")[0] -> 170
  std::span<const double> column(std::string_view name) const;
  /// The fields of a column as they stand in the file, without their quotes.
  std::span<const std::string> text(std::string_view name) const;
  /// The same by position, from 0. ct::IndexError outside the table.
  std::span<const double> column(std::int64_t index) const;
  std::span<const std::string> text(std::int64_t index) const;

 private:
  friend class CsvReader;
  struct Column {
    std::vector<std::string> fields{};
    std::vector<double> numbers{};
    std::string error{};  // why this is no column of numbers; empty when it is one
  };
  std::int64_t find(std::string_view name) const;

  std::string file_{};
  std::int64_t rows_ = 0;
  std::vector<std::string> names_{};
  std::vector<Column> columns_{};
};

/// Reads a table as in RFC 4180: quoted fields may hold delimiters, doubled quotes and line breaks. Lines may end in
/// LF, CRLF or CR; a UTF-8 byte order mark and blank lines are skipped.
/// Errors: ct::IoError if there is no such file, nothing in it, a record with too few or too many fields, an open quote,
///         a repeated or empty column name, or bytes that are not UTF-8.
/// Source: RFC 4180 (2005).
CT_API CsvTable read_csv(const std::string& path, const CsvOptions& options = {});
/// The same for text in memory; `name` stands for the file in messages.
CT_API CsvTable parse_csv(std::string_view text, const CsvOptions& options = {}, const std::string& name = "<text>");

}  // namespace ct::data
