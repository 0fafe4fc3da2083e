#include <pathline/math/dual.hpp>
#include <pathline/math/reverse_tape.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

using namespace pathline;

namespace {

using First = Dual<double, 2>;
using Second = Dual<Dual<double, 1>, 1>;
using Taped = TapedNumber<double>;

/// A formula of x and y for each type of number.
struct Formula {
  std::string name;
  double (*plain)(double, double);
  First (*first)(First, First);
  Second (*second)(Second, Second);
  Taped (*taped)(Taped, Taped);
};

template <class F>
Formula formula(std::string name, F f) {
  return {std::move(name), f, f, f, f};
}

// Plain numbers take the functions of <cmath>, the others those of dual.hpp, found by their arguments.
std::vector<Formula> formulas() {
  using namespace std;
  return {
      formula("x + y", [](auto x, auto y) { return +x + y + 2 + (3.F + x); }),
      formula("x - y", [](auto x, auto y) { return -x - y - 2 - (3 - x); }),
      formula("x * y", [](auto x, auto y) { return 2 * x * y * 3.F; }),
      formula("x / y", [](auto x, auto y) { return x / y + x / 4 + 5 / y; }),
      formula("compound",
              [](auto x, auto y) {
                auto z = x;
                z += y;
                z *= x;
                z -= 2;
                z /= y;
                z *= 3;
                return z;
              }),
      formula("sin", [](auto x, auto y) { return sin(x * y); }),
      formula("cos", [](auto x, auto y) { return cos(x * y); }),
      formula("tan", [](auto x, auto y) { return tan(x * y); }),
      formula("asin", [](auto x, auto y) { return asin(x * y / 2); }),
      formula("acos", [](auto x, auto y) { return acos(x * y / 2); }),
      formula("atan", [](auto x, auto y) { return atan(x * y); }),
      formula("atan2", [](auto x, auto y) { return atan2(x, y) + atan2(-y, x); }),
      formula("sinh", [](auto x, auto y) { return sinh(x * y); }),
      formula("cosh", [](auto x, auto y) { return cosh(x * y); }),
      formula("tanh", [](auto x, auto y) { return tanh(x * y); }),
      formula("exp", [](auto x, auto y) { return exp(x * y); }),
      formula("expm1", [](auto x, auto y) { return expm1(x * y); }),
      formula("log", [](auto x, auto y) { return log(x * y); }),
      formula("log1p", [](auto x, auto y) { return log1p(x * y); }),
      formula("sqrt", [](auto x, auto y) { return sqrt(x * y); }),
      formula("cbrt", [](auto x, auto y) { return cbrt(x * y); }),
      formula("erf", [](auto x, auto y) { return erf(x * y); }),
      formula("abs", [](auto x, auto y) { return abs(x - 2 * y) * x + fabs(x * y); }),
      formula("hypot", [](auto x, auto y) { return hypot(x, y * y); }),
      formula("pow", [](auto x, auto y) { return pow(x, y) + pow(x, 2.5) * pow(y, 3) + pow(1.5, x) + pow(x, 0); }),
      formula("max", [](auto x, auto y) { return max(x, y) * x + max(y, 0.1) + max(5., x * y); }),
      formula("min", [](auto x, auto y) { return min(x, y) * x + min(y, 0.1) + min(5., x * y); }),
  };
}

}  // namespace

TEST_CASE("Numbers with derivatives agree with differences, in first and second derivatives", "[math][dual]") {
  constexpr double x = 0.7, y = 1.3, h = 1e-5;
  for (const Formula& f : formulas()) {
    CAPTURE(f.name);
    const double value = f.plain(x, y), by_x = (f.plain(x + h, y) - f.plain(x - h, y)) / (2 * h),
                 by_y = (f.plain(x, y + h) - f.plain(x, y - h)) / (2 * h);
    First u(x), v(y);
    u.slope[0] = 1;
    v.slope[1] = 1;
    const First first = f.first(u, v);
    CHECK(first.value == Approx(value).epsilon(1e-14));
    CHECK(first.slope[0] == Approx(by_x).margin(1e-8));
    CHECK(first.slope[1] == Approx(by_y).margin(1e-8));

    // The slope along (1, 2), and the slope of that along x.
    const auto along = [&](double at) {
      First a(at), b(y);
      a.slope[0] = 1;
      b.slope[0] = 2;
      return f.first(a, b).slope[0];
    };
    Second a(x), b(y);
    a.value.slope[0] = 1;
    b.value.slope[0] = 2;
    a.slope[0] = Dual<double, 1>(1);
    const Second second = f.second(a, b);
    CHECK(second.value.slope[0] == Approx(along(x)).margin(1e-13));
    CHECK(second.slope[0].value == Approx(first.slope[0]).margin(1e-13));
    CHECK(second.slope[0].slope[0] == Approx((along(x + h) - along(x - h)) / (2 * h)).margin(1e-8));

    ReverseTape<double> tape;
    const Taped taped_x(x, tape), taped_y(y, tape);
    const Taped taped = f.taped(taped_x, taped_y);
    tape.start();
    tape.bar(taped.place) = 1;
    tape.sweep();
    CHECK(taped.value == first.value);
    CHECK(tape.bar(taped_x.place) == Approx(first.slope[0]).margin(1e-13));
    CHECK(tape.bar(taped_y.place) == Approx(first.slope[1]).margin(1e-13));
  }
}

TEST_CASE("Numbers with derivatives are compared by their values", "[math][dual]") {
  First a(1), b(2);
  a.slope[0] = 5;
  CHECK((a < b && b > a && a <= b && a != b && a == First(1)));
  CHECK((a < 2 && a >= 1.F && a == 1 && 2 > a));
  CHECK(max(Second(1), Second(3)) == 3);
}

TEST_CASE("Powers have derivatives at 0 where there are some", "[math][dual]") {
  Dual<double, 1> x(0);
  x.slope[0] = 1;
  CHECK(pow(x, 1).slope[0] == 1);
  CHECK(pow(x, 2).slope[0] == 0);
  CHECK(pow(x, 0).slope[0] == 0);
  CHECK(pow(x, Dual<double, 1>(2)).slope[0] == 0);
  CHECK(abs(x).slope[0] == 0);
  CHECK(pow(0., x).slope[0] == 0);
  CHECK(hypot(x, Dual<double, 1>(0)).slope[0] == 0);
  CHECK(hypot(Dual<double, 1>(1e200), Dual<double, 1>(1e200)).value == std::hypot(1e200, 1e200));
  Dual<double, 1> negative(-2);
  negative.slope[0] = 1;
  CHECK(pow(negative, Dual<double, 1>(2)).slope[0] == -4);
  Second second(0);
  second.value.slope[0] = 1;
  second.slope[0] = Dual<double, 1>(1);
  CHECK(pow(second, Second(1)).slope[0].slope[0] == 0);
  CHECK(pow(second, Second(2)).slope[0].slope[0] == 2);
}

TEST_CASE("An infinite slope leaves derivatives by other numbers alone", "[math][dual]") {
  First p(3), y(0);
  p.slope[0] = 1;
  y.slope[1] = 1;
  const First flow = -p * sqrt(y);
  CHECK(flow.slope[0] == 0);
  CHECK(std::isinf(flow.slope[1]));
}

namespace {

/// Every operation that has its own derivative by two numbers, and one with an infinite slope at x = 0.
template <class X>
X of_two(const X& x, const X& y) {
  return sqrt(x) * y - y / (x + 2) + x * (3 - y) * sin(y);
}

/// Derivative c of N at a time against the only one of a number with that derivative alone.
template <class S, int N>
void check_derivatives_together(S at_x) {
  CAPTURE(N, at_x);
  Dual<S, N> x(at_x), y(S(1.3));
  for (std::size_t c = 0; c < std::size_t(N); ++c) {
    x.slope[c] = c % 3 == 1 ? S(0) : S(0.5) + S(c);  // zeros: what does not depend on x
    y.slope[c] = S(1) - S(c) / 4;
  }
  const Dual<S, N> together = of_two(x, y);
  for (std::size_t c = 0; c < std::size_t(N); ++c) {
    CAPTURE(c);
    Dual<S, 1> x_alone(at_x), y_alone(S(1.3));
    x_alone.slope[0] = x.slope[c];
    y_alone.slope[0] = y.slope[c];
    const Dual<S, 1> alone = of_two(x_alone, y_alone);
    CHECK(together.value == alone.value);
    if (std::isinf(alone.slope[0]))
      CHECK(together.slope[c] == alone.slope[0]);
    else  // a compiler may round a product and a sum together in one and apart in the other: a few ulps of terms <= 20
      CHECK(std::abs(together.slope[c] - alone.slope[0]) <= 100 * std::numeric_limits<S>::epsilon());
  }
}

template <class S>
void check_any_number_of_derivatives() {
  for (const S x : {S(0), S(0.7)}) {  // at 0 the slope of the root is infinite
    check_derivatives_together<S, 1>(x);
    check_derivatives_together<S, 2>(x);
    check_derivatives_together<S, 3>(x);
    check_derivatives_together<S, 4>(x);
    check_derivatives_together<S, 8>(x);
    check_derivatives_together<S, 9>(x);
    check_derivatives_together<S, 16>(x);
  }
}

}  // namespace

TEST_CASE("Derivatives carried together are those carried one by one", "[math][dual]") {
  check_any_number_of_derivatives<double>();
  check_any_number_of_derivatives<float>();
}

TEST_CASE("Numbers with derivatives are copied and kept in vectors", "[math][dual]") {
  std::vector<Dual<double, 8>> numbers;
  for (int i = 0; i < 20; ++i) {
    numbers.emplace_back(i);
    numbers.back().slope[7] = i + 0.5;
  }
  const auto copy = numbers;
  numbers[3] = numbers[4];
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(copy[i].value == double(i));
    CHECK(copy[i].slope[0] == 0);
    CHECK(copy[i].slope[7] == double(i) + 0.5);
  }
  CHECK(numbers[3].slope == copy[4].slope);
}
