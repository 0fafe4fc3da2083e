/// \file
/// A mixture of Gaussians with full covariances, fitted by expectation maximisation: of the densities that a flow has
/// to beat, the one that comes closest in many dimensions.
#pragma once

#include <examples/common/baselines.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace examples {

/// Σ_k w_k N(x; μ_k, C_k) of greatest penalised likelihood (Dempster, Laird & Rubin, J. R. Stat. Soc. B 39 (1977)
/// 1–38).
///
/// The likelihood alone has no maximum: a component on one row may shrink without end. The penalty is that of `prior`
/// rows in every component with the covariance C of all rows, -½ prior Σ_k (log |C_k| + tr C C_k⁻¹), under which
/// C_k = (Σ_i r_ki (x_i - μ_k)(x_i - μ_k)ᵀ + prior C) / (Σ_i r_ki + prior) and the iteration never loses.
class GaussianComponents {
 public:
  struct Options {
    double prior = 1;  ///< Rows, positive.
    int max_iterations = 200;
    double tolerance = 1e-5;  ///< Gain of penalised likelihood, in nats a row, at which the iteration stops.
  };

  /// Starts from centres by k-means++ (Arthur & Vassilvitskii 2007), which `draw` chooses.
  /// \param X  d × n, finite, n ≥ components.
  /// \throws ArgumentError, or DataError when the columns of the table depend on each other.
  GaussianComponents(const Table& X, Index components, const pathline::Draw& draw)
      : GaussianComponents(X, components, draw, Options{}) {}
  GaussianComponents(const Table& X, Index components, const pathline::Draw& draw, const Options& options)
      : GaussianComponents(X, components, options.prior) {
    const Table Y = all_.whiten(X);
    maximize(Y, nearest_centres(Y, components, draw), options.prior);
    double last = -std::numeric_limits<double>::infinity();
    for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
      Table share = joint(Y);  // log w_k N(y; μ_k, C_k)
      const Values log_p = log_sum(share);
      objective_ = log_p.mean() - penalty(options.prior) / double(Y.cols());
      if (objective_ - last < options.tolerance) break;
      last = objective_;
      share = (share.rowwise() - log_p).array().exp();
      maximize(Y, share, options.prior);
    }
    log_constant_ = -all_.lower().diagonal().array().log().sum();
    objective_ += log_constant_;
  }

  /// Components that are known: component k of the rows with label k. \param labels  n numbers from 0 to components
  /// - 1.
  [[nodiscard]] static GaussianComponents labelled(const Table& X, std::span<const Index> labels, Index components,
                                                   double prior) {
    pathline::require_columns("GaussianComponents: labels", Index(labels.size()), X.cols());
    GaussianComponents result(X, components, prior);
    Table share = Table::Zero(components, X.cols());
    for (Index i = 0; i < X.cols(); ++i) {
      const Index label = labels[std::size_t(i)];
      if (label < 0 || label >= components)
        throw pathline::ArgumentError("GaussianComponents: label " + std::to_string(i), std::to_string(label),
                                      "from 0 to " + std::to_string(components - 1));
      share(label, i) = 1;
    }
    result.maximize(result.all_.whiten(X), share, prior);
    result.log_constant_ = -result.all_.lower().diagonal().array().log().sum();
    return result;
  }

  /// 1 × n: log density.
  [[nodiscard]] Values log_prob(const Table& X) const {
    return (log_sum(joint(all_.whiten(X))).array() + log_constant_).matrix();
  }

  /// components × n: log N(x; μ_k, C_k), without the weights.
  [[nodiscard]] Table component_log_prob(const Table& X) const {
    Table result = joint(all_.whiten(X));
    result.colwise() -= weights_.array().log().matrix();
    return (result.array() + log_constant_).matrix();
  }

  [[nodiscard]] const Eigen::VectorXd& weights() const noexcept { return weights_; }
  /// Penalised likelihood of the rows that it is made of, in nats a row, without a constant.
  [[nodiscard]] double objective() const noexcept { return objective_; }

 private:
  GaussianComponents(const Table& X, Index components, double prior) : all_(X) {
    if (components < 1 || components > X.cols())
      throw pathline::ArgumentError("GaussianComponents: components", std::to_string(components),
                                    "from 1 to the number of rows, " + std::to_string(X.cols()));
    if (!(prior > 0))
      throw pathline::ArgumentError("GaussianComponents: prior", std::to_string(prior), "a positive number of rows");
    means_.setZero(X.rows(), components);
    weights_.setZero(components);
    factors_.resize(std::size_t(components));
  }

  /// 1 at the nearest of `components` rows, which are drawn one after another with probability as the squared distance
  /// to those before.
  [[nodiscard]] static Table nearest_centres(const Table& Y, Index components, const pathline::Draw& draw) {
    Values distance = Values::Constant(Y.cols(), std::numeric_limits<double>::infinity());
    std::vector<Index> nearest(std::size_t(Y.cols()), 0);
    for (Index k = 0; k < components; ++k) {
      const double u = draw.number_at<pathline::Uniform>(k, 0);
      Index centre = std::min(Index(u * double(Y.cols())), Y.cols() - 1);
      if (k > 0) {
        double left = u * distance.sum();
        for (centre = 0; centre < Y.cols() - 1 && left >= distance(centre); ++centre) left -= distance(centre);
      }
      for (Index i = 0; i < Y.cols(); ++i) {
        const double square = (Y.col(i) - Y.col(centre)).squaredNorm();
        if (square >= distance(i)) continue;
        distance(i) = square;
        nearest[std::size_t(i)] = k;
      }
    }
    Table share = Table::Zero(components, Y.cols());
    for (Index i = 0; i < Y.cols(); ++i) share(nearest[std::size_t(i)], i) = 1;
    return share;
  }

  /// The M step in coordinates in which the covariance of all rows is I. \param share  r_ki, components × n.
  void maximize(const Table& Y, const Table& share, double prior) {
    for (Index k = 0; k < weights_.size(); ++k) {
      const double count = share.row(k).sum();
      weights_(k) = count / double(Y.cols());
      if (count > 0) means_.col(k) = Y * share.row(k).transpose() / count;
      const Table weighted = (Y.colwise() - means_.col(k)) * share.row(k).cwiseSqrt().asDiagonal();
      Table covariance = prior * Table::Identity(Y.rows(), Y.rows());
      covariance.selfadjointView<Eigen::Lower>().rankUpdate(weighted);  // the half that the factor is made from
      factors_[std::size_t(k)] = Eigen::LLT<Table>(covariance / (count + prior)).matrixL();
    }
  }

  /// components × n: log w_k N(y; μ_k, C_k).
  [[nodiscard]] Table joint(const Table& Y) const {
    Table result(weights_.size(), Y.cols());
    for (Index k = 0; k < weights_.size(); ++k) {
      const Table& L = factors_[std::size_t(k)];
      const Table white = L.triangularView<Eigen::Lower>().solve(Y.colwise() - means_.col(k));
      const double constant = std::log(weights_(k)) - L.diagonal().array().log().sum() -
                              0.5 * double(Y.rows()) * std::log(2 * std::numbers::pi);
      result.row(k) = -0.5 * white.colwise().squaredNorm().array() + constant;
    }
    return result;
  }

  [[nodiscard]] static Values log_sum(const Table& exponent) {
    const Values largest = exponent.colwise().maxCoeff();
    return largest.array() + (exponent.rowwise() - largest).array().exp().colwise().sum().log();
  }

  [[nodiscard]] double penalty(double prior) const {
    double sum = 0;
    for (const Table& L : factors_) {
      const Table inverse = L.triangularView<Eigen::Lower>().solve(Table::Identity(L.rows(), L.cols()));
      sum += 2 * L.diagonal().array().log().sum() + inverse.squaredNorm();
    }
    return 0.5 * prior * sum;
  }

  FittedGaussian all_;  ///< Its coordinates are those of all that follows.
  Eigen::VectorXd weights_;
  Table means_;
  std::vector<Table> factors_;
  double log_constant_ = 0, objective_ = 0;
};

}  // namespace examples
