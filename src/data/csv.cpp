// data/csv.cpp -- the CSV reader: bytes to records with their places, records to columns.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "cotangent/data.h"
#include "cotangent/error.h"
#include "data/number.h"

namespace ct::data {

namespace {

struct Place { std::int64_t line = 1, column = 1; };

struct Field {
  std::string text{};
  Place at{};
  bool quoted = false;
};

std::string name_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// For messages: at most 40 bytes, control characters as they would be typed.
std::string shown(std::string_view s) {
  std::string out;
  for (char c : s) {
    if (out.size() > 40 && (static_cast<unsigned char>(c) & 0xC0) != 0x80) return out + "...";
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (static_cast<unsigned char>(c) < 32) out += '?';
    else out += c;
  }
  return out;
}

// The edit distance, to suggest the nearest name.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string read_file(const std::string& path) {
  CT_CHECK_VALUE(path.find('\0') == std::string::npos, "read_csv: the file name has a zero byte");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  int error = fd < 0 ? errno : 0;
  std::string text;
  struct stat info {};
  if (fd >= 0 && ::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) error = EISDIR;
  char buffer[65536];
  while (fd >= 0 && error == 0) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
    else if (n == 0) break;
    else if (errno != EINTR) error = errno;
  }
  if (fd >= 0) ::close(fd);
  if (error) CT_THROW(io, "read_csv: cannot read '", path, "': ", std::strerror(error));
  return text;
}

}  // namespace

class CsvReader {
 public:
  CsvReader(std::string_view text, const CsvOptions& options, const std::string& name) : text_(text), options_(options), file_(name) {
    const char d = options.delimiter;
    CT_CHECK_VALUE(d != '"' && d != '\n' && d != '\r' && d != '\0' && d != options.comment, "read_csv: this delimiter cannot be used");
    const auto starts = [&](std::string_view mark) { return text_.substr(0, mark.size()) == mark; };
    if (starts("\xFF\xFE") || starts("\xFE\xFF")) fail({}, "the file is UTF-16\n  Save it as UTF-8.");
    if (starts("\xEF\xBB\xBF")) at_ = 3;
    check_text();
  }

  CsvTable read() {
    CsvTable table;
    table.file_ = file_;
    std::vector<Field> record;
    Place header{};
    while (next_record(record)) {
      if (table.columns_.empty()) {
        header = record[0].at;
        make_columns(table, record);
        if (options_.header) continue;
      }
      if (record.size() != table.columns_.size())
        fail(record[0].at, "expected " + std::to_string(table.columns_.size()) + " fields as in line " + std::to_string(header.line) + ", found " + std::to_string(record.size()));
      for (std::size_t i = 0; i < record.size(); ++i) add(table, i, record[i]);
      ++table.rows_;
    }
    if (table.columns_.empty()) fail({}, "the file is empty: expected a " + std::string(options_.header ? "header" : "record"));
    return table;
  }

 private:
  [[noreturn]] void fail(Place at, const std::string& what) const { CT_THROW(io, file_, ":", at.line, ":", at.column, ": ", what); }

  // Every byte must belong to a UTF-8 character; zero bytes are a sign of a binary file.
  void check_text() const {
    Place at;
    for (std::size_t i = at_; i < text_.size();) {
      const auto byte = [&](std::size_t k) { return i + k < text_.size() ? static_cast<unsigned char>(text_[i + k]) : 0u; };
      const unsigned a = byte(0), b = byte(1);
      std::size_t n = a < 0x80 ? 1 : a >= 0xC2 && a <= 0xDF ? 2 : (a & 0xF0) == 0xE0 ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
      for (std::size_t k = 1; k < n; ++k)
        if ((byte(k) & 0xC0) != 0x80) n = 0;
      if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) || (a == 0xF4 && b > 0x8F)) n = 0;
      if (a == 0) fail(at, "found a zero byte: this is no text file");
      if (n == 0) {
        constexpr char digits[] = "0123456789ABCDEF";
        fail(at, std::string("byte 0x") + digits[a / 16] + digits[a % 16] + " is not UTF-8\n  Save the file as UTF-8.");
      }
      if (a == '\n' || (a == '\r' && b != '\n')) ++at.line, at.column = 1;
      else if (a != '\r') ++at.column;
      i += n;
    }
  }

  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool at_line_end() const { return done() || peek() == '\n' || peek() == '\r'; }

  void advance() {
    const char c = text_[at_++];
    if (c == '\r' && peek() == '\n') return;  // the LF that follows ends the line
    if (c == '\n' || c == '\r') ++place_.line, place_.column = 1;
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++place_.column;
  }
  bool is_space(char c) const { return options_.trim && (c == ' ' || c == '\t') && c != options_.delimiter; }

  // Skips comments and blank lines; false at the end of the file.
  bool next_record(std::vector<Field>& record) {
    record.clear();
    while (!done()) {
      const std::size_t start = at_;
      const Place place = place_;
      while (is_space(peek())) advance();
      if (at_line_end()) {
        if (!done()) skip_line_end();
        continue;
      }
      if (options_.comment != '\0' && peek() == options_.comment) {
        while (!at_line_end()) advance();
        if (!done()) skip_line_end();
        continue;
      }
      at_ = start;
      place_ = place;
      while (true) {
        record.push_back(next_field());
        if (at_line_end()) break;
        advance();  // the delimiter
      }
      if (!done()) skip_line_end();
      return true;
    }
    return false;
  }
  void skip_line_end() {
    if (peek() == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') advance();
    advance();
  }

  Field next_field() {
    Field f;
    while (is_space(peek())) advance();
    f.at = place_;
    if (peek() == '"') {
      quoted(f);
      return f;
    }
    while (!at_line_end() && peek() != options_.delimiter) {
      if (peek() == '"') fail(place_, "found a quote inside a field that does not begin with one\n  Write \"a \"\"quoted\"\" word\".");
      f.text += peek();
      advance();
    }
    while (!f.text.empty() && is_space(f.text.back())) f.text.pop_back();
    return f;
  }

  void quoted(Field& f) {
    f.quoted = true;
    advance();
    while (true) {
      if (done()) fail(f.at, "the quote that opens this field is never closed");
      const char c = peek();
      advance();
      if (c == '"') {
        if (peek() != '"') break;
        advance();
      }
      f.text += c;
    }
    while (is_space(peek())) advance();
    if (!at_line_end() && peek() != options_.delimiter)
      fail(place_, std::string("expected '") + options_.delimiter + "' or the end of the line after a closing quote, found '" + shown(text_.substr(at_, 1)) + "'");
  }

  void make_columns(CsvTable& table, const std::vector<Field>& record) const {
    for (const Field& f : record) {
      if (options_.header && f.text.empty()) fail(f.at, "column " + std::to_string(table.names_.size() + 1) + " has no name");
      if (options_.header && table.has(f.text)) fail(f.at, "there are two columns called '" + shown(f.text) + "'");
      table.names_.push_back(options_.header ? f.text : std::to_string(table.names_.size()));
      table.columns_.emplace_back();
    }
  }

  void add(CsvTable& table, std::size_t i, const Field& f) const {
    CsvTable::Column& c = table.columns_[i];
    double value = std::numeric_limits<double>::quiet_NaN();
    const auto reject = [&](const std::string& what) {
      if (c.error.empty()) c.error = detail::join({file_, ":", f.at.line, ":", f.at.column, ": ", what});
    };
    const std::string where = "a number in column '" + shown(table.names_[i]) + "', found ";
    const auto& words = options_.missing_words;
    if (!f.quoted && std::find(words.begin(), words.end(), f.text) != words.end()) {
      if (options_.missing == Missing::error)
        reject("expected " + where + (f.text.empty() ? "nothing" : "'" + shown(f.text) + "'") + "\n  To read missing values as NaN, set CsvOptions::missing to Missing::nan.");
    } else {
      const NumberResult r = parse_number(f.text, value);
      if (r == NumberResult::not_a_number) reject("expected " + where + "'" + shown(f.text) + "'");
      if (r == NumberResult::too_large) reject("expected " + where + "'" + shown(f.text) + "', which is too large for a double");
    }
    c.fields.push_back(f.text);
    c.numbers.push_back(value);
  }

  std::string_view text_;
  const CsvOptions& options_;
  std::string file_;
  std::size_t at_ = 0;
  Place place_{};
};

bool CsvTable::has(std::string_view name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }

std::int64_t CsvTable::find(std::string_view name) const {
  std::string all;
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i] == name) return static_cast<std::int64_t>(i);
    all.append(i ? ", " : "").append(shown(names_[i]));
    const std::size_t d = distance(name, names_[i]);
    if (d < least && d < name.size()) least = d, nearest = &names_[i];
  }
  CT_THROW(io, file_, ": there is no column '", shown(name), "'", nearest ? "; did you mean '" + shown(*nearest) + "'?" : std::string(), "\n  Columns: ", all);
}

std::span<const double> CsvTable::column(std::string_view name) const { return column(find(name)); }
std::span<const std::string> CsvTable::text(std::string_view name) const { return text(find(name)); }

std::span<const double> CsvTable::column(std::int64_t index) const {
  CT_CHECK_INDEX(index >= 0 && index < cols(), file_, ": column ", index, " is out of range, there are ", cols());
  const Column& c = columns_[static_cast<std::size_t>(index)];
  if (!c.error.empty()) CT_THROW(io, c.error);
  return c.numbers;
}

std::span<const std::string> CsvTable::text(std::int64_t index) const {
  CT_CHECK_INDEX(index >= 0 && index < cols(), file_, ": column ", index, " is out of range, there are ", cols());
  return columns_[static_cast<std::size_t>(index)].fields;
}

CsvTable read_csv(const std::string& path, const CsvOptions& options) {
  const std::string text = read_file(path);
  return CsvReader(text, options, name_of(path)).read();
}

CsvTable parse_csv(std::string_view text, const CsvOptions& options, const std::string& name) { return CsvReader(text, options, name).read(); }

}  // namespace ct::data
