/// \file
/// Messages put together in one call: `message({"component ", i, " reaches ", x})`. A chain of `+` makes a string for
/// each term, and a compiler spends more on these and on their destruction than on the arithmetic around them.
#pragma once

#include <concepts>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

namespace pathline::detail {

/// A text, which must outlive it, a whole number, or a number with nine digits, whatever its size.
class MessagePart {
 public:
  MessagePart(std::string_view text) : text_(text) {}    // NOLINT(google-explicit-constructor)
  MessagePart(const char* text) : text_(text) {}         // NOLINT(google-explicit-constructor)
  MessagePart(const std::string& text) : text_(text) {}  // NOLINT(google-explicit-constructor)
  MessagePart(double x) { write(x); }                    // NOLINT(google-explicit-constructor)
  template <std::integral Whole>
  MessagePart(Whole n) {
    write_whole(static_cast<long long>(n));
  }                                          // NOLINT(google-explicit-constructor)
  MessagePart(const MessagePart&) = delete;  // text_ may refer to digits_
  MessagePart& operator=(const MessagePart&) = delete;
  ~MessagePart() = default;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  [[gnu::noinline]] void write(double x) {
    text_ = {digits_, std::size_t(std::snprintf(digits_, sizeof digits_, "%.9g", x))};
  }
  [[gnu::noinline]] void write_whole(long long n) {
    text_ = {digits_, std::size_t(std::snprintf(digits_, sizeof digits_, "%lld", n))};
  }

  char digits_[32];
  std::string_view text_;
};

/// All parts, one after the other.
[[nodiscard, gnu::noinline]] inline std::string message(std::initializer_list<MessagePart> parts) {
  std::string result;
  for (const MessagePart& part : parts) result += part.text();
  return result;
}

}  // namespace pathline::detail
