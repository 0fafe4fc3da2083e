/// \file
/// The four kinds of JSON value that the header of a safetensors file has: objects, lists, strings, whole numbers. No
/// library reads them, because pathline's headers need Eigen alone, and every program that loads a model would depend
/// on it. The reader of the format asks for one token after another and never recurses, so that no nesting is too deep.
#pragma once

#include <pathline/io/format/token_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pathline::io::detail {

/// The length of the UTF-8 sequence that `text` begins with; 0 where it begins with none: a wrong or missing byte, a
/// code that has a shorter sequence, half of a surrogate pair, or more than U+10FFFF. (RFC 3629, section 4.)
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned first = byte(0), second = byte(1);
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

[[nodiscard]] inline bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

/// Appends a code point below 0x110000 that is no surrogate.
inline void append_utf8(std::string& text, std::uint32_t code) {
  const auto tail = [&](unsigned shift) { text += static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0U | (code >> 6U)), tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0U | (code >> 12U)), tail(6), tail(0);
  } else {
    text += static_cast<char>(0xF0U | (code >> 18U)), tail(12), tail(6), tail(0);
  }
}

/// Reads JSON's strings beside signs and numbers.
class JsonReader : public TokenReader {
 public:
  using TokenReader::TokenReader;

  /// A string of valid UTF-8, its escapes resolved.
  [[nodiscard]] std::string string(const char* what) {
    expect('"', what);
    std::string result;
    for (;;) {
      const std::size_t length = utf8_length(text_.substr(at_));
      if (at_ == text_.size()) refuse(what, "cut off by the end of the header", "a string that ends in a quote");
      if (length == 0) refuse(what, "not UTF-8", "text in UTF-8");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 32)
        refuse(what, "text with a control character", "\\n, \\t or another escape in place of it");
      if (c == '\\') {
        escape(result, what);
        continue;
      }
      result += text_.substr(at_, length);
      at_ += length;
      if (c == '"') break;
    }
    result.pop_back();
    return result;
  }

 private:
  /// The four hexadecimal digits after \u.
  [[nodiscard]] std::uint32_t hexadecimal(const char* what) {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      if (c >= '0' && c <= '9') {
        code = code * 16 + std::uint32_t(c - '0');
      } else if (c >= 'a' && c <= 'f') {
        code = code * 16 + std::uint32_t(c - 'a' + 10);
      } else if (c >= 'A' && c <= 'F') {
        code = code * 16 + std::uint32_t(c - 'A' + 10);
      } else {
        refuse(what, "text with a wrong escape", "four hexadecimal digits after \\u");
      }
    }
    return code;
  }
  void escape(std::string& result, const char* what) {
    ++at_;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    constexpr std::string_view names = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    const std::size_t simple = names.find(c);
    if (c != 'u' && simple == std::string_view::npos)
      refuse(what, "text with a wrong escape", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    ++at_;
    if (c != 'u') {
      result += meanings[simple];
      return;
    }
    std::uint32_t code = hexadecimal(what);
    const auto is_second = [](std::uint32_t half) { return half >= 0xDC00 && half <= 0xDFFF; };
    if (code >= 0xD800 && code <= 0xDBFF && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const std::uint32_t second = hexadecimal(what);
      if (is_second(second)) code = 0x10000 + ((code - 0xD800) << 10U) + (second - 0xDC00);
    }
    if (code >= 0xD800 && code <= 0xDFFF)
      refuse(what, "text with half of a surrogate pair", "two escapes of four hexadecimal digits for such a character");
    append_utf8(result, code);
  }
};

/// A string as JSON has it.
[[nodiscard]] inline std::string json_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') result += '\\';
    if (code >= 32) {
      result += c;
    } else {
      result += "\\u00";
      result += digits[code / 16];
      result += digits[code % 16];
    }
  }
  return result + '"';
}

}  // namespace pathline::io::detail
