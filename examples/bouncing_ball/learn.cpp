#include <examples/bouncing_ball/learn.hpp>

#include <pathline/gradient/event/value_and_gradient_with_events.hpp>
#include <pathline/nn/differentiable.hpp>

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <tuple>

using namespace pathline;

namespace {

/// y = (height, velocity, bounces so far); p = (drag).
struct Fall {
  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& p, D& dy) const {
    using std::abs;
    dy[0] = y[1];
    dy[1] = -gravity - p[0] * y[1] * abs(y[1]);
    dy[2] = T(0);
  }
};
struct Height {
  template <class T, class Y, class P>
  T operator()(const T& /*t*/, const Y& y, const P& /*p*/) const {
    return y[0];
  }
};
/// p = (restitution). The last bounce that is asked for ends the solve, and so does one that is too slow.
struct Bounce {
  int count;
  template <class T, class Y, class P, class N>
  AfterReset operator()(const T& /*t*/, const Y& y, const P& p, N& y_new) const {
    y_new[0] = T(0);
    y_new[1] = -p[0] * y[1];
    y_new[2] = y[2] + 1;
    return y_new[2] < count && y_new[1] > slowest ? AfterReset::go_on : AfterReset::end;
  }
};

constexpr double longest = 60;  // s

auto ode_of(const Ball& ball) {
  return NeuralOde(differentiable(Fall{}, 3, Vector<double>{{ball.drag}}), Dopri5{},
                   PiController{.rtol = 1e-9, .atol = 1e-9});
}
auto bounces_of(const Ball& ball, int count) {
  return std::tuple(DifferentiableEvent(Height{}, {.crossing = Crossing::falling}, Bounce{count},
                                        Vector<double>{{ball.restitution}}));
}
Vector<double> start_of(const Ball& ball) { return Vector<double>{{ball.height, 0, 0}}; }

}  // namespace

std::vector<double> bounce_times(const Ball& ball, int count) {
  std::vector<double> times;
  const auto path = solve_with_events(ode_of(ball), start_of(ball), std::vector{0., longest}, bounces_of(ball, count));
  for (const auto& hit : path.hits) times.push_back(hit.t);
  return times;
}

Ball learn(const std::vector<double>& heard, const Ball& guess, int iterations,
           const std::function<void(int, double, const Ball&)>& tell) {
  const auto n = Index(heard.size());
  Ball ball = guess, best = guess;
  Vector<double> late(n), best_late;  // s
  Eigen::MatrixXd by(n, 3), best_by;  // of each bounce's time by height, restitution and drag
  double damping = 1e-2;
  for (int i = 0; i <= iterations; ++i) {
    // A trial ball may come to rest too soon, and is then worse than any other.
    const bool bounces = bounce_times(ball, int(n)).size() == heard.size();
    if (!bounces) late.setConstant(std::numeric_limits<double>::infinity());
    for (Index k = 0; bounces && k < n; ++k) {
      const auto time = [k](const EventPath<double>& path, EventPathBar<double>& bar) {
        bar.hits.at(std::size_t(k)).t += 1;
        return path.hits.at(std::size_t(k)).t;
      };
      const auto result = value_and_gradient_with_events(ode_of(ball), start_of(ball), std::vector{0., longest},
                                                         bounces_of(ball, int(k) + 1), time);
      late(k) = result.value - heard[std::size_t(k)];
      by.row(k) << result.initial(0), result.events[0](0), result.parameters(0);
    }
    const bool better = best_late.size() == 0 || late.squaredNorm() < best_late.squaredNorm();
    damping *= better ? 0.2 : 5;
    if (better) best = ball, best_late = late, best_by = by;
    tell(i, std::sqrt(best_late.squaredNorm() / double(n)), best);
    const Eigen::Matrix3d normal = best_by.transpose() * best_by + damping * Eigen::Matrix3d::Identity();
    const Eigen::Vector3d step = normal.llt().solve(best_by.transpose() * best_late);
    ball = {std::max(best.height - step(0), 0.1 * best.height), std::clamp(best.restitution - step(1), 0.1, 1.0),
            std::max(best.drag - step(2), 0.0)};
  }
  return best;
}
