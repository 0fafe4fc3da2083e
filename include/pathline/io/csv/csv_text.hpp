/// \file
/// The text of a table: records and cells, quotes and line ends (RFC 4180, and what spreadsheets make of it). Knows
/// nothing of numbers; io/csv.hpp does.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pathline::io::detail {

/// Text of a user's file for a message: in quotes, at most 40 characters, control characters as `?`.
[[nodiscard, gnu::cold]] inline std::string shown(std::string_view text) {
  std::string result = "\"";
  for (const char c : text.substr(0, 40)) result += static_cast<unsigned char>(c) < 32 || c == 127 ? '?' : c;
  return result + (text.size() > 40 ? "…\"" : "\"");
}

/// Reads a text record by record. Lines end in \n, \r\n or \r; a UTF-8 byte order mark is skipped. The separator ' '
/// stands for blanks and tabs, as many as there are.
class CsvReader {
 public:
  /// `source` opens the messages: "read_csv: data.csv". The text must outlive the reader.
  CsvReader(std::string source, std::string_view text, char separator)
      : source_(std::move(source)), text_(text), separator_(separator) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  /// The cells of the next record, or false at the end of the text. A line of spaces is a record of no cells.
  /// \throws DataError for quotes that do not close, or text after them.
  [[nodiscard]] bool next(std::vector<std::string>& cells) {
    cells.clear();
    if (at_ == text_.size()) return false;
    record_line_ = line_;
    record_ = at_;
    skip_spaces();
    if (ends_line()) return finish_line();
    for (;;) {
      cells.push_back(cell());
      if (separator_ == ' ') skip_spaces();
      if (separator_ == ' ' ? ends_line() : at_ == text_.size() || text_[at_] != separator_) return finish_line();
      if (separator_ != ' ') ++at_;
    }
  }

  /// The line that the record of the last next() starts on, from 1.
  [[nodiscard]] Index line() const noexcept { return record_line_; }
  /// "read_csv: data.csv, line 3".
  [[nodiscard]] std::string place() const { return source_ + ", line " + std::to_string(record_line_); }
  /// The text from the record of the last next() on.
  [[nodiscard]] std::string_view rest() const { return text_.substr(record_); }

 private:
  [[nodiscard]] bool ends_line() const { return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }
  [[nodiscard]] bool is_separator(char c) const { return c == separator_ || (separator_ == ' ' && c == '\t'); }
  /// Spaces around a cell; where blanks separate, they are spaces too.
  [[nodiscard]] bool is_space(char c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }
  void skip_spaces() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  // Returns true for the convenience of next().
  bool finish_line() {
    if (text_.substr(at_, 2) == "\r\n") ++at_;
    if (at_ < text_.size()) ++at_;
    ++line_;
    return true;
  }

  /// Up to the separator or the end of the line, which stay; without spaces around.
  std::string cell() {
    skip_spaces();
    if (at_ < text_.size() && text_[at_] == '"') return quoted_cell();
    const std::size_t first = at_;
    while (!ends_line() && !is_separator(text_[at_])) ++at_;
    std::size_t last = at_;
    while (last > first && is_space(text_[last - 1])) --last;
    return std::string(text_.substr(first, last - first));
  }
  std::string quoted_cell() {
    std::string result;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_], following = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (c == '"' && following != '"') break;
      if (c == '"') ++at_;
      if (c == '\n' || (c == '\r' && following != '\n')) ++line_;
      result += c;
    }
    if (at_ == text_.size())
      throw DataError(
          {place(), " has a quote that does not close, expected another \"; double a quote that belongs to the text"});
    ++at_;
    if (separator_ != ' ') skip_spaces();
    if (!ends_line() && !is_separator(text_[at_]))
      throw DataError({place(), " has ", shown(text_.substr(at_, text_.find_first_of("\r\n", at_) - at_)),
                       " after a closing quote, expected the separator; set separator, or double a quote that belongs "
                       "to the text"});
    return result;
  }

  std::string source_;
  std::string_view text_;
  char separator_;
  std::size_t at_ = 0, record_ = 0;
  Index line_ = 1, record_line_ = 0;
};

/// A cell as it is written: quoted where it must be.
[[nodiscard, gnu::cold]] inline std::string csv_cell(std::string_view text, char separator = ',') {
  if (text.find_first_of(" \t,;\"\r\n") == std::string_view::npos && text.find(separator) == std::string_view::npos)
    return std::string(text);
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

}  // namespace pathline::io::detail
