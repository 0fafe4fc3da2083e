/// \file
/// Progress of a long loop with an estimate of the time left: one line with a bar that rewrites itself on a terminal, a
/// plain line now and then everywhere else, so that a log file holds no control characters.
#pragma once

#include <pathline/core/clock.hpp>
#include <pathline/core/message.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <iostream>
#include <ostream>
#include <string>
#include <utility>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif
#if __has_include(<sys/ioctl.h>)
#include <sys/ioctl.h>
#endif

namespace pathline {

namespace detail {

/// The descriptor of a standard stream; -1 of others.
[[nodiscard]] inline int descriptor_of([[maybe_unused]] const std::ostream& out) {
#if __has_include(<unistd.h>)
  if (&out == &std::cout) return STDOUT_FILENO;
  if (&out == &std::cerr || &out == &std::clog) return STDERR_FILENO;
#endif
  return -1;
}

}  // namespace detail

/// Whether a stream goes to a terminal that can rewrite a line; known of the standard streams only.
[[nodiscard]] inline bool is_terminal([[maybe_unused]] const std::ostream& out) {
#if __has_include(<unistd.h>)
  const int descriptor = detail::descriptor_of(out);
  return descriptor >= 0 && isatty(descriptor) == 1;
#else
  return false;
#endif
}

namespace detail {

// The first byte of a character in UTF-8; others continue one.
[[nodiscard]] inline bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

/// How many characters a text in UTF-8 has. Each is taken to be one column of a terminal wide.
[[nodiscard]] inline std::size_t character_count(const std::string& text) {
  return std::size_t(std::count_if(text.begin(), text.end(), begins_character));
}

/// Cuts a text in UTF-8 to at most `most` characters.
inline void cut_to_characters(std::string& text, std::size_t most) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (begins_character(text[i]) && most-- == 0) return text.resize(i);
}

}  // namespace detail

/// "8 s", "3 min 20 s", "2 h 05 min".
[[nodiscard, gnu::cold]] inline std::string duration_text(double seconds) {
  const long total = std::lround(std::max(seconds, 0.0));
  const long hours = total / 3600, minutes = total / 60 % 60, rest = total % 60;
  char text[64];
  if (hours > 0)
    std::snprintf(text, sizeof text, "%ld h %02ld min", hours, minutes);
  else if (minutes > 0)
    std::snprintf(text, sizeof text, "%ld min %02ld s", minutes, rest);
  else
    std::snprintf(text, sizeof text, "%ld s", rest);
  return text;
}

struct ProgressOptions {
  bool terminal = false;
  double seconds_between_lines = 5;      ///< Plain output: at least this long between two lines.
  double seconds_between_updates = 0.1;  ///< On a terminal: at least this long between two rewrites.
  std::size_t width = 79;                ///< On a terminal: longer lines are cut, for a wrapped line is not rewritten.
  double (*clock)() = seconds_now;
};

/// Those of a terminal, as wide as it is, where `out` is one, and those of a file elsewhere.
[[nodiscard]] inline ProgressOptions progress_options_of(const std::ostream& out) {
  ProgressOptions options{.terminal = is_terminal(out)};
#ifdef TIOCGWINSZ
  winsize size{};
  if (options.terminal && ioctl(detail::descriptor_of(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
    options.width = std::size_t(size.ws_col) - 1;  // a full line would move the cursor to the next
#endif
  return options;
}

class ProgressLine {
 public:
  /// \param out    Where to; outlives this.
  /// \param what   Opens each line.
  /// \param total  Steps to do, positive.
  /// \param done   Steps that were done before this began, in another call.
  ProgressLine(std::ostream& out, std::string what, long total, const ProgressOptions& options, long done = 0)
      : out_(&out), what_(std::move(what)), total_(std::max(total, 1L)), before_(done), options_(options) {
    start_ = last_ = options_.clock();
  }
  /// The same with the defaults of a terminal where `out` is one, and those of a file elsewhere.
  ProgressLine(std::ostream& out, std::string what, long total)
      : ProgressLine(out, std::move(what), total, progress_options_of(out)) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  /// Says how far the loop came, where it ended early, and leaves the cursor below the last line; also when an
  /// exception passes.
  ~ProgressLine() {
    if (!unsaid_.empty()) print(unsaid_);
    if (options_.terminal && on_screen_ > 0) *out_ << '\n' << std::flush;
  }

  /// Says that `done` steps are done. `note` is a short text with the numbers of the moment.
  void update(long done, const std::string& note) {
    const double now = options_.clock();
    const bool complete = done >= total_;
    const double pause = options_.terminal ? options_.seconds_between_updates : options_.seconds_between_lines;
    if (!complete && now - last_ < pause) {
      unsaid_ = text(done, note, "");
      return;
    }
    last_ = now;
    print(text(done, note, complete ? std::string() : duration_text(left(done, now))));
  }

  /// The closing line, when the loop ends before its time as well.
  void finish(const std::string& note) {
    print(detail::message({what_, "  ", note, "  ", duration_text(options_.clock() - start_)}));
    if (options_.terminal) *out_ << '\n' << std::flush;
    on_screen_ = 0;
  }

 private:
  [[nodiscard]] double left(long done, double now) const {
    return (now - start_) * double(total_ - done) / double(std::max(done - before_, 1L));
  }

  [[nodiscard]] std::string text(long done, const std::string& note, const std::string& remaining) const {
    char count[64];
    const int width = std::snprintf(count, sizeof count, "%ld", total_);
    std::snprintf(count, sizeof count, "%*ld/%ld", width, done, total_);
    const std::string numbers = detail::message(
        {"  ", count, "  ", note, remaining.empty() ? "" : "  ", remaining, remaining.empty() ? "" : " left"});
    return what_ + bar(done, detail::character_count(what_) + detail::character_count(numbers)) + numbers;
  }

  // On a terminal "  [=====     ]", where at least five places are left beside a line of this length.
  [[nodiscard]] std::string bar(long done, std::size_t length) const {
    constexpr std::size_t least = 5, most = 20, frame = 4;
    if (!options_.terminal || length + frame + least > options_.width) return "";
    const std::size_t places = std::min(most, options_.width - length - frame);
    const auto full = std::size_t(double(places) * double(std::clamp(done, 0L, total_)) / double(total_));
    return "  [" + std::string(full, '=') + std::string(places - full, ' ') + ']';
  }

  void print(std::string line) {
    unsaid_.clear();
    if (!options_.terminal) {
      *out_ << line << '\n' << std::flush;
      return;
    }
    detail::cut_to_characters(line, options_.width);
    const std::size_t length = detail::character_count(line);
    if (length < on_screen_) line.append(on_screen_ - length, ' ');  // wipes the rest of a longer line
    *out_ << '\r' << line << std::flush;
    on_screen_ = length;
  }

  std::ostream* out_;
  std::string what_;
  long total_, before_;
  ProgressOptions options_;
  double start_ = 0, last_ = 0;
  std::size_t on_screen_ = 0;
  std::string unsaid_;  // the last update, where it came too soon after a line
};

}  // namespace pathline
