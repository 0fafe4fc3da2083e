#include <pathline/flow/real_time/real_time_flow.hpp>

#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/real_time/step_calibration.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/with_context.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

using namespace pathline;

namespace {

/// Every call for each column of X against the flow by the same steps; and no call asks anything of the heap.
template <class Flow>
void check_calls(const Flow& flow, const Batch<typename Flow::DataScalar>& X, double tolerance) {
  using Scalar = typename Flow::Scalar;
  using DataScalar = typename Flow::DataScalar;
  RealTimeFlow real_time(flow, Rk4{}, FixedSteps(6));
  CHECK(real_time.evaluations() == 24);
  CHECK(real_time.data_rows() == flow.data_rows());
  const Row<Scalar> log_p = flow.log_prob(X);
  const Batch<Scalar> Z = flow.transform(X);
  Batch<Scalar> points(flow.data_rows(), X.cols());
  points << Z, X.bottomRows(flow.context_rows()).template cast<Scalar>();
  const Batch<DataScalar> back = flow.inverse(points);
  for (Index j = 0; j < X.cols(); ++j) {
    const Vector<DataScalar> x = X.col(j);
    Scalar value{};
    Vector<Scalar> z(flow.dim()), point = points.col(j);
    Vector<DataScalar> raw(flow.dim());
    const AllocationCounter counter;
    const bool finite = real_time.log_prob(x, value) && real_time.transform(x, z) && real_time.inverse(point, raw);
    CHECK(counter.count() == 0);
    REQUIRE(finite);
    CHECK(std::abs(double(value - log_p(j))) < tolerance);
    CHECK(double((z - Z.col(j)).cwiseAbs().maxCoeff()) < tolerance);
    CHECK((raw - back.col(j)).cwiseAbs().maxCoeff() / X.cwiseAbs().maxCoeff() < tolerance);
  }
}

/// X of two rows and a row of context.
template <class Scalar>
Batch<Scalar> rows_with_context(Index n) {
  Batch<double> X(3, n);
  fill<Gaussian>(Draw{7, 1}, 0, X);
  X.row(1) = 50 + (3 * X.row(1)).array();
  X.row(2) = 20 + (5 * X.row(2)).array();
  return X.cast<Scalar>();
}

}  // namespace

TEST_CASE("A conditional flow in real time", "[flow][real-time][allocations]") {
  const Batch<double> X = rows_with_context<double>(6);
  Rng rng(5);
  const Cnf flow(Mlp<double, Softplus>(2, {7, 5}, rng, 2), Standardize(X.topRows(2)),
                 StandardizeContext(X.bottomRows(1)), DiagonalGaussian(Eigen::Vector2d(0.5, 0), Eigen::Vector2d(1, 2)),
                 Rk4{}, FixedSteps(6));
  check_calls(flow, X, 1e-12);

  // A sample is the inverse of the base point that the noise names.
  RealTimeFlow real_time(flow, Rk4{}, FixedSteps(6));
  Vector<double> noise(3), point(3), x(2), same(2);
  noise << 0.3, -1, 25;
  point << 0.5 + 0.3, -2, 25;
  REQUIRE(real_time.sample(noise, x));
  REQUIRE(real_time.inverse(point, same));
  CHECK((x - same).cwiseAbs().maxCoeff() < 1e-13);

  // A copy has scratch of its own, which is there from the start.
  RealTimeFlow copy = real_time;
  Vector<double> again(2);
  const AllocationCounter of_copy;
  const bool finite = copy.sample(noise, again);
  CHECK(of_copy.count() == 0);
  CHECK(finite);
  CHECK(again == x);

  // What cannot be answered is refused, and nothing is written.
  double log_p = 42;
  Vector<double> bad = X.col(0);
  bad(1) = std::numeric_limits<double>::infinity();
  const AllocationCounter counter;
  CHECK_FALSE(real_time.log_prob(bad, log_p));
  CHECK_FALSE(real_time.log_prob(bad.head(2), log_p));
  CHECK_FALSE(real_time.transform(X.col(0), bad.head(1)));
  CHECK(counter.count() == 0);
  CHECK(log_p == 42);
}

TEST_CASE("A potential of float, data of double, in real time", "[flow][real-time][allocations]") {
  const Batch<double> X = 1000 * rows_with_context<double>(5).topRows(2);
  Rng rng(6);
  Cnf flow(Network<Potential<float>>(Potential<float>(2, 9, 2), rng), Standardize(X), Rk4{}, FixedSteps(6));
  static_assert(std::is_same_v<decltype(flow)::DataScalar, double>);
  check_calls(flow, X, 2e-5);  // some hundred roundings of float at values of order 1

  // Outside of the transform's domain: its coordinate is no float. And a field that overflows.
  float log_p = 1;
  RealTimeFlow real_time(flow, Rk4{}, FixedSteps(3));
  CHECK_FALSE(real_time.log_prob(Eigen::Vector2d(1e300, 0), log_p));
  flow.parameters() *= 1e15F;
  RealTimeFlow wild(flow, Rk4{}, FixedSteps(3));
  CHECK_FALSE(wild.log_prob(Eigen::Vector2d(0.5, 0.2), log_p));
  CHECK(log_p == 1);
  CHECK(real_time.log_prob(Eigen::Vector2d(0.5, 0.2), log_p));  // has its copy of the flow
  CHECK(log_p != 1);

  CHECK_THROWS_WITH(RealTimeFlow(flow, chosen_method<Rk4>("Rk4"), 0),
                    "RealTimeFlow: number of steps is 0, expected at least 1");
  CHECK_THROWS_AS(RealTimeFlow(flow, ChosenMethod{}, 1), ArgumentError);
  StepCalibration of_others;
  of_others.method = chosen_method<Rk4>("Rk4");
  of_others.steps = 2;
  of_others.samples = 10;
  CHECK_THROWS_WITH(RealTimeFlow(flow, of_others), ContainsSubstring("calibrate the flow anew after training"));
  of_others.samples = 0;  // chosen by hand
  CHECK(RealTimeFlow(flow, of_others).evaluations() == 8);
  flow.parameters()(0) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(RealTimeFlow(flow, Rk4{}, FixedSteps(3)), ArgumentError);
}
