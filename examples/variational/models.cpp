#include <examples/variational/models.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/io/csv.hpp>
#include <pathline/train/variational/target_density.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numbers>
#include <utility>

namespace examples::variational {

using namespace pathline;

namespace {

constexpr std::array<double, 8> effect{28, 8, -3, 7, -1, 1, 18, 12}, error{15, 10, 16, 11, 9, 11, 10, 18};
const double log_2_pi = std::log(2 * std::numbers::pi);

template <class Density>
Target target_of(Index dim, Density density) {
  return {dim, [density = std::move(density)](ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar) {
            density.log_density_and_score(X, log_p, X_bar);
          }};
}

/// Images of two digits as (1, component 1, …) in columns, with 0 or 1 for each.
struct Regression {
  Eigen::MatrixXd features;  // (1 + components) × n
  Eigen::VectorXd labels;

  void log_density_and_score(ConstBatchRef<double> W, RowRef<double> log_p, BatchRef<double> W_bar) const {
    const double variance = 2.5 * 2.5;
    log_p = -W.colwise().squaredNorm() / (2 * variance);
    log_p.array() -= 0.5 * double(W.rows()) * std::log(2 * std::numbers::pi * variance);
    W_bar = -W / variance;
    Eigen::MatrixXd logits = features.transpose() * W;  // n × samples
    for (Index j = 0; j < W.cols(); ++j)
      for (Index i = 0; i < logits.rows(); ++i) {
        const double a = logits(i, j), small = std::exp(-std::abs(a));
        log_p(j) += labels(i) * a - std::max(a, 0.) - std::log1p(small);
        logits(i, j) = labels(i) - (a > 0 ? 1 : small) / (1 + small);
      }
    W_bar += features * logits;
  }
};

/// The leading eigenvectors of a covariance, by power iteration and deflation.
Eigen::MatrixXd principal_components(Eigen::MatrixXd C, Index count) {
  Eigen::MatrixXd result(C.rows(), count);
  for (Index k = 0; k < count; ++k) {
    Eigen::VectorXd v = C.rowwise().norm();
    for (int i = 0; i < 500; ++i) v = (C * v).normalized();
    C -= v.dot(C * v) * v * v.transpose();
    result.col(k) = v;
  }
  return result;
}

}  // namespace

Target banana() {
  return target_of(2, DifferentiableDensity([](const auto& x) {
                     const auto bent = x[1] - x[0] * x[0] / 4;
                     return -x[0] * x[0] / 8 - bent * bent / 2;
                   }));
}

Target eight_schools() {
  return target_of(10, DifferentiableDensity([](const auto& x) {
                     using std::exp, std::log1p;
                     const auto mu = x[0], log_tau = x[1], tau = exp(log_tau), scaled = tau / 5;
                     // Priors; the density of log tau is that of tau times tau.
                     auto sum = -mu * mu / 50 - std::log(5) - log_2_pi / 2;
                     sum = sum + std::log(2 / (5 * std::numbers::pi)) - log1p(scaled * scaled) + log_tau;
                     for (Index j = 0; j < 8; ++j) {
                       const auto eta = x[2 + j];
                       const double sigma = error[std::size_t(j)];
                       const auto residual = (mu + tau * eta - effect[std::size_t(j)]) / sigma;
                       sum = sum - eta * eta / 2 - residual * residual / 2 - log_2_pi - std::log(sigma);
                     }
                     return sum;
                   }));
}

Batch<double> schools_of(const Batch<double>& X) {
  Batch<double> result = X;
  result.row(1) = X.row(1).array().exp();
  for (Index j = 2; j < 10; ++j) result.row(j) = X.row(0).array() + result.row(1).array() * X.row(j).array();
  return result;
}

SchoolsReference schools_by_quadrature() {
  // y_j ~ N(mu, sigma_j² + tau²). Midpoints in mu and log tau, far beyond the posterior's mass.
  constexpr Index across = 400, along = 600;
  SchoolsReference result{{0, 0}, {0, 0}, 0, Eigen::MatrixXd(2, along)};
  const double h_mu = 60. / across, h_log = 16. / along;  // mu in (-30, 30), log tau in (-10, 6)
  Eigen::MatrixXd log_p(across, along);
  for (Index k = 0; k < along; ++k) {
    const double tau = std::exp(-10 + h_log * (double(k) + 0.5));
    result.tau_density(0, k) = tau;
    for (Index i = 0; i < across; ++i) {
      const double mu = -30 + h_mu * (double(i) + 0.5);
      double sum = -mu * mu / 50 - std::log(5) - log_2_pi / 2;
      sum += std::log(2 / (5 * std::numbers::pi)) - std::log1p(tau * tau / 25) + std::log(tau);
      for (std::size_t j = 0; j < 8; ++j) {
        const double variance = error[j] * error[j] + tau * tau, residual = effect[j] - mu;
        sum -= residual * residual / (2 * variance) + (log_2_pi + std::log(variance)) / 2;
      }
      log_p(i, k) = sum;
    }
  }
  const double greatest = log_p.maxCoeff();
  const Eigen::ArrayXXd p = (log_p.array() - greatest).exp() * (h_mu * h_log);
  const double total = p.sum();
  result.log_evidence = greatest + std::log(total);
  const Eigen::ArrayXd mu = Eigen::ArrayXd::LinSpaced(across, -30 + h_mu / 2, 30 - h_mu / 2), of_mu = p.rowwise().sum();
  const Eigen::ArrayXd tau = result.tau_density.row(0).transpose(), of_tau = p.colwise().sum().transpose();
  const auto moments = [&](int i, const Eigen::ArrayXd& x, const Eigen::ArrayXd& weight) {
    result.mean[i] = (x * weight).sum() / total;
    result.deviation[i] = std::sqrt((x.square() * weight).sum() / total - result.mean[i] * result.mean[i]);
  };
  moments(0, mu, of_mu);
  moments(1, tau, of_tau);
  result.tau_density.row(1) = of_tau / (total * h_log * tau);  // of tau, not of its logarithm
  return result;
}

Target logistic_regression(const std::filesystem::path& digits, int first, int second, Index components) {
  const Batch<double> X = io::read_csv<double>(digits);  // 65 × n
  const Index pixels = X.rows() - 1;
  std::vector<Index> rows;
  for (Index j = 0; j < X.cols(); ++j)
    if (X(pixels, j) == first || X(pixels, j) == second) rows.push_back(j);
  if (rows.size() < 50) throw DataError("logistic_regression: fewer than 50 images of these digits");
  const auto n = Index(rows.size());
  Eigen::MatrixXd images(pixels, n);
  auto regression = std::make_shared<Regression>();
  regression->labels.resize(n);
  for (Index j = 0; j < n; ++j) {
    images.col(j) = X.col(rows[std::size_t(j)]).head(pixels);
    regression->labels(j) = X(pixels, rows[std::size_t(j)]) == second ? 1 : 0;
  }
  images.colwise() -= images.rowwise().mean().eval();
  const Eigen::MatrixXd scores =
      principal_components(images * images.transpose() / double(n), components).transpose() * images;
  regression->features.resize(1 + components, n);
  regression->features.row(0).setOnes();
  for (Index k = 0; k < components; ++k)
    regression->features.row(1 + k) = scores.row(k) / std::sqrt(scores.row(k).squaredNorm() / double(n));
  return {1 + components, [regression](ConstBatchRef<double> W, RowRef<double> log_p, BatchRef<double> W_bar) {
            regression->log_density_and_score(W, log_p, W_bar);
          }};
}

Batch<double> metropolis(const Target& target, Index steps, Index thin, Rng& rng) {
  const Index d = target.dim;
  Batch<double> x = Batch<double>::Zero(d, 1), proposed(d, 1), score(d, 1), noise(d, 1);
  Row<double> log_p(1), log_proposed(1);
  target.log_density_and_score(x, log_p, score);
  Vector<double> deviation = Vector<double>::Constant(d, 0.1);
  const auto run = [&](Index count, Index every, const Draw& draw) {
    Batch<double> states(d, count / every);
    for (Index i = 0; i < count; ++i) {
      fill<Gaussian>(draw, i, noise);
      proposed = x + deviation.cwiseProduct(noise.col(0));
      target.log_density_and_score(proposed, log_proposed, score);
      if (std::log(draw.number_at<Uniform>(i, 2 * d)) < log_proposed(0) - log_p(0)) {
        x = proposed;
        log_p = log_proposed;
      }
      if ((i + 1) % every == 0) states.col(i / every) = x;
    }
    return states;
  };
  for (const Index first : {steps / 50 + 100, steps / 20 + 100}) {
    const Batch<double> states = run(first, 1, rng.draw()).rightCols(first / 2);
    const Vector<double> mean = states.rowwise().mean();
    deviation = (states.colwise() - mean).rowwise().norm() / std::sqrt(double(states.cols()));
    deviation = (2.4 / std::sqrt(double(d)) * deviation).cwiseMax(1e-6);
  }
  (void)run(steps / 10, 1, rng.draw());
  return run(steps, thin, rng.draw());
}

ChainMeans means_of_chain(const Batch<double>& chain) {
  constexpr Index batches = 40;
  const Index d = chain.rows(), width = chain.cols() / batches;
  Batch<double> means(d, batches);
  for (Index b = 0; b < batches; ++b) means.col(b) = chain.middleCols(b * width, width).rowwise().mean();
  ChainMeans result;
  result.mean = chain.rowwise().mean();
  result.deviation = (chain.colwise() - result.mean).rowwise().norm() / std::sqrt(double(chain.cols()));
  const Vector<double> centre = means.rowwise().mean();
  result.standard_error = (means.colwise() - centre).rowwise().norm() / std::sqrt(double(batches * (batches - 1)));
  return result;
}

}  // namespace examples::variational
