/// \file
/// The law of trace estimators: weighted tangents that make the identity in expectation, by noise that follows the
/// sample, of the variance that theory has. A new estimator is held to it by one line,
/// `check_trace_laws(Mine{.probes = 3}, variance);`.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/trace/trace.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <concepts>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

namespace pathline::test {

/// A matrix whose trace is estimated, not symmetric, with normal entries.
inline Eigen::MatrixXd some_matrix(Index d) {
  Eigen::MatrixXd A(d, d);
  fill<Gaussian>(Draw{2, 2}, 0, A);
  return A;
}

[[nodiscard]] inline std::vector<Index> first_ids(Index n) {
  std::vector<Index> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), Index(0));
  return ids;
}

/// An estimator behind functions, so that the law is compiled once a file. Every sample has the Jacobian A.
template <Real Scalar>
struct AnyEstimator {
  template <TraceEstimator<Scalar> Trace>
  AnyEstimator(const Trace& trace, const Eigen::MatrixXd& jacobian)
      : A(jacobian.cast<Scalar>()), k(trace.tangents(jacobian.rows())), weights(k) {
    for (Index j = 0; j < k; ++j) weights(j) = trace.weight(A.rows(), j);
    if constexpr (FillsFromNoise<Trace, Scalar>)
      fill = [trace](const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V,
                     Workspace<Scalar>& workspace) { trace.fill(draw, samples, V, workspace); };
    else
      fill = [trace, this](const Draw& draw, std::span<const Index> samples, BatchMap<Scalar> V,
                           Workspace<Scalar>& workspace) {
        const auto product = [this](const BatchMap<Scalar>& X, BatchMap<Scalar> AX) {
          for (Index i = 0; i < X.cols(); ++i) AX.col(i).noalias() = A * X.col(i);  // the same bits in every batch
        };
        trace.fill(draw, samples, product, V, workspace);
      };
  }
  AnyEstimator(const AnyEstimator&) = delete;
  AnyEstimator& operator=(const AnyEstimator&) = delete;

  /// V (d × kn).
  [[nodiscard]] Batch<Scalar> tangents(const Draw& draw, const std::vector<Index>& samples) const {
    Batch<Scalar> V(A.rows(), k * Index(samples.size()));
    Workspace<Scalar> workspace;
    fill(draw, std::span<const Index>(samples), BatchMap<Scalar>(V.data(), V.rows(), V.cols()), workspace);
    return V;
  }
  /// Σ_j w_j v_jᵀ A v_j of each of n samples.
  [[nodiscard]] Row<double> estimates(Index n, const Draw& draw = {1, 0}) const {
    const Batch<double> V = tangents(draw, first_ids(n)).template cast<double>();
    const Batch<double> AV = A.template cast<double>() * V;
    Row<double> sum = Row<double>::Zero(n);
    for (Index j = 0; j < k; ++j)
      sum += weights(j) * V.middleCols(j * n, n).cwiseProduct(AV.middleCols(j * n, n)).colwise().sum();
    return sum;
  }

  Batch<Scalar> A;
  Index k;
  Vector<double> weights;
  std::function<void(const Draw&, std::span<const Index>, BatchMap<Scalar>, Workspace<Scalar>&)> fill;
};

/// Mean and variance of values, at 4.9 standard errors each, estimated from the values: a false alarm has a chance of
/// 1e-6. Rounding stands in where nothing varies.
inline void check_moments(const Row<double>& values, double mean, double variance) {
  const double n = double(values.size()), rounding = 1e-12 * (1 + std::abs(mean));
  const Row<double> squares = (values.array() - mean).square();
  const double mean_error = std::sqrt(squares.mean() / n),
               variance_error = std::sqrt((squares.array() - squares.mean()).square().mean() / n);
  INFO("mean " << values.mean() << ", expected " << mean << ", standard error " << mean_error);
  INFO("variance " << squares.mean() << ", expected " << variance << ", standard error " << variance_error);
  CHECK(std::abs(values.mean() - mean) < 4.9 * mean_error + rounding);
  CHECK(std::abs(squares.mean() - variance) < 4.9 * variance_error + rounding);
}

/// E Σ_j w_j v_j v_jᵀ = I, element by element.
inline void check_identity(const AnyEstimator<double>& trace) {
  constexpr Index n = 20'000;
  const Index d = trace.A.rows();
  CHECK(trace.weights.minCoeff() > 0);
  const Batch<double> V = trace.tangents(Draw{6, 1}, first_ids(n));
  for (Index a = 0; a < d; ++a)
    for (Index b = 0; b <= a; ++b) {
      Row<double> element = Row<double>::Zero(n);
      for (Index j = 0; j < trace.k; ++j)
        element += trace.weights(j) * V.row(a).segment(j * n, n).cwiseProduct(V.row(b).segment(j * n, n));
      const double expected = a == b ? 1 : 0;
      const double error = std::sqrt((element.array() - expected).square().mean() / double(n));
      INFO("element " << a << ' ' << b << ": " << element.mean() << ", standard error " << error);
      CHECK(std::abs(element.mean() - expected) < 4.9 * error + 1e-13);
    }
}

/// A sample's tangents are the same bits whatever its neighbours are, others in another draw and for another sample
/// (unless there is no noise), and filling allocates only once.
inline void check_noise(const AnyEstimator<double>& trace, bool noisy) {
  const Index d = trace.A.rows();
  const std::vector<Index> four{5, 6, 9, 2}, one{9};
  const Batch<double> together = trace.tangents(Draw{1, 4}, four), alone = trace.tangents(Draw{1, 4}, one),
                      other = trace.tangents(Draw{1, 5}, one);
  for (Index j = 0; j < trace.k; ++j) CHECK(together.col(4 * j + 2) == alone.col(j));
  CHECK((other != alone) == noisy);
  CHECK((together.col(0) != together.col(1) || together.col(4 * (trace.k - 1)) != together.col(4 * trace.k - 3)) ==
        noisy);

  Workspace<double> workspace;
  Batch<double> V(d, 4 * trace.k);
  const auto fill = [&] {
    trace.fill(Draw{1, 4}, std::span<const Index>(four), BatchMap<double>(V.data(), d, V.cols()), workspace);
  };
  fill();
  AllocationCounter counter;
  fill();
  CHECK(counter.count() == 0);
  CHECK(V == together);
}

/// float is double, rounded; Gram-Schmidt amplifies 6e-8 by the cancelling part of a vector, below 100 in 32 samples.
inline void check_float(const AnyEstimator<double>& trace, const AnyEstimator<float>& single) {
  const Batch<double> V = trace.tangents(Draw{1, 4}, first_ids(32));
  CHECK((single.tangents(Draw{1, 4}, first_ids(32)).cast<double>() - V).cwiseAbs().maxCoeff() < 1e-4);
}

/// \param variance  Of the estimate of tr A in closed form; 0 where the estimate is exact.
template <class Trace>
void check_trace_laws(const Trace& trace, double variance, const Eigen::MatrixXd& A = some_matrix(4)) {
  INFO(trace_name(trace));
  static_assert(TraceEstimator<Trace, double> && TraceEstimator<Trace, float>);
  const AnyEstimator<double> estimator(trace, A);
  check_identity(estimator);
  check_moments(estimator.estimates(40'000), A.trace(), variance);
  check_noise(estimator, !std::same_as<Trace, ExactTrace>);
  check_float(estimator, AnyEstimator<float>(trace, A));
}

}  // namespace pathline::test
