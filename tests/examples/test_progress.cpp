/// \file
/// Progress: what reaches a log file and a terminal, with a clock that the test moves.
#include <examples/common/progress.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cctype>
#include <sstream>

namespace {

using examples::Progress;

struct Clock {
  double now = 100;  // not zero: the estimate must subtract the start
};

Progress::Options with(Clock& clock, bool terminal) {
  return {.terminal = terminal, .clock = [&clock] { return clock.now; }};
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("Progress writes no control characters when the output is not a terminal", "[examples][progress]") {
  std::ostringstream out;
  Clock clock;
  {
    Progress progress(out, "training", 100, with(clock, false));
    for (long i = 1; i <= 100; ++i) {
      clock.now += 1;
      progress.update(i, "loss 1.5");
    }
    progress.finish("done");
  }
  const std::string text = out.str();
  CHECK(std::none_of(text.begin(), text.end(),
                     [](char c) { return c != '\n' && std::iscntrl(static_cast<unsigned char>(c)) != 0; }));
  CHECK(lines(text) == 21);  // one line every 5 of the 100 seconds, and the closing one
}

TEST_CASE("Progress estimates the time left from the steps done", "[examples][progress]") {
  std::ostringstream out;
  Clock clock;
  Progress progress(out, "training", 80, with(clock, false));
  clock.now += 10;
  progress.update(20, "loss 2");
  CHECK(out.str() == "training  20/80  loss 2  30 s left\n");  // 10 s for 20 steps, 60 to go
}

TEST_CASE("Progress says so when the last step is done, however soon that is", "[examples][progress]") {
  std::ostringstream out;
  Clock clock;
  Progress progress(out, "training", 2, with(clock, false));
  progress.update(1, "a");
  progress.update(2, "b");
  CHECK(out.str() == "training  2/2  b\n");
}

TEST_CASE("Progress rewrites one line on a terminal and wipes what a longer line left", "[examples][progress]") {
  std::ostringstream out;
  Clock clock;
  Progress progress(out, "x", 4, with(clock, true));
  clock.now += 1;
  progress.update(1, "a long note");
  clock.now += 1;
  progress.update(2, "b");
  CHECK(out.str() == std::string("\rx  1/4  a long note  3 s left") + "\rx  2/4  b  2 s left          ");
  progress.finish("end");
  CHECK(lines(out.str()) == 1);
}

TEST_CASE("Progress leaves the cursor on a line of its own when an exception passes", "[examples][progress]") {
  std::ostringstream out;
  Clock clock;
  try {
    Progress progress(out, "x", 4, with(clock, true));
    clock.now += 1;
    progress.update(1, "a");
    throw 1;
  } catch (int) {
  }
  CHECK(out.str().back() == '\n');
}

TEST_CASE("A duration reads as seconds, minutes or hours", "[examples][progress]") {
  CHECK(examples::duration_text(-1) == "0 s");
  CHECK(examples::duration_text(59.4) == "59 s");
  CHECK(examples::duration_text(200) == "3 min 20 s");
  CHECK(examples::duration_text(7500) == "2 h 05 min");
}

TEST_CASE("Numbers of a note have the decimals that were asked for", "[examples][progress]") {
  CHECK(examples::number_text(2.5219) == "2.522");
  CHECK(examples::number_text(-0.26, 1) == "-0.3");
  CHECK(examples::number_text(1e30).size() == 31 + 4);
}
