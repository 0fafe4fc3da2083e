// Fused sums: what they add up, and what they do not touch.
#include <pathline/ode/tableau/weighted_stages.hpp>

#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>

#include <Eigen/Core>

#include <array>
#include <cstddef>
#include <limits>

namespace pathline {
namespace {

using State = Eigen::Vector2d;

static_assert(detail::SolutionWeights<Dopri5>::weight(2) == 500. / 1113);
static_assert(detail::StageWeights<Rk4, 2>::count == 2 && detail::StageWeights<Rk4, 2>::weight(1) == 0.5);
static_assert(detail::nonzero_places<detail::StageWeights<Rk4, 3>> == std::array<std::size_t, 1>{2});
static_assert(detail::all_zero<detail::StageWeights<Rk4, 0>> && !detail::all_zero<detail::StageWeights<Rk4, 1>>);

}  // namespace

TEST_CASE("A weighted sum never meets a stage whose weight is 0", "[ode][stepper]") {
  std::array<State, 4> K{State(1, 2), State(3, 4), State(5, 6), State(7, 8)};
  const State expected = 0.5 / 6 * (K[0] + 2 * K[1] + 2 * K[2] + K[3]);
  CHECK((detail::weighted_stages<detail::SolutionWeights<Rk4>>(0.5, K) - expected).norm() < 1e-15);
  K[0] = K[1] = State::Constant(std::numeric_limits<double>::quiet_NaN());
  CHECK(detail::weighted_stages<detail::StageWeights<Rk4, 3>>(0.5, K).eval() == 0.5 * K[2]);
}

TEST_CASE("Nothing is added where all weights are 0", "[ode][stepper]") {
  const std::array<State, 4> K{State(1, 2), State(3, 4), State(5, 6), State(7, 8)};
  const State y(1, 1);
  State to(0, 0);
  detail::write_sum<detail::StageWeights<Rk4, 0>>(to, y, 0.5, K);
  CHECK(to == y);
  detail::add_sum<detail::StageWeights<Rk4, 0>>(to, 0.5, K);
  CHECK(to == y);
  detail::add_sum<detail::StageWeights<Rk4, 3>>(to, 0.5, K);
  CHECK(to == y + 0.5 * K[2]);
  detail::write_sum<detail::StageWeights<Rk4, 3>>(to, y, 0.5, K);
  CHECK(to == y + 0.5 * K[2]);
}

// Of a small state entry by entry, of one of dynamic size in one loop over its scalars.
TEMPLATE_TEST_CASE("Sums of stages are written with and without the state before", "[ode][stepper]", Eigen::Vector3d,
                   Batch<double>) {
  using Tsit5Weights = detail::SolutionWeights<Tsit5>;
  std::array<TestType, 7> K;
  constexpr Index columns = TestType::ColsAtCompileTime == 1 ? 1 : 7;  // 21 entries: some packs and a rest
  TestType y(3, columns), to(3, columns), sum = TestType::Zero(3, columns);
  for (Index i = 0; i < y.size(); ++i) y(i) = 1 - double(i % 5);
  for (std::size_t j = 0; j < K.size(); ++j) {
    K[j].resize(3, columns);
    for (Index i = 0; i < y.size(); ++i) K[j](i) = double((i + 1) * Index(j + 1) % 11) - 4;
  }
  for (int j = 0; j < Tsit5Weights::count; ++j) sum += 0.25 * Tsit5Weights::weight(j) * K[std::size_t(j)];
  // Rounding of six terms below 40 in 21 entries.
  detail::write_weighted<Tsit5Weights>(to, y, 0.25, K);
  CHECK((to - y - sum).norm() < 1e-13);
  detail::write_weighted<Tsit5Weights>(to, 0.25, K);
  CHECK((to - sum).norm() < 1e-13);
  detail::write_sum<Tsit5Weights>(to, y, 0.25, K);
  CHECK((to - y - sum).norm() < 1e-13);
  to = y;
  detail::add_sum<Tsit5Weights>(to, 0.25, K);
  CHECK((to - y - sum).norm() < 1e-13);
}

TEST_CASE("Stages may lie anywhere", "[ode][stepper]") {
  const State a(1, 2), b(3, 4);
  const auto K = detail::states_at<State>([&](std::size_t j) -> const State& { return j % 2 == 0 ? a : b; });
  CHECK((detail::weighted_stages<detail::SolutionWeights<Rk4>>(6, K) - (3 * a + 3 * b)).norm() < 1e-14);
}

}  // namespace pathline
