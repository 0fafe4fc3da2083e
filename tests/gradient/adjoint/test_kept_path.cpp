#include <pathline/gradient/adjoint/kept_path.hpp>

#include <pathline/core/random.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/integrate.hpp>
#include <pathline/ode/output/trajectory.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <array>
#include <cmath>

using namespace pathline;
using namespace pathline::test;

namespace {

struct PathRecorder : NoObserver {
  detail::KeptPath<double>& path;
  explicit PathRecorder(detail::KeptPath<double>& to) : path(to) {}
  template <class Rhs, class Method>
  void read_step(Rhs& rhs, double t, Stepper<Method, Batch<double>>& stepper) {
    path.append(rhs, stepper, t);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("KeptPath is the trajectory's polynomial, of the path rows alone", "[gradient][adjoint]", Dopri5,
                   Dop853) {
  const auto pendulum = [](double t, const Batch<double>& y, Batch<double>& dy) {
    dy.row(0) = y.row(1);
    dy.row(1) = -y.row(0).array().sin() + std::cos(t);
    dy.row(2) = y.row(0);  // a quadrature
  };
  const auto check = [&](detail::KeptPath<double>& path, Index n, double t0, double t1) {
    Batch<double> start(3, n);
    fill<Gaussian>(Draw{5, 0}, 0, start);
    const PiController control{.rtol = 1e-5, .atol = 1e-5};
    const Trajectory<Batch<double>> trajectory = solve_trajectory(pendulum, start, t0, t1, TestType{}, control);
    Batch<double> y = start;
    Stepper<TestType, Batch<double>> stepper;
    const std::array<double, 2> times{t0, t1};
    path.start(2, n);
    (void)integrate(TestType{}, control, pendulum, y, times, stepper, PathRecorder(path));
    CHECK(path.steps() == trajectory.steps());
    Batch<double> z(2, n);
    for (const double end : trajectory.times()) {
      path.evaluate(end, z);
      CHECK(z == trajectory(end).topRows(2));  // to the bit
    }
    for (int i = 1; i < 40; ++i) {
      const double t = t0 + i * (t1 - t0) / 40;
      path.evaluate(t, z);
      CHECK(max_difference(z, trajectory(t).topRows(2).eval()) < 1e-14);  // sums in another order
    }
  };
  detail::KeptPath<double> path;
  check(path, 3, 0, 5);
  check(path, 2, 5, -1);  // the same memory, for a narrower chunk and backward
  check(path, 3, 0, 2);
}
