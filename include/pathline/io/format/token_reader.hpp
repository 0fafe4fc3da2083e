/// \file
/// Signs and whole numbers from the text at the start of a binary file, one after another. A grammar asks for what must
/// come next; whatever else comes is refused with its byte in the file.
#pragma once

#include <pathline/io/csv/csv_text.hpp>
#include <pathline/io/format_error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace pathline::io::detail {

/// Reads tokens one after another. Spaces, tabs and line ends between them do not count.
class TokenReader {
 public:
  /// `source` opens the messages: "read_npy: x.npy". `offset` is where in the file the text begins.
  TokenReader(std::string source, std::string_view text, std::size_t offset)
      : source_(std::move(source)), text_(text), offset_(offset) {}

  /// Whether the next token is this sign, which then is read.
  [[nodiscard]] bool accept(char sign) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != sign) return false;
    ++at_;
    return true;
  }
  /// \throws FormatError unless the next token is this sign. `what` says of what: "the header".
  void expect(char sign, const char* what) {
    if (!accept(sign)) refuse(what, next_text(), '"' + std::string(1, sign) + '"');
  }
  /// After an entry of an object or a list that `close` ends: whether another follows.
  [[nodiscard]] bool another(char close, const char* what) {
    if (accept(close)) return false;
    if (!accept(',')) refuse(what, next_text(), "\",\" or \"" + std::string(1, close) + '"');
    return true;
  }

  /// A whole number from 0 to 2⁶³ - 1.
  [[nodiscard]] std::int64_t whole_number(const char* what) {
    skip_spaces();
    const std::size_t first = at_;
    std::uint64_t value = 0;
    constexpr auto largest = std::uint64_t(std::numeric_limits<std::int64_t>::max());
    bool good = true;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = std::uint64_t(text_[at_] - '0');
      good = good && value <= (largest - digit) / 10;
      if (good) value = 10 * value + digit;
    }
    const bool other = at_ < text_.size() && std::string_view(".eE+-").find(text_[at_]) != std::string_view::npos;
    const bool zeros = at_ > first + 1 && text_[first] == '0';
    if (!good || other || zeros || at_ == first) {
      at_ = first;
      refuse(what, next_text(), "a whole number from 0 to 9223372036854775807");
    }
    return std::int64_t(value);
  }

  /// \throws FormatError when anything but padding follows.
  void expect_end(const char* what, std::string_view padding) {
    at_ = std::min(text_.find_first_not_of(padding, at_), text_.size());
    if (at_ < text_.size()) refuse(what, next_text(), "nothing but spaces");
  }

  /// Where the next token begins, in bytes of the file.
  [[nodiscard]] std::size_t position() {
    skip_spaces();
    return offset_ + at_;
  }
  /// What stands there, for messages.
  [[nodiscard]] std::string next_text() {
    skip_spaces();
    return at_ == text_.size() ? "its end" : shown(text_.substr(at_, 20));
  }
  [[nodiscard]] const std::string& source() const { return source_; }
  [[noreturn]] void refuse(const char* what, const std::string& got, const std::string& expected) {
    throw FormatError(source_, offset_ + at_, what, got, expected);
  }

 protected:
  void skip_spaces() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  std::string source_;
  std::string_view text_;
  std::size_t at_ = 0, offset_;
};

}  // namespace pathline::io::detail
