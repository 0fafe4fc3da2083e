/// \file
/// Data transforms: maps of raw data to the coordinates in which a flow works, with their log-determinants, so that
/// every likelihood is of the raw data.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/statistics/component_spread.hpp>
#include <pathline/flow/statistics/require_parameter.hpp>
#include <pathline/math/view_loops.hpp>

#include <concepts>
#include <string>
#include <utility>

namespace pathline {

/// - `check(d)`: throws ShapeError unless the transform fits d rows.
/// - `apply(X, Z, log_det)`: raw X (d × n) to Z; overwrites log_det (1 × n) with log |det ∂Z/∂X|. Throws DomainError
///   at a number that it does not map.
/// - `invert(Z, X)`: back, to numbers that `apply` maps, whatever Z.
/// - `pullback(X, Z_bar, X_bar)`, which only `Cnf::score` and `VariationalInference` need: raw X (d × n) and a
///   cotangent Z_bar (d × n) of Z; overwrites X_bar (d × n), which overlaps neither, with
///   (∂Z/∂X)ᵀ Z_bar + ∂log_det/∂X.
/// - `static constexpr bool by_component = true`, if each coordinate is a function of its own component alone:
///   variational inference then solves no linear system for each sample.
///
/// `apply` and `invert` map each column by itself and may be given one matrix as both X and Z, so that transforms can
/// be chained in place. They run in every training iteration, in several threads at once: they allocate nothing.
template <class T, class Scalar = double>
concept DataTransform = requires(const T transform, Batch<Scalar>& X, Batch<Scalar>& Z, RowRef<Scalar> log_det,
                                 Index d) {
  transform.check(d);
  transform.apply(X, Z, log_det);
  transform.apply(X.topRows(d), Z.topRows(d), log_det);  // blocks of a state, as flows have them
  transform.invert(Z, X);
  transform.invert(Z.topRows(d), X);
};

template <class T, class Scalar = double>
concept TransformWithPullback = DataTransform<T, Scalar> &&
    requires(const T transform, const Batch<Scalar>& X, Batch<Scalar>& X_bar, Index n) {
  transform.pullback(X, X, X_bar);
  transform.pullback(X, X, X_bar.middleCols(n, n));
};

/// A number outside of a transform's domain: `Log: data is -1 at component 0 of sample 3, expected above 0`.
struct DomainError : DataError {
  DomainError(const std::string& where, double number, Index its_component, Index its_sample,
              const std::string& what_is_expected)
      : DataError(detail::message({where, ": data is ", number, " at component ", its_component, " of sample ",
                                   its_sample, ", expected ", what_is_expected})),
        transform(where),
        expected(what_is_expected),
        value(number),
        component(its_component),
        sample(its_sample) {}
  /// The same for a batch of which the one at hand was the columns from `first` on.
  [[nodiscard]] DomainError counted_from(Index first) const {
    return {transform, value, component, first + sample, expected};
  }

  std::string transform, expected;
  double value;
  Index component, sample;
};

namespace detail {

/// Whether a transform says that ∂Z/∂X is diagonal.
template <class T>
inline constexpr bool maps_by_component = requires {
  requires T::by_component;
};

/// Throws ShapeError unless what was made for `rows` components, from data of `samples` columns (0: not from data), is
/// for a field of d rows. Data that look as if they had a row per sample are to blame before the field is.
inline void require_field_rows(const char* what, Index d, Index rows, Index samples) {
  if (rows != d && samples > 0 && (samples == d || rows > samples))
    require_batch_rows(message({what, ": the data that it was made from"}).c_str(), rows, samples, d);
  if (d != rows) require_rows(message({what, ": field"}).c_str(), d, rows);
}

}  // namespace detail

/// Raw X (d × n) in the coordinates of a transform: what the next transform of a chain is made from.
/// \throws ShapeError when the transform is of another number of rows; DomainError at a number that it does not map.
template <class T, class Derived>
[[nodiscard]] Batch<typename Derived::Scalar> transformed(const T& transform, const Eigen::MatrixBase<Derived>& X) {
  using Scalar = typename Derived::Scalar;
  static_assert(DataTransform<T, Scalar>,
                "transformed: a data transform needs check, apply and invert for this scalar");
  transform.check(X.rows());
  Batch<Scalar> raw = X, Z(X.rows(), X.cols());
  Row<Scalar> log_det(X.cols());
  transform.apply(raw, Z, log_det);
  return Z;
}

/// The default: raw data are the flow's coordinates.
struct NoTransform {
  void check(Index /*d*/) const {}
  template <class X, class Z, class Row>
  void apply(const X& raw, Z&& z, Row&& log_det) const {
    using Scalar = typename X::Scalar;
    detail::copy<Scalar>(raw, z);
    detail::fill<Scalar>(log_det, 0);
  }
  template <class Z, class X>
  void invert(const Z& z, X&& raw) const {
    detail::copy<typename Z::Scalar>(z, raw);
  }
  template <class X, class ZBar, class XBar>
  void pullback(const X& /*raw*/, const ZBar& z_bar, XBar&& raw_bar) const {
    detail::copy<typename ZBar::Scalar>(z_bar, raw_bar);
  }
};

/// z = (x - mean) / standard deviation, component by component; both are of the batch that it is made from (with n, not
/// n - 1, in the variance), and in double whatever the scalar: x - mean is formed before it is rounded.
///
/// A flow of float takes double data where this is made from double data: `Cnf(Mlp<float>(…), Standardize(X))`.
template <Real Scalar>
class Standardize {
 public:
  static constexpr bool by_component = true;

  /// \param data  d × n, raw, in any unit up to 4.5e307.
  /// \throws DataError when data is empty, not finite, has one sample only, a component that is constant or varies by
  ///         less than 64 of the scalar's numbers around its mean, or a sample so far out that most others become equal
  ///         in this scalar.
  template <class Derived>
  explicit Standardize(const Eigen::MatrixBase<Derived>& data)
      : Standardize(detail::standard_spread("Standardize", data.template cast<double>(),
                                            sizeof(typename Derived::Scalar) < sizeof(Scalar)
                                                ? detail::precision_of<typename Derived::Scalar>
                                                : detail::precision_of<Scalar>)) {
    samples_ = data.cols();
  }

  /// From numbers that are known: those of another program, or `mean()` and `deviation()` of one that was stored.
  /// \param mean       d numbers.
  /// \param deviation  d positive numbers: standard deviations, not variances.
  /// \throws ShapeError when the sizes differ; ArgumentError on a number that is not finite, or a deviation that is not
  ///         positive.
  template <class A, class B>
  Standardize(const Eigen::MatrixBase<A>& mean, const Eigen::MatrixBase<B>& deviation)
      : Standardize(detail::known_spread(detail::stored_numbers("Standardize: mean", mean),
                                         detail::stored_numbers("Standardize: deviation", deviation))) {}

  [[nodiscard]] const Vector<double>& mean() const noexcept { return mean_; }
  [[nodiscard]] const Vector<double>& deviation() const noexcept { return deviation_; }

  void check(Index d) const { detail::require_field_rows("Standardize", d, mean_.size(), samples_); }
  void apply(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    for (Index j = 0; j < X.cols(); ++j) {
      for (Index i = 0; i < X.rows(); ++i) Z(i, j) = Scalar((double(X(i, j)) - mean_(i)) / deviation_(i));
      log_det(j) = log_det_;
    }
  }
  void invert(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    for (Index j = 0; j < Z.cols(); ++j)
      for (Index i = 0; i < Z.rows(); ++i) X(i, j) = Scalar(double(Z(i, j)) * deviation_(i) + mean_(i));
  }
  void pullback(ConstBatchRef<Scalar> /*X*/, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) const {
    for (Index j = 0; j < Z_bar.cols(); ++j)
      for (Index i = 0; i < Z_bar.rows(); ++i) X_bar(i, j) = Scalar(double(Z_bar(i, j)) / deviation_(i));
  }

 private:
  explicit Standardize(detail::ComponentSpread spread)
      : mean_(std::move(spread.mean)),
        deviation_(std::move(spread.deviation)),
        log_det_(Scalar(-detail::sum_of_logs<double>(deviation_.data(), deviation_.size()))) {}

  Vector<detail::Double<Scalar>> mean_, deviation_;
  Scalar log_det_;
  Index samples_ = 0;  ///< Of the data that it was made from, if it was.
};

template <class Derived>
Standardize(const Eigen::MatrixBase<Derived>&) -> Standardize<typename Derived::Scalar>;
template <class A, class B>
Standardize(const Eigen::MatrixBase<A>&, const Eigen::MatrixBase<B>&) -> Standardize<typename A::Scalar>;

}  // namespace pathline
