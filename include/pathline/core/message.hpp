/// \file
/// Messages put together in one call: `message({"component ", i, " reaches ", x})`. A chain of `+` makes a string for
/// each term, and a compiler spends more on these and on their destruction than on the arithmetic around them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pathline::detail {

/// A text, which must outlive it, a whole number, or a number with nine digits, whatever its size. Two words, which the
/// caller writes; digits are made where the message is.
class MessagePart {
 public:
  // NOLINTBEGIN(google-explicit-constructor)
  MessagePart(std::string_view text) : text_(text.data()), kind_(std::ptrdiff_t(text.size())) {}
  MessagePart(const char* text) : MessagePart(std::string_view(text)) {}
  MessagePart(const std::string& text) : MessagePart(std::string_view(text)) {}
  MessagePart(double x) : number_(x), kind_(a_number) {}
  template <std::integral Whole>
  MessagePart(Whole n) : whole_(static_cast<long long>(n)), kind_(a_whole) {}
  // NOLINTEND(google-explicit-constructor)

  [[gnu::cold, gnu::noinline]] void append_to(std::string& message) const {
    if (kind_ >= 0) {
      message.append(text_, std::size_t(kind_));
      return;
    }
    char digits[32];
    const int size = kind_ == a_number ? std::snprintf(digits, sizeof digits, "%.9g", number_)
                                       : std::snprintf(digits, sizeof digits, "%lld", whole_);
    message.append(digits, std::size_t(size));
  }

 private:
  static constexpr std::ptrdiff_t a_number = -1, a_whole = -2;
  union {
    const char* text_;
    double number_;
    long long whole_;
  };
  std::ptrdiff_t kind_;  // the length of a text, or one of those above
};

/// All parts, one after the other.
[[nodiscard, gnu::cold, gnu::noinline]] inline std::string message(std::initializer_list<MessagePart> parts) {
  std::string result;
  for (const MessagePart& part : parts) part.append_to(result);
  return result;
}

}  // namespace pathline::detail
