// A family of methods from outside of the library: one concept and one specialisation of Stepper, in this file alone.
// Taylor's method of order 2 reads the second derivative of the solution from the right-hand side.
#include <pathline/ode/stepper.hpp>

#include <pathline/ode/output/save_at.hpp>
#include <pathline/ode/output/trajectory.hpp>
#include <pathline/ode/solve.hpp>

#include <support/catch.hpp>

#include <cmath>

namespace pathline {
namespace {

/// y_next = y + h y' + h²/2 y''; Euler's method is its partner.
struct Taylor2 {
  static constexpr int order = 2, embedded_order = 1;
  static constexpr bool taylor = true;
};
struct NoFamily {
  [[maybe_unused]] static constexpr int order = 2, embedded_order = 1;
};
template <class M>
concept TaylorMethod = requires {
  requires M::taylor;
};

/// y' = -2 t y, whose solution is exp(-t²) y(0), with y'' = (4 t² - 2) y.
struct Bell {
  template <class State>
  void operator()(double t, const State& y, State& dy) const {
    dy = -2 * t * y;
  }
  template <class State>
  void second(double t, const State& y, State& ddy) const {
    ddy = (4 * t * t - 2) * y;
  }
};

}  // namespace

template <TaylorMethod Method, OdeState State>
class Stepper<Method, State> {
 public:
  static constexpr bool has_error = true;
  static constexpr int error_order = detail::error_exponent<Method>;

  void reset(const State& y) {
    y_ = next_ = error_ = slope_ = end_slope_ = y;
    slope_known_ = end_slope_known_ = false;
    evaluations_ = 0;
  }
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (slope_known_) return false;
    evaluate(rhs, t, y_, slope_);
    return slope_known_ = true;
  }
  void restart() { slope_known_ = false; }
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage /*last*/ = LastStage::evaluate) {
    prepare(rhs, t);
    rhs.second(t, y_, error_);
    error_ *= h * h / 2;
    next_ = y_ + h * slope_ + error_;
    h_ = h;
    t_next_ = t_next;
    end_slope_known_ = false;
  }
  template <class Rhs, class Control>
  double estimate_error(const Rhs& /*rhs*/, const Control& control) {
    return error_norm(error_, y_, next_, control.rtol, control.atol);
  }
  void accept() {
    y_ = next_;
    slope_ = end_slope_;
    slope_known_ = end_slope_known_;
  }
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) {
    next_ = y_ + h * slope_;
    evaluate(rhs, t, next_, end_slope_);
  }
  template <class Rhs>
  const State& start_slope(Rhs& /*rhs*/, double /*t*/) {
    return slope_;
  }
  template <class Rhs>
  const State& end_slope(Rhs& rhs) {
    if (!end_slope_known_) evaluate(rhs, t_next_, next_, end_slope_);
    end_slope_known_ = true;
    return end_slope_;
  }

  [[nodiscard]] const State& y() const { return y_; }
  [[nodiscard]] const State& y_next() const { return next_; }
  [[nodiscard]] const State& error() const { return error_; }
  [[nodiscard]] const State& stage(int i) const { return i == 0 ? slope_ : end_slope_; }
  [[nodiscard]] double h() const { return h_; }
  [[nodiscard]] double t_next() const { return t_next_; }
  [[nodiscard]] Index evaluations() const { return evaluations_; }
  [[nodiscard]] Index newton_iterations() const { return 0; }

 private:
  template <class Rhs>
  void evaluate(Rhs& rhs, double t, const State& y, State& dy) {
    rhs(t, y, dy);
    ++evaluations_;
  }
  State y_, next_, error_, slope_, end_slope_;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0;
  bool slope_known_ = false, end_slope_known_ = false;
};

namespace {

static_assert(SteppingMethod<Taylor2> && SteppingMethod<Taylor2, Eigen::Vector2f> && EmbeddedMethod<Taylor2>);
static_assert(!SteppingMethod<NoFamily> && !SteppingMethod<int> && !SteppingMethod<Taylor2, Eigen::Vector2i>);
static_assert(SteppingMethod<Dopri5> && !ImplicitMethod<Taylor2> && !TwoPartMethod<Taylor2>);
static_assert(detail::error_exponent<Taylor2> == 2 && detail::error_exponent<Dopri5> == 5);

const Eigen::Vector2d y0(1, -3);

double error_at(double t, const Eigen::Vector2d& y) { return (y - std::exp(-t * t) * y0).cwiseAbs().maxCoeff(); }

}  // namespace

TEST_CASE("A family of one's own is solved by fixed steps with its order", "[ode][stepper]") {
  const Bell rhs;
  const double coarse = error_at(1, solve(rhs, y0, 0, 1, Taylor2{}, FixedSteps(50)));
  const double fine = error_at(1, solve(rhs, y0, 0, 1, Taylor2{}, FixedSteps(100)));
  CHECK(coarse < 1e-3);
  CHECK(std::log2(coarse / fine) == Approx(2).margin(0.1));
}

TEST_CASE("A family of one's own is controlled, lands on times and is interpolated", "[ode][stepper]") {
  const Bell rhs;
  const PiController control{.rtol = 1e-6, .atol = 1e-6};
  const auto path = solve(rhs, y0, {0., 0.5, 2.}, Taylor2{}, control);
  // The estimate is Euler's error: what is left of it by order 2 is far below.
  for (std::size_t i = 0; i < 3; ++i) CHECK(error_at(path.times[i], path.states[i]) < 1e-5);
  CHECK(path.statistics.accepted > 100);
  CHECK(path.statistics.evaluations >= path.statistics.accepted);

  const Trajectory<Eigen::Vector2d> whole = solve_trajectory(rhs, y0, 0, 2, Taylor2{}, control);
  const auto saved = solve(rhs, y0, 0, 2, SaveAt{{0.3, 1.1}}, Taylor2{}, control);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(error_at(saved.times[i], saved.states[i]) < 1e-5);
    CHECK(whole(saved.times[i]) == saved.states[i]);
  }
}

TEST_CASE("A failure of a family of one's own tells its steps and advises an order", "[ode][stepper][errors]") {
  const Bell rhs;
  CHECK_THROWS_WITH(solve(rhs, y0, 0, 2, Taylor2{}, PiController{.max_steps = 5}),
                    ContainsSubstring("step limit") && ContainsSubstring("higher order than 2"));
}

}  // namespace pathline
