// What reaches a log file and a terminal, with a clock that the test moves.
#include <pathline/train/print_progress.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/train/progress_line.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>

using namespace pathline;

namespace {

double now = 0;

/// The clock at 100 s: not zero, so that the estimate must subtract the start.
ProgressOptions with_clock(bool terminal) {
  now = 100;
  return {.terminal = terminal, .clock = [] { return now; }};
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("A progress line writes no control characters when the output is not a terminal", "[train][progress]") {
  std::ostringstream out;
  {
    ProgressLine progress(out, "training", 100, with_clock(false));
    for (long i = 1; i <= 100; ++i) {
      now += 1;
      progress.update(i, "loss 1.5");
    }
    progress.finish("done");
  }
  const std::string text = out.str();
  CHECK(std::none_of(text.begin(), text.end(),
                     [](char c) { return c != '\n' && std::iscntrl(static_cast<unsigned char>(c)) != 0; }));
  CHECK(lines(text) == 21);  // one line every 5 of the 100 seconds, and the closing one
}

TEST_CASE("A progress line estimates the time left from the steps done", "[train][progress]") {
  std::ostringstream out;
  ProgressLine progress(out, "training", 80, with_clock(false));
  now += 10;
  progress.update(20, "loss 2");
  CHECK(out.str() == "training  20/80  loss 2  30 s left\n");  // 10 s for 20 steps, 60 to go
}

TEST_CASE("A progress line says so when the last step is done, however soon that is", "[train][progress]") {
  std::ostringstream out;
  ProgressLine progress(out, "training", 2, with_clock(false));
  progress.update(1, "a");
  progress.update(2, "b");
  CHECK(out.str() == "training  2/2  b\n");
}

TEST_CASE("A progress line says how far a loop came that ends early", "[train][progress]") {
  std::ostringstream out;
  {
    ProgressLine progress(out, "training", 100, with_clock(false));
    progress.update(1, "a");
    progress.update(2, "b");
    CHECK(out.str().empty());
  }
  CHECK(out.str() == "training    2/100  b\n");
}

TEST_CASE("A progress line rewrites one line on a terminal and wipes what a longer line left", "[train][progress]") {
  std::ostringstream out;
  ProgressLine progress(out, "x", 4, with_clock(true));
  now += 1;
  progress.update(1, "a long note");
  now += 1;
  progress.update(2, "b");
  CHECK(out.str() ==
        "\rx  [=====               ]  1/4  a long note  3 s left"
        "\rx  [==========          ]  2/4  b  2 s left          ");
  progress.finish("end");
  CHECK(lines(out.str()) == 1);
}

TEST_CASE("The bar of a progress line has the room that the numbers leave", "[train][progress]") {
  const auto line = [](std::size_t width, long done) {
    std::ostringstream out;
    ProgressOptions options = with_clock(true);
    options.width = width;
    {
      ProgressLine progress(out, "x", 8, options);
      now += 1;
      progress.update(done, "note");
    }
    return out.str();
  };
  // "x  8/8  note" has 12 characters, the frame of the bar 4.
  CHECK(line(12 + 4 + 7, 8) == "\rx  [=======]  8/8  note\n");
  CHECK(line(12 + 4 + 5, 8) == "\rx  [=====]  8/8  note\n");
  CHECK(line(12 + 4 + 4, 8) == "\rx  8/8  note\n");
  CHECK(line(79, 0) == "\rx  [                    ]  0/8  note  8 s left\n");
  CHECK(line(79, 7) == "\rx  [=================   ]  7/8  note  0 s left\n");
  CHECK(line(4, 8) == "\rx  8\n");
  CHECK_FALSE(progress_options_of(std::ostringstream()).terminal);
}

TEST_CASE("A progress line counts and cuts characters of UTF-8, not their bytes", "[train][progress]") {
  const auto line = [](std::size_t width) {
    std::ostringstream out;
    ProgressOptions options = with_clock(true);
    options.width = width;
    ProgressLine progress(out, "Läufe∇", 8, options);
    now += 1;
    progress.update(8, "Δ");
    progress.update(8, "θθ");
    return out.str();
  };
  // "Läufe∇  8/8  Δ" has 14 characters and 18 bytes.
  CHECK(line(15 + 4 + 5) == "\rLäufe∇  [======]  8/8  Δ\rLäufe∇  [=====]  8/8  θθ");
  CHECK(line(14) == "\rLäufe∇  8/8  Δ\rLäufe∇  8/8  θ");
  CHECK(line(6) == "\rLäufe∇\rLäufe∇");
  CHECK(line(5) == "\rLäufe\rLäufe");
  CHECK(line(2) == "\rLä\rLä");
  CHECK(line(0) == "\r\r");
}

TEST_CASE("A progress line wipes what a longer line left by characters", "[train][progress]") {
  std::ostringstream out;
  ProgressOptions options = with_clock(true);
  options.width = 14;
  ProgressLine progress(out, "x", 8, options);
  progress.update(8, "θθθ");
  progress.update(8, "θ");
  CHECK(out.str() == "\rx  8/8  θθθ\rx  8/8  θ  ");
}

TEST_CASE("A progress line leaves the cursor on a line of its own when an exception passes", "[train][progress]") {
  std::ostringstream out;
  try {
    ProgressLine progress(out, "x", 4, with_clock(true));
    now += 1;
    progress.update(1, "a");
    throw 1;
  } catch (int) {
  }
  CHECK(out.str().back() == '\n');
}

TEST_CASE("A duration reads as seconds, minutes or hours", "[train][progress]") {
  CHECK(duration_text(-1) == "0 s");
  CHECK(duration_text(59.4) == "59 s");
  CHECK(duration_text(200) == "3 min 20 s");
  CHECK(duration_text(7500) == "2 h 05 min");
}

TEST_CASE("A progress line of a run that goes on judges the time left by its own steps", "[train][progress]") {
  std::ostringstream out;
  ProgressLine progress(out, "x", 80, with_clock(false), 40);
  now += 10;
  progress.update(60, "a");
  CHECK(out.str() == "x  60/80  a  10 s left\n");  // 20 steps in 10 s, and 20 to go
}

TEST_CASE("Only the standard streams can be terminals", "[train][progress]") {
  const std::ostringstream out;
  CHECK_FALSE(is_terminal(out));
}

TEST_CASE("PrintProgress prints losses, evaluations and the time left, and remembers the last validation",
          "[train][progress]") {
  std::ostringstream out;
  const PrintProgress print{.out = &out, .what = "fit", .options = with_clock(false)};
  {
    auto run = print.start({.epochs = 4, .done = 0, .total = 4});
    EpochReport epoch;
    epoch.epochs = 4;
    const auto report = [&](Index number, double loss) {
      now += 10;
      epoch.epoch = number;
      epoch.train_loss = loss;
      run(epoch);
    };
    report(1, 2.5);
    epoch.validation_loss = -0.25;
    epoch.evaluations = 38;
    report(2, 1.25);
    epoch.validation_loss = std::numeric_limits<double>::quiet_NaN();
    report(3, 1.234e-5);  // of a mean square
    report(4, 1e300);     // too long for a buffer of the usual length
  }
  const std::string text = out.str();
  CHECK(text == std::string("fit  1/4  loss 2.500  30 s left\n"
                            "fit  2/4  loss 1.250  validation -0.250  38 evaluations  20 s left\n"
                            "fit  3/4  loss 1.234e-05  validation -0.250  38 evaluations  10 s left\n"
                            "fit  4/4  loss 1.000e+300  validation -0.250  38 evaluations\n"));
  CHECK(lines(text) == 4);
}

TEST_CASE("PrintProgress refuses what it cannot print to", "[train][progress][errors]") {
  CHECK_NOTHROW(PrintProgress{}.check());
  CHECK_THROWS_WITH(PrintProgress{.out = nullptr}.check(),
                    "PrintProgress: out is null, expected a stream; to print nothing, leave PrintProgress away");
  CHECK_THROWS_AS(PrintProgress{.what = nullptr}.check(), ArgumentError);
}
