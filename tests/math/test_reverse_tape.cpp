#include <pathline/math/reverse_tape.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

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
