#include <pathline/math/reverse_tape.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

using namespace pathline;

TEST_CASE("ReverseTape: constants are on no tape, and a number used twice collects both", "[math][reverse-tape]") {
  ReverseTape<double> tape;
  const TapedNumber<double> x(3, tape), constant(5);
  const TapedNumber<double> square = x * x, line = constant * x, alone = constant * constant;
  CHECK(alone.tape == nullptr);
  CHECK(alone.value == 25);
  const TapedNumber<double> sum = square + line + alone;
  tape.start();
  tape.bar(sum.place) = 2;
  tape.sweep();
  CHECK(sum.value == 9 + 15 + 25);
  CHECK(tape.bar(x.place) == 2 * (6 + 5));
}

TEST_CASE("ReverseTape allocates nothing after the first evaluation of a kind", "[math][reverse-tape]") {
  ReverseTape<Dual<double, 1>> tape;
  const auto gradient = [&] {
    tape.clear();
    const TapedNumber<Dual<double, 1>> x(Dual<double, 1>(3), tape);
    const auto y = sin(x) * exp(x) / (x + 1);
    tape.start();
    tape.bar(y.place) = Dual<double, 1>(1);
    tape.sweep();
    return tape.bar(x.place).value;
  };
  const double once = gradient();
  const AllocationCounter counter;
  CHECK(gradient() == once);
  CHECK(counter.count() == 0);
}

TEST_CASE("ReverseTape: rewound to its variables it takes another formula", "[math][reverse-tape]") {
  ReverseTape<double> tape;
  TapedNumber<double> x(3, tape), y(2, tape);
  const std::size_t variables = tape.mark();
  CHECK(y.place == x.place + 1);
  const auto by = [&](const TapedNumber<double>& result) {
    tape.start();
    tape.bar(result.place) = 1;
    tape.sweep();
    return std::pair(tape.bar(x.place), tape.bar(y.place));
  };
  CHECK(by(x * y * y) == std::pair(4., 12.));
  tape.rewind(variables);
  CHECK(tape.mark() == variables);
  x.value = 5;
  CHECK(by(x * x) == std::pair(10., 0.));
  tape.rewind(variables);
  CHECK(by(y) == std::pair(0., 1.));  // no operation at all
}

TEST_CASE("ReverseTape: an infinite derivative is that of its variable alone", "[math][reverse-tape]") {
  ReverseTape<double> tape;
  const TapedNumber<double> before(1, tape), x(0, tape), after(2, tape);
  const TapedNumber<double> root = sqrt(x), result = -root + before * after;
  const TapedNumber<double> late(4, tape);  // a variable behind operations
  const TapedNumber<double> sum = result + late;
  tape.start();
  tape.bar(sum.place) = 1;
  tape.sweep();
  CHECK(tape.bar(x.place) == -std::numeric_limits<double>::infinity());
  CHECK(tape.bar(before.place) == 2);
  CHECK(tape.bar(after.place) == 1);
  CHECK(tape.bar(late.place) == 1);
  CHECK(tape.bar(root.place) == -1);
}
