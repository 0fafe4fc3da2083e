/// \file
/// What a learned density has to beat: a fitted Gaussian and a Gaussian kernel density estimate. Both take raw data
/// (d × n, a column per row of the table) and answer in nats of the raw data; neither ever sees a test row.
#pragma once

#include <pathline/core/types.hpp>

namespace examples {

using pathline::Index;
using Table = Eigen::MatrixXd;      ///< d × n, a column per sample.
using Values = Eigen::RowVectorXd;  ///< 1 × n, a number per sample.

/// Mean negative log-likelihood in nats of a row of log densities.
[[nodiscard]] double mean_nll(const Values& log_prob);

/// A mean and how far it can be trusted.
struct Estimate {
  double mean = 0;
  double standard_error = 0;  ///< Sample standard deviation over √n.
};

/// Mean of `a - b` over pairs, with its standard error: what two densities lose to each other on the same rows varies
/// far less than either does alone.
[[nodiscard]] Estimate paired_difference(const Values& a, const Values& b);

/// The Gaussian of greatest likelihood: sample mean, covariance over n (not n - 1).
class FittedGaussian {
 public:
  /// \param X  d × n, finite, n > d. \throws DataError when the columns of the table depend on each other, to the
  /// precision of their numbers: then the rows of data lie in a plane and have no density.
  explicit FittedGaussian(const Table& X);

  /// 1 × n: log N(x; mean, covariance).
  [[nodiscard]] Values log_prob(const Table& X) const;

  /// The coordinates in which this Gaussian is standard normal.
  [[nodiscard]] Table whiten(const Table& X) const;

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
  KernelDensity(const Table& X, const Options& options);

  /// One family. \throws DataError for fewer than two rows, or columns that depend on each other.
  KernelDensity(const Table& X, Shape shape, const Options& options);

  /// 1 × n: log density.
  [[nodiscard]] Values log_prob(const Table& X) const;

  /// 1 × n: at each row, the log density of the estimate made of all other rows.
  [[nodiscard]] Values leave_one_out() const;

  [[nodiscard]] double leave_one_out_nll() const noexcept { return leave_one_out_nll_; }
  [[nodiscard]] Shape shape() const noexcept { return shape_; }
  /// Standard deviation of the kernel along each column of the table, in its own unit.
  [[nodiscard]] Eigen::VectorXd bandwidths() const;
  /// The kernel's covariance (d × d).
  [[nodiscard]] Table bandwidth_matrix() const;

 private:
  static constexpr Index block = 256;  ///< Queries at a time: kernels × queries stays small.

  /// Coordinates in which the kernel is diagonal: Cholesky factor of the covariance, or the columns' deviations.
  [[nodiscard]] static Table basis(const Table& X, Shape shape);

  /// From the mean, so that digits are not lost to an offset.
  [[nodiscard]] Table in_kernel_coordinates(const Table& X) const;

  /// A kernel narrower than the rounding of a column describes the ruler, not the data, and with repeated values the
  /// leave-one-out likelihood would drive it to zero width. The floor is the deviation of a uniform rounding error,
  /// gap / √12, with the gap between the closest distinct values of the column.
  [[nodiscard]] Eigen::VectorXd narrowest(const Table& X) const;

  /// kernels × queries: -½ ‖(x - c) / h‖².
  [[nodiscard]] Table exponents(const Table& queries) const;

  [[nodiscard]] static Values log_sum_exp(const Table& exponent);

  [[nodiscard]] double log_constant(Index kernels) const;

  /// One step of expectation maximisation of the leave-one-out likelihood.
  [[nodiscard]] Eigen::VectorXd improved(Index max_queries) const;

  Shape shape_;
  Table to_kernel_;  ///< Lower triangular: raw = to_kernel · kernel coordinates.
  Eigen::VectorXd origin_;
  Table centres_;          ///< Rows of data in kernel coordinates.
  Eigen::VectorXd scale_;  ///< Bandwidths in kernel coordinates.
  double leave_one_out_nll_ = 0;
};

}  // namespace examples
