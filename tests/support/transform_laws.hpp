/// \file
/// The law of data transforms: what apply, its log-determinant and invert owe to each other and to their caller,
/// whatever the transform. A new one is held to it by one line,
/// `check_transform_laws(MyTransform<double>(…), MyTransform<float>(…), X);` with raw data X of order 1.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/transform/transform.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace pathline::test {

/// A transform behind functions, so that the law is compiled once a file and not once a transform.
template <Real Scalar>
struct AnyTransform {
  template <DataTransform<Scalar> T>
  AnyTransform(T transform) {  // NOLINT(google-explicit-constructor): a test hands any transform to the law
    by_component = detail::maps_by_component<T>;
    const auto self = std::make_shared<const T>(std::move(transform));
    check = [self](Index d) { self->check(d); };
    apply = [self](ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) { self->apply(X, Z, log_det); };
    invert = [self](ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) { self->invert(Z, X); };
    if constexpr (TransformWithPullback<T, Scalar>)
      pullback = [self](ConstBatchRef<Scalar> X, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) {
        self->pullback(X, Z_bar, X_bar);
      };
  }

  struct Applied {
    Batch<Scalar> Z;
    Row<Scalar> log_det;
  };
  [[nodiscard]] Applied applied(const Batch<Scalar>& X) const {
    constexpr Scalar not_a_number = std::numeric_limits<Scalar>::quiet_NaN();
    Applied result{Batch<Scalar>::Constant(X.rows(), X.cols(), not_a_number),
                   Row<Scalar>::Constant(X.cols(), not_a_number)};
    apply(X, result.Z, result.log_det);
    return result;
  }
  [[nodiscard]] Batch<Scalar> inverted(const Batch<Scalar>& Z) const {
    Batch<Scalar> X = Batch<Scalar>::Constant(Z.rows(), Z.cols(), std::numeric_limits<Scalar>::quiet_NaN());
    invert(Z, X);
    return X;
  }

  bool by_component = false;
  std::function<void(Index)> check;
  std::function<void(ConstBatchRef<Scalar>, BatchRef<Scalar>, RowRef<Scalar>)> apply;
  std::function<void(ConstBatchRef<Scalar>, BatchRef<Scalar>)> invert;
  std::function<void(ConstBatchRef<Scalar>, ConstBatchRef<Scalar>, BatchRef<Scalar>)> pullback;  ///< If it has one.
};

/// Largest difference relative to the larger of 1 and the expected.
template <class A, class B>
[[nodiscard]] double mixed_difference(const A& got, const B& expected) {
  const Batch<double> a = got.template cast<double>(), b = expected.template cast<double>();
  return ((a - b).array() / b.array().abs().max(1)).abs().maxCoeff();
}

/// log |det A|, by elimination with row pivots: a few lines instead of the compile time of Eigen's LU in every file.
[[nodiscard]] inline double log_abs_det(const Batch<double>& matrix) {
  Batch<double> A = matrix;
  double sum = 0;
  for (Index k = 0; k < A.rows(); ++k) {
    Index pivot = k;
    for (Index i = k + 1; i < A.rows(); ++i)
      if (std::abs(A(i, k)) > std::abs(A(pivot, k))) pivot = i;
    A.row(k).swap(A.row(pivot));
    for (Index i = k + 1; i < A.rows(); ++i) A.row(i) -= Row<double>(A(i, k) / A(k, k) * A.row(k));
    sum += std::log(std::abs(A(k, k)));
  }
  return sum;
}

/// The log-determinant is that of the Jacobian, by central differences. With h = 1e-6 they are good to 1e-9 relative to
/// each entry's column; in three dimensions the logarithm of the determinant loses a digit. A transform that says that
/// it maps by component has no other entries.
inline void check_log_det(const AnyTransform<double>& transform, const Batch<double>& X) {
  const Row<double> log_det = transform.applied(X).log_det;
  for (Index j = 0; j < X.cols(); ++j) {
    Batch<double> jacobian(X.rows(), X.rows());
    for (Index i = 0; i < X.rows(); ++i)
      jacobian.row(i) =
          central_differences([&](const Vector<double>& x) { return transform.applied(x).Z(i, 0); }, X.col(j));
    CHECK(log_det(j) == Approx(log_abs_det(jacobian)).margin(2e-8));
    if (transform.by_component) CHECK(jacobian == Batch<double>(jacobian.diagonal().asDiagonal()));
  }
}

/// The pullback is the gradient of ⟨Z_bar, Z⟩ + log_det, by central differences, in one sample and among others.
inline void check_transform_pullback(const AnyTransform<double>& transform, const Batch<double>& X) {
  Batch<double> Z_bar(X.rows(), X.cols()), X_bar(X.rows() + 1, X.cols()), one(X.rows(), 1);
  fill<Gaussian>(Draw{5, 5}, 0, Z_bar);
  transform.pullback(X, Z_bar, X_bar.topRows(X.rows()));
  for (Index j = 0; j < X.cols(); ++j) {
    const auto value = [&](const Vector<double>& x) {
      const auto at = transform.applied(x);
      return at.Z.col(0).dot(Z_bar.col(j)) + at.log_det(0);
    };
    CHECK(mixed_difference(X_bar.col(j).head(X.rows()), central_differences(value, X.col(j))) < 2e-8);
    transform.pullback(X.col(j), Z_bar.col(j), one);
    CHECK(mixed_difference(one, X_bar.col(j).head(X.rows())) < 1e-14);
  }
}

/// Columns do not know each other, one matrix may be both input and output, blocks of larger batches do as well, and
/// nothing is allocated.
inline void check_batches(const AnyTransform<double>& transform, const Batch<double>& X) {
  constexpr double marker = 1234;
  const Index d = X.rows(), n = X.cols();
  const auto [Z, log_det] = transform.applied(X);
  const auto [one, one_log_det] = transform.applied(X.col(n / 2));
  CHECK(mixed_difference(one, Z.col(n / 2)) < 1e-14);
  CHECK(one_log_det(0) == Approx(log_det(n / 2)).epsilon(1e-14));

  Batch<double> states = Batch<double>::Constant(d + 2, n, marker), in_place = X;
  Row<double> in_place_log_det(n);
  Batch<double> back(d, n);
  AllocationCounter counter;
  transform.apply(X, states.topRows(d), states.row(d));
  transform.apply(in_place, in_place, in_place_log_det);
  transform.invert(states.topRows(d), back);
  transform.invert(in_place, in_place);
  CHECK(counter.count() == 0);
  CHECK(states.row(d + 1) == Row<double>::Constant(n, marker));
  CHECK(mixed_difference(states.topRows(d), Z) < 1e-14);
  CHECK(mixed_difference(states.row(d), log_det) < 1e-14);
  CHECK(mixed_difference(in_place_log_det, log_det) < 1e-14);
  CHECK(mixed_difference(back, X) < 1e-12);
  CHECK(mixed_difference(in_place, X) < 1e-12);
}

inline void check_transform_laws(const AnyTransform<double>& transform, const AnyTransform<float>& single,
                                 const Batch<double>& X, bool of_any_dimension = false) {
  REQUIRE(X.cols() > 2);
  check_log_det(transform, X.leftCols(3));
  if (transform.pullback) check_transform_pullback(transform, X.leftCols(3));
  check_batches(transform, X);
  // float is double, rounded: a few hundred units of 6e-8 where derivatives are of order 1.
  const Batch<float> X_single = X.cast<float>();
  const auto expected = transform.applied(X_single.cast<double>());
  const auto got = single.applied(X_single);
  CHECK(mixed_difference(got.Z, expected.Z) < 3e-5);
  CHECK(mixed_difference(got.log_det, expected.log_det) < 3e-5);
  CHECK(mixed_difference(single.inverted(got.Z), X_single) < 3e-5);

  CHECK_NOTHROW(transform.check(X.rows()));
  if (!of_any_dimension) CHECK_THROWS_AS(transform.check(X.rows() + 1), ShapeError);
}

/// What comes back from far out is in the domain still.
template <Real Scalar>
void check_far_points(const AnyTransform<Scalar>& transform, Index d) {
  for (const Scalar z : {Scalar(-1e3), Scalar(-100), Scalar(-20), Scalar(20), Scalar(80)}) {
    const Batch<Scalar> X = transform.inverted(Batch<Scalar>::Constant(d, 1, z));
    INFO("z = " << z << ", x = " << X.transpose());
    REQUIRE(X.allFinite());
    REQUIRE_NOTHROW(transform.applied(X));
    CHECK(transform.applied(X).Z.allFinite());
    CHECK(transform.applied(X).log_det.allFinite());
  }
}

}  // namespace pathline::test
