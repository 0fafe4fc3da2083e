/// \file
/// Three posteriors with something known of them, and a sampler that needs no flow.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <filesystem>
#include <functional>
#include <vector>

namespace examples::variational {

using pathline::Batch;
using pathline::Index;
using pathline::Vector;

/// A target of variational inference behind a function, so that the objective is compiled once for all three. A program
/// with one target hands its struct, or a `DifferentiableDensity`, to VariationalInference.
struct Target {
  Index dim = 0;
  std::function<void(pathline::ConstBatchRef<double>, pathline::RowRef<double>, pathline::BatchRef<double>)> evaluate;
  void log_density_and_score(pathline::ConstBatchRef<double> X, pathline::RowRef<double> log_p,
                             pathline::BatchRef<double> X_bar) const {
    evaluate(X, log_p, X_bar);
  }
};

/// -x₀²/8 - (x₁ - x₀²/4)²/2: a Gaussian bent along a parabola, of integral 4π.
[[nodiscard]] Target banana();

/// Eight schools (Rubin 1981; Gelman et al., Bayesian Data Analysis, section 5.5), non-centred as in posteriordb: mu ~
/// N(0, 5²), tau ~ half-Cauchy(0, 5), theta_j = mu + tau eta_j with eta_j ~ N(0, 1), y_j ~ N(theta_j, sigma_j²). Of
/// (mu, log tau, eta_1 … eta_8), with all constants, so that the evidence is p(y).
[[nodiscard]] Target eight_schools();
/// The rows (mu, tau, theta_1 … theta_8) of samples of eight_schools().
[[nodiscard]] Batch<double> schools_of(const Batch<double>& X);
/// Mean and deviation of (mu, tau), and log p(y), by quadrature over the two: theta integrates in closed form.
struct SchoolsReference {
  double mean[2], deviation[2], log_evidence;
  Eigen::MatrixXd tau_density;  ///< 2 × m: tau, density.
};
[[nodiscard]] SchoolsReference schools_by_quadrature();

/// Bayesian logistic regression: which of two digits an 8 × 8 image is, by an intercept and its first principal
/// components, each of deviation 1; weights have the prior N(0, 2.5²).
[[nodiscard]] Target logistic_regression(const std::filesystem::path& digits, int first, int second, Index components);

/// Random-walk Metropolis: every `thin`-th state of a chain of `steps` states from 0, after a tenth of them is dropped.
/// The steps' deviations follow those of a first, shorter chain (Roberts, Gelman & Gilks 1997: 2.4 / √d of them).
[[nodiscard]] Batch<double> metropolis(const Target& target, Index steps, Index thin, pathline::Rng& rng);

/// The mean of each row of a chain and its standard error, by means of 40 batches of consecutive states.
struct ChainMeans {
  Vector<double> mean, deviation, standard_error;
};
[[nodiscard]] ChainMeans means_of_chain(const Batch<double>& chain);

}  // namespace examples::variational
