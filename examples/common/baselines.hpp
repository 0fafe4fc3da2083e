/// \file
/// What a learned density has to beat: a fitted Gaussian and a Gaussian kernel density estimate. Both take raw data
/// (d × n, a column per row of the table) and answer in nats of the raw data; neither ever sees a test row.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/statistics/covariance.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace examples {

using pathline::Index;
using Table = Eigen::MatrixXd;      ///< d × n, a column per sample.
using Values = Eigen::RowVectorXd;  ///< 1 × n, a number per sample.

/// Mean negative log-likelihood in nats of a row of log densities.
[[nodiscard]] inline double mean_nll(const Values& log_prob) { return -log_prob.mean(); }

/// A mean and how far it can be trusted.
struct Estimate {
  double mean = 0;
  double standard_error = 0;  ///< Sample standard deviation over √n.
};

/// Mean of `a - b` over pairs, with its standard error: what two densities lose to each other on the same rows varies
/// far less than either does alone.
[[nodiscard]] inline Estimate paired_difference(const Values& a, const Values& b) {
  const Values difference = a - b;
  const double mean = difference.mean();
  const double n = double(difference.size());
  if (n < 2) return {mean, std::numeric_limits<double>::quiet_NaN()};
  return {mean, std::sqrt((difference.array() - mean).square().sum() / (n - 1) / n)};
}

/// The Gaussian of greatest likelihood: sample mean, covariance over n (not n - 1).
class FittedGaussian {
 public:
  /// \param X  d × n, finite, n > d. \throws DataError when the columns of the table depend on each other, to the
  /// precision of their numbers: then the rows of data lie in a plane and have no density.
  explicit FittedGaussian(const Table& X) {
    const auto normal = pathline::detail::mean_and_factor("FittedGaussian", X);
    mean_ = normal.mean;
    lower_ = normal.factor;
  }

  /// 1 × n: log N(x; mean, covariance).
  [[nodiscard]] Values log_prob(const Table& X) const {
    pathline::require_rows("FittedGaussian::log_prob: data", X.rows(), mean_.size());
    const Table white = whiten(X);
    const double constant =
        lower_.diagonal().array().log().sum() + 0.5 * double(X.rows()) * std::log(2 * std::numbers::pi);
    return (-0.5 * white.colwise().squaredNorm().array() - constant).matrix();
  }

  /// The coordinates in which this Gaussian is standard normal.
  [[nodiscard]] Table whiten(const Table& X) const {
    return lower_.triangularView<Eigen::Lower>().solve(X.colwise() - mean_);
  }

  [[nodiscard]] const Eigen::VectorXd& mean() const noexcept { return mean_; }
  [[nodiscard]] const Table& lower() const noexcept { return lower_; }  ///< Cholesky factor of the covariance.

 private:
  Eigen::VectorXd mean_;
  Table lower_;
};

/// Gaussian kernel density estimate with its bandwidth chosen by leave-one-out likelihood of the rows that it is made
/// of (Duin, IEEE Trans. Comput. 25 (1976) 1175–1179).
///
/// Two families of bandwidth matrices compete, and leave-one-out decides between them as well:
/// `covariance`, h² times the sample covariance, and `axes`, one bandwidth per column of the table.
/// Each is found by expectation maximisation, in which the leave-one-out likelihood never falls
/// (Leiva-Murillo & Artés-Rodríguez, Pattern Recognit. Lett. 33 (2012) 1717–1724): with the weight w_ij of kernel j at
/// row i, the squared bandwidth becomes the w-weighted mean of (x_i - x_j)².
class KernelDensity {
 public:
  enum class Shape { covariance, axes };

  struct Options {
    int max_iterations = 300;
    double tolerance = 1e-4;    ///< Relative change of a bandwidth at which the iteration stops.
    Index max_queries = 1'000;  ///< Rows (evenly spread) whose leave-one-out likelihood counts; all rows are kernels.
  };

  /// The better family for these rows. \param X  d × n, n ≥ 2, finite.
  explicit KernelDensity(const Table& X) : KernelDensity(X, Options{}) {}
  KernelDensity(const Table& X, const Options& options) : KernelDensity(X, Shape::covariance, options) {
    KernelDensity axes(X, Shape::axes, options);
    if (axes.leave_one_out_nll_ < leave_one_out_nll_) *this = std::move(axes);
  }

  /// One family. \throws DataError for fewer than two rows, or columns that depend on each other.
  KernelDensity(const Table& X, Shape shape, const Options& options)
      : shape_(shape), to_kernel_(basis(X, shape)), origin_(X.rowwise().mean()) {
    centres_ = in_kernel_coordinates(X);
    // Scott's rule, which is right for a Gaussian and too wide for what has lumps; the iteration goes on from there.
    scale_ = Eigen::VectorXd::Constant(X.rows(), std::pow(double(X.cols()), -1 / double(X.rows() + 4)));
    const Eigen::VectorXd floor = narrowest(X);
    for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
      const Eigen::VectorXd next = improved(options.max_queries).cwiseMax(floor);
      const double change = (next.array() / scale_.array() - 1).abs().maxCoeff();
      scale_ = next;
      if (change < options.tolerance) break;
    }
    leave_one_out_nll_ = mean_nll(leave_one_out());
  }

  /// 1 × n: log density.
  [[nodiscard]] Values log_prob(const Table& X) const {
    pathline::require_rows("KernelDensity::log_prob: data", X.rows(), centres_.rows());
    const Table queries = in_kernel_coordinates(X);
    Values result(X.cols());
    for (Index first = 0; first < X.cols(); first += block) {
      const Index n = std::min(block, X.cols() - first);
      result.segment(first, n) = log_sum_exp(exponents(queries.middleCols(first, n)));
    }
    return (result.array() + log_constant(centres_.cols())).matrix();
  }

  /// 1 × n: at each row, the log density of the estimate made of all other rows.
  [[nodiscard]] Values leave_one_out() const {
    Values result(centres_.cols());
    for (Index first = 0; first < centres_.cols(); first += block) {
      const Index n = std::min(block, centres_.cols() - first);
      Table exponent = exponents(centres_.middleCols(first, n));
      for (Index i = 0; i < n; ++i) exponent(first + i, i) = -std::numeric_limits<double>::infinity();
      result.segment(first, n) = log_sum_exp(exponent);
    }
    return (result.array() + log_constant(centres_.cols() - 1)).matrix();
  }

  [[nodiscard]] double leave_one_out_nll() const noexcept { return leave_one_out_nll_; }
  [[nodiscard]] Shape shape() const noexcept { return shape_; }
  /// Standard deviation of the kernel along each column of the table, in its own unit.
  [[nodiscard]] Eigen::VectorXd bandwidths() const { return (to_kernel_ * scale_.asDiagonal()).rowwise().norm(); }
  /// The kernel's covariance (d × d).
  [[nodiscard]] Table bandwidth_matrix() const {
    const Table factor = to_kernel_ * scale_.asDiagonal();
    return factor * factor.transpose();
  }

 private:
  static constexpr Index block = 256;  ///< Queries at a time: kernels × queries stays small.

  /// Coordinates in which the kernel is diagonal: Cholesky factor of the covariance, or the columns' deviations.
  [[nodiscard]] static Table basis(const Table& X, Shape shape) {
    if (X.cols() < 2)
      throw pathline::DataError("KernelDensity: got " + std::to_string(X.cols()) +
                                " rows of data, expected at least 2");
    const FittedGaussian gaussian(X);
    if (shape == Shape::covariance) return gaussian.lower();
    return Table(gaussian.lower().rowwise().norm().asDiagonal());
  }

  /// From the mean, so that digits are not lost to an offset.
  [[nodiscard]] Table in_kernel_coordinates(const Table& X) const {
    return to_kernel_.triangularView<Eigen::Lower>().solve(X.colwise() - origin_);
  }

  /// A kernel narrower than the rounding of a column describes the ruler, not the data, and with repeated values the
  /// leave-one-out likelihood would drive it to zero width. The floor is the deviation of a uniform rounding error,
  /// gap / √12, with the gap between the closest distinct values of the column.
  [[nodiscard]] Eigen::VectorXd narrowest(const Table& X) const {
    Eigen::VectorXd floor(X.rows());
    for (Index i = 0; i < X.rows(); ++i) {
      std::vector<double> values(std::size_t(X.cols()));
      for (Index j = 0; j < X.cols(); ++j) values[std::size_t(j)] = X(i, j);
      std::sort(values.begin(), values.end());
      double gap = std::numeric_limits<double>::infinity();
      for (std::size_t j = 1; j < values.size(); ++j)
        if (values[j] > values[j - 1]) gap = std::min(gap, values[j] - values[j - 1]);
      floor(i) = gap / std::sqrt(12.0) / to_kernel_.row(i).norm();
    }
    if (shape_ == Shape::covariance) floor.setConstant(floor.maxCoeff());  // one h serves all columns
    return floor;
  }

  /// kernels × queries: -½ ‖(x - c) / h‖².
  [[nodiscard]] Table exponents(const Table& queries) const {
    const Table Q = scale_.cwiseInverse().asDiagonal() * queries;
    const Table C = scale_.cwiseInverse().asDiagonal() * centres_;
    Table result(C.cols(), Q.cols());
    for (Index j = 0; j < Q.cols(); ++j)
      result.col(j) = -0.5 * (C.colwise() - Q.col(j)).colwise().squaredNorm().transpose();
    return result;
  }

  [[nodiscard]] static Values log_sum_exp(const Table& exponent) {
    const Values largest = exponent.colwise().maxCoeff();
    return largest.array() + (exponent.rowwise() - largest).array().exp().colwise().sum().log();
  }

  [[nodiscard]] double log_constant(Index kernels) const {
    return -to_kernel_.diagonal().array().log().sum() - scale_.array().log().sum() -
           0.5 * double(scale_.size()) * std::log(2 * std::numbers::pi) - std::log(double(kernels));
  }

  /// One step of expectation maximisation of the leave-one-out likelihood.
  [[nodiscard]] Eigen::VectorXd improved(Index max_queries) const {
    const Index n = centres_.cols(), queries = std::min(n, max_queries);
    Eigen::VectorXd square = Eigen::VectorXd::Zero(scale_.size());
    for (Index q = 0; q < queries; ++q) {
      const Index i = q * n / queries;
      const Table difference = scale_.cwiseInverse().asDiagonal() * (centres_.colwise() - centres_.col(i));
      Eigen::RowVectorXd weight = -0.5 * difference.colwise().squaredNorm();
      weight(i) = -std::numeric_limits<double>::infinity();
      weight = (weight.array() - weight.maxCoeff()).exp();
      square += difference.cwiseAbs2() * weight.transpose() / weight.sum();
    }
    square /= double(queries);
    if (shape_ == Shape::covariance) square.setConstant(square.mean());
    return scale_.cwiseProduct(square.cwiseSqrt());
  }

  Shape shape_;
  Table to_kernel_;  ///< Lower triangular: raw = to_kernel · kernel coordinates.
  Eigen::VectorXd origin_;
  Table centres_;          ///< Rows of data in kernel coordinates.
  Eigen::VectorXd scale_;  ///< Bandwidths in kernel coordinates.
  double leave_one_out_nll_ = 0;
};

}  // namespace examples
