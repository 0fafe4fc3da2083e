/// \file
/// A fitted Gaussian, and a kernel density estimate.
#include <examples/common/baselines.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/flow/statistics/covariance.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace examples {

double mean_nll(const Values& log_prob) { return -log_prob.mean(); }

Estimate paired_difference(const Values& a, const Values& b) {
  const Values difference = a - b;
  const double mean = difference.mean();
  const double n = double(difference.size());
  if (n < 2) return {mean, std::numeric_limits<double>::quiet_NaN()};
  return {mean, std::sqrt((difference.array() - mean).square().sum() / (n - 1) / n)};
}

FittedGaussian::FittedGaussian(const Table& X) {
  const auto normal = pathline::detail::mean_and_factor("FittedGaussian", X);
  mean_ = normal.mean;
  lower_ = normal.factor;
}

Values FittedGaussian::log_prob(const Table& X) const {
  pathline::require_rows("FittedGaussian::log_prob: data", X.rows(), mean_.size());
  const Table white = whiten(X);
  const double constant =
      lower_.diagonal().array().log().sum() + 0.5 * double(X.rows()) * std::log(2 * std::numbers::pi);
  return (-0.5 * white.colwise().squaredNorm().array() - constant).matrix();
}

Table FittedGaussian::whiten(const Table& X) const {
  return lower_.triangularView<Eigen::Lower>().solve(X.colwise() - mean_);
}

KernelDensity::KernelDensity(const Table& X, const Options& options) : KernelDensity(X, Shape::covariance, options) {
  KernelDensity axes(X, Shape::axes, options);
  if (axes.leave_one_out_nll_ < leave_one_out_nll_) *this = std::move(axes);
}

KernelDensity::KernelDensity(const Table& X, Shape shape, const Options& options)
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

Values KernelDensity::log_prob(const Table& X) const {
  pathline::require_rows("KernelDensity::log_prob: data", X.rows(), centres_.rows());
  const Table queries = in_kernel_coordinates(X);
  Values result(X.cols());
  for (Index first = 0; first < X.cols(); first += block) {
    const Index n = std::min(block, X.cols() - first);
    result.segment(first, n) = log_sum_exp(exponents(queries.middleCols(first, n)));
  }
  return (result.array() + log_constant(centres_.cols())).matrix();
}

Values KernelDensity::leave_one_out() const {
  Values result(centres_.cols());
  for (Index first = 0; first < centres_.cols(); first += block) {
    const Index n = std::min(block, centres_.cols() - first);
    Table exponent = exponents(centres_.middleCols(first, n));
    for (Index i = 0; i < n; ++i) exponent(first + i, i) = -std::numeric_limits<double>::infinity();
    result.segment(first, n) = log_sum_exp(exponent);
  }
  return (result.array() + log_constant(centres_.cols() - 1)).matrix();
}

Eigen::VectorXd KernelDensity::bandwidths() const { return (to_kernel_ * scale_.asDiagonal()).rowwise().norm(); }

Table KernelDensity::bandwidth_matrix() const {
  const Table factor = to_kernel_ * scale_.asDiagonal();
  return factor * factor.transpose();
}

Table KernelDensity::basis(const Table& X, Shape shape) {
  if (X.cols() < 2)
    throw pathline::DataError("KernelDensity: got " + std::to_string(X.cols()) + " rows of data, expected at least 2");
  const FittedGaussian gaussian(X);
  if (shape == Shape::covariance) return gaussian.lower();
  return Table(gaussian.lower().rowwise().norm().asDiagonal());
}

Table KernelDensity::in_kernel_coordinates(const Table& X) const {
  return to_kernel_.triangularView<Eigen::Lower>().solve(X.colwise() - origin_);
}

Eigen::VectorXd KernelDensity::narrowest(const Table& X) const {
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

Table KernelDensity::exponents(const Table& queries) const {
  const Table Q = scale_.cwiseInverse().asDiagonal() * queries;
  const Table C = scale_.cwiseInverse().asDiagonal() * centres_;
  Table result(C.cols(), Q.cols());
  for (Index j = 0; j < Q.cols(); ++j)
    result.col(j) = -0.5 * (C.colwise() - Q.col(j)).colwise().squaredNorm().transpose();
  return result;
}

Values KernelDensity::log_sum_exp(const Table& exponent) {
  const Values largest = exponent.colwise().maxCoeff();
  return largest.array() + (exponent.rowwise() - largest).array().exp().colwise().sum().log();
}

double KernelDensity::log_constant(Index kernels) const {
  return -to_kernel_.diagonal().array().log().sum() - scale_.array().log().sum() -
         0.5 * double(scale_.size()) * std::log(2 * std::numbers::pi) - std::log(double(kernels));
}

Eigen::VectorXd KernelDensity::improved(Index max_queries) const {
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

}  // namespace examples
