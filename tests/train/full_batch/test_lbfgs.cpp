// The direction of L-BFGS is that of BFGS with the matrix written out.
#include <pathline/train/full_batch/lbfgs.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <limits>

using namespace pathline;

namespace {

Batch<double> gaussian(Index rows, Index columns, std::uint64_t number) {
  Batch<double> X(rows, columns);
  fill<Gaussian>(Draw{11, number}, 0, X);
  return X;
}

}  // namespace

TEST_CASE("L-BFGS has the direction of the BFGS matrix of its last pairs", "[train][full_batch]") {
  constexpr Index n = 6, pairs = 3, steps = 5;  // the first two pairs are forgotten
  const Batch<double> root = gaussian(n, n, 0), A = root * root.transpose() + Batch<double>::Identity(n, n);
  const Batch<double> points = gaussian(n, steps + 1, 1), gradients = A * points;
  detail::LimitedMemory<double> memory(n, pairs);
  for (Index k = 0; k < steps; ++k) {
    const Vector<double> theta = points.col(k), next = points.col(k + 1), g = gradients.col(k),
                         h = gradients.col(k + 1);
    memory.add(theta, next, g, h);
  }
  // Equation 7.16, from the multiple of the identity in equation 7.20.
  Batch<double> H;
  for (Index k = steps - pairs; k < steps; ++k) {
    const Vector<double> s = points.col(k + 1) - points.col(k), y = gradients.col(k + 1) - gradients.col(k);
    const Batch<double> I = Batch<double>::Identity(n, n);
    if (k == steps - pairs) {
      const Vector<double> last_s = points.col(steps) - points.col(steps - 1),
                           last_y = gradients.col(steps) - gradients.col(steps - 1);
      H = last_s.dot(last_y) / last_y.squaredNorm() * I;
    }
    const Batch<double> V = I - y * s.transpose() / s.dot(y);
    H = (V.transpose() * H * V + s * s.transpose() / s.dot(y)).eval();
  }
  const Vector<double> gradient = gaussian(n, 1, 2);
  Vector<double> direction(n);
  memory.set_direction(gradient, direction);
  const Vector<double> expected = -(H * gradient);
  CHECK((direction - expected).norm() < 1e-12 * expected.norm());  // the condition of H is a few hundred

  // A pair without positive curvature is not learned from; without pairs the direction is the gradient's.
  const Vector<double> zero = Vector<double>::Zero(n), back = -gradient;
  memory.add(zero, gradient, zero, back);
  Vector<double> same(n);
  memory.set_direction(gradient, same);
  CHECK(same == direction);
  memory.clear();
  CHECK(memory.empty());
  memory.set_direction(gradient, direction);
  CHECK(direction == -gradient);
}

TEST_CASE("LBfgs refuses settings out of range by name", "[train][full_batch][errors]") {
  CHECK_NOTHROW(LBfgs{}.check());
  CHECK_THROWS_WITH((LBfgs{.memory = 0}.check()), "LBfgs: memory is 0, expected at least 1");
  CHECK_THROWS_WITH((LBfgs{.max_iterations = -1}.check()), "LBfgs: max_iterations is -1, expected at least 0");
  CHECK_THROWS_WITH((LBfgs{.max_evaluations = 0}.check()), "LBfgs: max_evaluations is 0, expected at least 1");
  CHECK_THROWS_WITH((LBfgs{.gradient_tolerance = std::numeric_limits<double>::quiet_NaN()}.check()),
                    "LBfgs: gradient_tolerance is nan, expected at least 0");
  CHECK_THROWS_WITH((LBfgs{.gain_tolerance = -1}.check()), "LBfgs: gain_tolerance is -1, expected at least 0");
  CHECK_THROWS_WITH((LBfgs{.sufficient_decrease = 0}.check()),
                    "LBfgs: sufficient_decrease is 0, expected between 0 and 1");
  CHECK_THROWS_WITH((LBfgs{.curvature = 1e-5}.check()),
                    "LBfgs: curvature is 1e-05, expected above sufficient_decrease and below 1");
  CHECK_THROWS_WITH((LBfgs{.search_evaluations = 1}.check()), "LBfgs: search_evaluations is 1, expected at least 2");
}
