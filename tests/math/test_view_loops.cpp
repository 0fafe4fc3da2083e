#include <pathline/math/view_loops.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

using namespace pathline;

namespace {

/// A wave of numbers between -1 and 1; `padded` makes it a block of a taller matrix: its columns are not one run.
template <Real Scalar>
class Wave {
 public:
  Wave(Index rows, Index columns, bool padded, double phase)
      : all_(padded ? rows + 3 : rows, columns), rows_(rows), first_(padded ? 1 : 0) {
    for (Index i = 0; i < all_.size(); ++i) all_(i) = Scalar(std::sin(1.7 * double(i) + phase));
  }
  [[nodiscard]] auto block() { return all_.middleRows(first_, rows_); }
  /// All of it, the padding too.
  [[nodiscard]] const Batch<Scalar>& all() const { return all_; }

 private:
  Batch<Scalar> all_;
  Index rows_, first_;
};

/// Whether a loop's result of `rows` × `columns` has the bits of Eigen's, padding included.
template <class Scalar, class Loop, class Expression>
bool same_bits(Index rows, Index columns, bool padded, Loop&& loop, Expression&& expression) {
  Wave<Scalar> X(rows, columns, padded, 0.1), Y(rows, columns, padded, 0.7), expected(rows, columns, padded, 0.7);
  loop(X.block(), Y.block());
  expression(X.block(), expected.block());
  return Y.all() == expected.all();
}

}  // namespace

TEMPLATE_TEST_CASE("Loops over entries have the bits of Eigen's expressions and write nothing else", "[math]", float,
                   double) {
  using Scalar = TestType;
  const auto a = Scalar(0.3);
  for (const Index rows : {0, 1, 2, 3, 7, 8, 19})
    for (const Index columns : {0, 1, 5})
      for (const bool padded : {false, true}) {
        INFO(rows << " x " << columns << (padded ? ", padded" : ""));
        const auto agrees = [&](auto&& loop, auto&& expression) {
          return same_bits<Scalar>(rows, columns, padded, loop, expression);
        };
        CHECK(agrees([&](auto, auto Y) { detail::fill<Scalar>(Y, a); }, [&](auto, auto Y) { Y.setConstant(a); }));
        CHECK(agrees([&](auto X, auto Y) { detail::copy<Scalar>(X, Y); }, [&](auto X, auto Y) { Y = X; }));
        CHECK(agrees([&](auto, auto Y) { detail::scale<Scalar>(a, Y); }, [&](auto, auto Y) { Y *= a; }));
        CHECK(agrees([&](auto X, auto Y) { detail::set_scaled<Scalar>(a, X, Y); }, [&](auto X, auto Y) { Y = a * X; }));
        CHECK(agrees([&](auto X, auto Y) { detail::add<Scalar>(X, Y); }, [&](auto X, auto Y) { Y += X; }));
        CHECK(agrees([&](auto X, auto Y) { detail::axpy<Scalar>(a, X, Y); }, [&](auto X, auto Y) { Y += a * X; }));
        CHECK(agrees(
            [&](auto X, auto Y) {
              detail::update<Scalar>(
                  Y, [=](auto y, auto x) { return y - a * (x * x); }, X);
            },
            [&](auto X, auto Y) { Y.array() -= a * X.array().square(); }));
        if (columns == 0) continue;
        CHECK(agrees([&](auto X, auto Y) { detail::set_columns<Scalar>(X.col(0), Y); },
                     [&](auto X, auto Y) { Y.colwise() = X.col(0); }));
        CHECK(agrees([&](auto X, auto Y) { detail::add_to_columns<Scalar>(X.col(0), Y); },
                     [&](auto X, auto Y) { Y.colwise() += X.col(0); }));
      }
}

TEMPLATE_TEST_CASE("Row sums have the bits of Eigen's", "[math]", float, double) {
  using Scalar = TestType;
  for (const Index rows : {1, 2, 8, 19, 64})
    for (const Index columns : {0, 1, 2, 4, 5, 6, 9, 30})
      for (const bool padded : {false, true}) {
        INFO(rows << " x " << columns << (padded ? ", padded" : ""));
        Wave<Scalar> X(rows, columns, padded, 0.1);
        Vector<Scalar> sums(rows);
        detail::row_sums<Scalar>(X.block(), sums);
        const Vector<Scalar> expected = X.block().rowwise().sum();
        CHECK(sums == expected);
      }
}

TEMPLATE_TEST_CASE("Sums of runs and of logarithms have the bits of Eigen's", "[math]", float, double) {
  int different = 0;
  for (Index n = 0; n <= 40; ++n) {
    Vector<TestType> x(n);
    for (Index i = 0; i < n; ++i) x(i) = TestType(1.5 + std::sin(1.7 * double(i)));
    const Vector<TestType> y = x.reverse();
    different += detail::dot<TestType>(x.data(), x.data(), n) != x.squaredNorm();
    different += detail::dot<TestType>(x.data(), y.data(), n) != x.cwiseProduct(y).sum();
    different += detail::sum_of_logs<TestType>(x.data(), n) != x.array().log().sum();
  }
  CHECK(different == 0);
}

TEST_CASE("Numbers are converted to the other scalar by rounding", "[math]") {
  Wave<double> X(5, 3, true, 0.1);
  Wave<float> Y(5, 3, true, 0.7);
  detail::convert<double, float>(X.block(), Y.block());
  CHECK(Y.block() == X.block().cast<float>());
}

TEST_CASE("What is not finite is found wherever it stands", "[math]") {
  for (const double wrong : {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()})
    for (Index i = 0; i < 7; ++i)
      for (Index j = 0; j < 3; ++j) {
        Wave<double> X(7, 3, true, 0.1);
        CHECK(detail::all_finite<double>(X.block()));
        X.block()(i, j) = wrong;
        CHECK(!detail::all_finite<double>(X.block()));
      }
  CHECK(detail::all_finite<double>(Batch<double>(0, 3)));
  Vector<float> run = Vector<float>::Ones(4 * 16 + 16 + 5);  // four packs at a time, packs, single entries
  CHECK(detail::all_finite<float>(run));
  for (Index i = 0; i < run.size(); ++i) {
    run(i) = std::numeric_limits<float>::infinity();
    CHECK(!detail::all_finite<float>(run));
    run(i) = 1;
  }
}

TEST_CASE("Loops over blocks allocate nothing", "[math][allocations]") {
  Wave<float> X(7, 3, true, 0.1), Y(7, 3, true, 0.2);
  Vector<float> sums(7);
  const AllocationCounter allocations;
  detail::axpy<float>(2, X.block(), Y.block());
  detail::row_sums<float>(X.block(), sums);
  CHECK(allocations.count() == 0);
}
