// The doors of small classes and measures, with matrices of all wrong shapes. Those of `Cnf` and `NeuralOde` stand with
// their tests.
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/base/uniform_box.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/time/interpolants.hpp>
#include <pathline/nn/time/learned_end_time.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/metric/estimate.hpp>
#include <pathline/train/metric/mmd.hpp>

#include <support/catch.hpp>
#include <support/sizes.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("Sizes: every door refuses matrices of another shape, and works as before", "[sizes][errors]") {
  constexpr Index d = 3, c = 2, n = 7;
  constexpr auto any = Door::Columns::any, these = Door::Columns::these;
  const Linear<double> linear(d, d, 1);
  const LearnedEndTime<Linear<double>> ending(linear);
  const Index p = linear.parameter_count();
  using M = const Batch<double>&;
  // As a vector; a row of a matrix type is as right as a column, once it is reshaped.
  const auto column = [](M X) {
    if (X.cols() != 1) throw ShapeError("test", "columns", X.cols(), 1);
    return Vector<double>(X.reshaped());
  };
  check_sizes({
      {"Network of given parameters", p, 1, these,
       [&](M theta) { return Network(linear, column(theta)).parameters().sum(); }},
      {"Parameters =", p, 1, these,
       [&](M theta) {
         Network field(linear, Vector<double>::Zero(p));
         field.parameters() = theta;
         field.parameters() += theta;
         return field.parameters().sum();
       }},
      {"LearnedEndTime::end_time", p + 1, 1, these, [&](M theta) { return ending.end_time(column(theta)); }},
      {"OptimizerState::step, gradient", p, 1, these,
       [&](M gradient) {
         Vector<double> theta = Vector<double>::Zero(p);
         OptimizerState<double>().step(Adam{}, column(gradient), theta);
         return theta.sum();
       }},
      {"OptimizerState::step, parameters", p, 1, these,
       [&](M start) {
         Vector<double> theta = column(start);
         OptimizerState<double>().step(Adam{}, Vector<double>::Ones(p), theta);
         return theta.sum();
       }},
      {"mmd_squared", d, n, any, [](M X) { return mmd_squared(X, matrix_of(d, n + 1)); }},
      {"kl_estimate", 1, n, these, [](M log_q) { return kl_estimate(matrix_of(1, n), log_q).value; }},
      {"DiagonalGaussian", d, 1, these,
       [&](M deviation) {
         return DiagonalGaussian<double>(Vector<double>::Zero(d), column(deviation).array().exp()).deviation().sum();
       }},
      {"FullGaussian", d, d, these,
       [&](M A) {
         Batch<double> C = A;
         if (A.rows() == A.cols()) C = A * A.transpose() + 0.1 * Batch<double>::Identity(A.rows(), A.rows());
         return FullGaussian<double>(Vector<double>::Zero(d), C).factor().sum();
       }},
      {"GaussianMixture, means", d, n, these,
       [](M means) {
         return GaussianMixture<double>(Vector<double>::Ones(n), means, Batch<double>::Ones(d, n)).means().sum();
       }},
      {"GaussianMixture, deviations", d, n, these,
       [](M log_deviations) {
         const Batch<double> deviations = log_deviations.array().exp();
         return GaussianMixture<double>(Vector<double>::Ones(n), matrix_of(d, n), deviations).deviations().sum();
       }},
      {"UniformBox", d, 1, these,
       [&](M upper) { return UniformBox<double>(Vector<double>::Zero(d), column(upper).array().exp()).upper().sum(); }},
      {"CubicInterpolant, slopes", c, 4, these,
       [](M slopes) {
         return double(CubicInterpolant<double>({0, 1, 2, 3}, matrix_of(c, 4), slopes).rows());
       }},
  });
}
