/// \file
/// One step of an explicit Runge–Kutta method, as an object that owns all the storage of a step. The tableau's numbers
/// become one fused loop per stage at compile time; zeros leave no trace, so that 0 · NaN cannot arise.
///
/// By hand:
/// ```
/// Stepper<Dopri5, Eigen::Vector3d> stepper;
/// stepper.init(rhs, t, y);
/// stepper.step(rhs, t, h);                                         // a trial
/// if (stepper.estimate_error(rhs, 1e-6, 1e-6) <= 1) stepper.accept();  // else try again with another h
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/dense_weights.hpp>
#include <pathline/ode/error_control.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace pathline {

/// All storage of a step of `Method` on a `State`. Specialised for explicit methods here, for diagonally implicit ones
/// in diagonally_implicit_stepper.hpp, for ImplicitEuler in implicit_euler.hpp, for multistep ones in
/// adams_stepper.hpp.
template <class Method, class State>
class Stepper;

/// Whether the last stage of a step is wanted where the solution does not need it (first same as last).
enum class LastStage : std::uint8_t { evaluate, skip };

namespace detail {

// Rows of a tableau as types: weight(j) is a constant expression, as the fused sums need it.
template <class Method, int I>
struct StageWeights {
  static constexpr int count = I;
  static constexpr double weight(int j) { return Method::tableau.A(I, j); }
};
template <class Method>
struct SolutionWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) { return Method::tableau.b[std::size_t(j)]; }
};
template <class Method>
struct ErrorWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) {
    return Method::tableau.b[std::size_t(j)] - Method::tableau.b_embedded[std::size_t(j)];
  }
};
template <class Method>
struct CoarseErrorWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) { return Method::tableau.b[std::size_t(j)] - Method::b_coarse[std::size_t(j)]; }
};
template <class Method>
struct DenseWeights {
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int j) { return Method::dense[std::size_t(j)]; }
};

/// Whether a second partner, where there is one, has the order that it claims.
template <class Method>
constexpr bool coarse_order_holds() {
  if constexpr (DoublyEmbeddedMethod<Method>)
    return order_reached(Method::tableau, Method::b_coarse) == Method::coarse_order;
  else
    return true;
}

/// Whether an own continuous extension, where there is one, has the order that it claims.
template <class Method>
constexpr bool dense_order_holds() {
  if constexpr (DenselyExtendedMethod<Method>)
    return dense_order_reached(Method::tableau, Method::dense) == Method::dense_order;
  else
    return true;
}

/// The exponent of the step in the error estimate; of two partners as Stepper::estimate_error() puts them together.
template <class Method>
constexpr int error_exponent() {
  if constexpr (DoublyEmbeddedMethod<Method>)
    return 2 * (Method::tableau.embedded_order + 1) - (Method::coarse_order + 1);
  else
    return std::min(Method::tableau.order, Method::tableau.embedded_order) + 1;
}

/// E of two partners, of which `fine` is the norm of the better one's estimate: docs/maths.md, section 4.
inline double error_of_two(double fine, double coarse) {
  if (!std::isfinite(coarse)) return coarse;  // a squared norm that overflowed would divide the fine one to 0
  const double ratio = coarse / fine;
  return fine == 0 ? 0 : fine / std::sqrt(1 + 0.01 * ratio * ratio);
}

template <class Weights, int From = 0>
constexpr int next_nonzero() {
  int j = From;
  while (j < Weights::count && Weights::weight(j) == 0) ++j;
  return j;
}

/// sum + Σ_{j >= From} h w_j K_j as one expression; it refers to the K_j and to nothing else that could die.
template <class Weights, int From, class Sum, class Stages>
auto add_stages(const Sum& sum, double h, const Stages& K) {
  using Scalar = typename Sum::Scalar;
  constexpr int j = next_nonzero<Weights, From>();
  if constexpr (j == Weights::count)
    return sum;
  else
    return add_stages<Weights, j + 1>(sum + Scalar(h * Weights::weight(j)) * K[std::size_t(j)], h, K);
}

/// Σ h w_j K_j over the weights that are not 0, as one expression.
template <class Weights, class Stages>
auto weighted_stages(double h, const Stages& K) {
  using Scalar = typename Stages::value_type::Scalar;
  constexpr int j = next_nonzero<Weights>();
  static_assert(j < Weights::count, "tableau: a row of zeros");
  return add_stages<Weights, j + 1>(Scalar(h * Weights::weight(j)) * K[std::size_t(j)], h, K);
}

/// Whether the callable left its result in the shape of the state: an assignment to a dynamic matrix may resize it.
template <class State>
void require_shape(const State& got, const State& expected) {
  require_rows("solve: the right-hand side's result", got.rows(), expected.rows());
  require_columns("solve: the right-hand side's result", got.cols(), expected.cols());
}

}  // namespace detail

/// docs/maths.md, section 2. Storage is sized by the first state of a shape and kept; several solves may follow each
/// other. Not for use by two threads at once.
template <ExplicitMethod Method, OdeState State>
class Stepper<Method, State> {
  static_assert(tableau_defect(Method::tableau) == TableauDefect::none,
                "this method's tableau is inconsistent: tableau_defect(Method::tableau) names what is wrong");
  static_assert(detail::coarse_order_holds<Method>(), "this method's b_coarse is not of the order coarse_order");
  static_assert(
      DoublyEmbeddedMethod<Method> || !requires { Method::b_coarse; },
      "a second partner needs b_coarse, a weight for each stage, and coarse_order, its order");
  static_assert(detail::dense_order_holds<Method>(), "this method's dense output is not of the order dense_order");
  static_assert(
      DenselyExtendedMethod<Method> || !requires { Method::dense; },
      "an own dense output needs dense, a d for each stage, and dense_order, its order");

 public:
  using Scalar = typename State::Scalar;
  static constexpr int stages = Method::tableau.stages;
  static constexpr bool fsal = first_same_as_last(Method::tableau);
  static constexpr bool has_error = EmbeddedMethod<Method>;
  /// The exponent of the step in the error estimate.
  static constexpr int error_order = detail::error_exponent<Method>();

  /// Starts at y without evaluating anything. Allocates only when the shape is new.
  void reset(const State& y) {
    y_ = y;
    next_.resizeLike(y);
    for (State& stage : K_) stage.resizeLike(y);
    if constexpr (has_error) error_.resizeLike(y);
    first_stage_ready_ = false;
    stages_evaluated_ = 0;
    evaluations_ = 0;
  }

  /// Evaluates K_1 at (t, y) unless the last step left it there; true if it was evaluated.
  template <class Rhs>
  bool prepare(Rhs& rhs, double t) {
    if (first_stage_ready_) return false;
    detail::evaluate(rhs, t, y_, K_[0]);
    detail::require_shape(K_[0], y_);
    ++evaluations_;
    first_stage_ready_ = true;
    return true;
  }

  /// Forgets K_1: the right-hand side has changed. y stays.
  void restart() { first_stage_ready_ = false; }

  /// Starts at (t, y): reset and prepare.
  template <class Rhs>
  void init(Rhs& rhs, double t, const State& y) {
    reset(y);
    prepare(rhs, t);
  }

  /// Tries a step from (t, y) to t_next = t + h. Evaluates K_1 if it is missing, then stages 2 to s. y() stays.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h) {
    step(rhs, t, h, t + h);
  }

  /// The same where t + h would not round to the end exactly: stages with c = 1 are evaluated at t_next, so that a
  /// right-hand side known on [t0, t1] only is never asked an ulp beyond.
  template <class Rhs>
  void step(Rhs& rhs, double t, double h, double t_next, LastStage last = LastStage::evaluate) {
    prepare(rhs, t);
    h_ = h;
    t_next_ = t_next;
    stages_evaluated_ = 1;
    evaluate_stages<1>(rhs, t, last);
    // With "first same as last" the last stage's input is the solution.
    if constexpr (!fsal) next_.noalias() = y_ + detail::weighted_stages<detail::SolutionWeights<Method>>(h, K_);
  }

  /// Moves on to the end of the step tried last.
  void accept() {
    y_.swap(next_);
    first_stage_ready_ = fsal && stages_evaluated_ == stages;
    if constexpr (fsal)
      if (first_stage_ready_) K_[0].swap(K_[stages - 1]);
  }

  /// E of the step tried last, over the rows that the right-hand side wants to be counted: their root mean square in
  /// units of the tolerances. With two partners it is E_fine² / sqrt(E_fine² + 0.01 E_coarse²), as in Hairer's
  /// dop853.f.
  template <class Rhs>
  double estimate_error(const Rhs& rhs, double rtol, double atol) requires has_error {
    return estimate_by(rhs, [=](const auto& error, const auto& y, const auto& y_next) {
      return error_norm(error, y, y_next, rtol, atol);
    });
  }

  /// The same as the control measures it: error_control.hpp.
  template <class Rhs, AdaptiveControl Control>
  double estimate_error(const Rhs& rhs, const Control& control) requires has_error {
    return estimate_by(rhs, [&control](const auto& error, const auto& y, const auto& y_next) {
      return detail::measured_error(control, error, y, y_next);
    });
  }

  /// Writes e = h Σ (b_i - b̂_i) K_i of the step tried last, all rows; with any step control, before accept(). Of a
  /// method with two partners, as Dop853, the finer one alone, a gross overestimate: what its steps are judged by is
  /// less.
  void write_error(State& error) const requires has_error {
    eigen_assert(stages_evaluated_ == stages);
    error = detail::weighted_stages<detail::ErrorWeights<Method>>(h_, K_);
  }

  /// Writes h Σ d_i K_i of the step tried last, what its own extension adds to the Hermite polynomial; before accept().
  void write_dense_correction(State& correction) const requires DenselyExtendedMethod<Method> {
    eigen_assert(stages_evaluated_ == stages);
    correction = detail::weighted_stages<detail::DenseWeights<Method>>(h_, K_);
  }

  /// Evaluates at the end, t, of an Euler step of length h, for the choice of the first step; overwrites stage(1).
  template <class Rhs>
  void probe(Rhs& rhs, double t, double h) requires(stages > 1) {
    next_.noalias() = y_ + Scalar(h) * K_[0];
    detail::evaluate(rhs, t, next_, K_[1]);
    ++evaluations_;
  }

  [[nodiscard]] const State& y() const { return y_; }               ///< At the start of the step.
  [[nodiscard]] const State& y_next() const { return next_; }       ///< At its end.
  [[nodiscard]] const State& error() const { return error_; }       ///< After estimate_error(): the counted rows of e.
  [[nodiscard]] double h() const { return h_; }                     ///< Of the step tried last.
  [[nodiscard]] double t_next() const { return t_next_; }           ///< Where it ends, exactly.
  [[nodiscard]] Index evaluations() const { return evaluations_; }  ///< Since reset().
  [[nodiscard]] Index newton_iterations() const { return 0; }
  /// s, or s - 1 where the last stage was skipped.
  [[nodiscard]] int stages_evaluated() const { return stages_evaluated_; }
  /// K_{i+1}, i = 0 … s - 1, of the step tried last; valid until accept().
  [[nodiscard]] const State& stage(int i) const {
    eigen_assert(i >= 0 && i < stages);
    return K_[std::size_t(i)];
  }

 private:
  template <int I, class Rhs>
  void evaluate_stages(Rhs& rhs, double t, LastStage last) {
    if constexpr (I < stages) {
      next_.noalias() = y_ + detail::weighted_stages<detail::StageWeights<Method, I>>(h_, K_);
      if constexpr (fsal && I == stages - 1)
        if (last == LastStage::skip) return;
      constexpr double c = Method::tableau.c[std::size_t(I)];
      detail::evaluate(rhs, c == 1 ? t_next_ : t + c * h_, next_, K_[std::size_t(I)]);
      ++evaluations_;
      stages_evaluated_ = I + 1;
      evaluate_stages<I + 1>(rhs, t, last);
    }
  }

  template <class Rhs, class Norm>
  double estimate_by(const Rhs& rhs, const Norm& norm) {
    if constexpr (DoublyEmbeddedMethod<Method>) {
      const double coarse = norm_of_estimate<detail::CoarseErrorWeights<Method>>(rhs, norm);
      const double fine = norm_of_estimate<detail::ErrorWeights<Method>>(rhs, norm);
      return detail::error_of_two(fine, coarse);
    } else {
      return norm_of_estimate<detail::ErrorWeights<Method>>(rhs, norm);
    }
  }

  /// Leaves h Σ w_i K_i in error_, its counted rows at least, and returns their norm.
  template <class Weights, class Rhs, class Norm>
  double norm_of_estimate(const Rhs& rhs, const Norm& norm) {
    if constexpr (HasErrorRows<Rhs>) {
      const Index rows = rhs.error_rows();
      error_.topRows(rows) = detail::weighted_stages<Weights>(h_, K_).topRows(rows);
      return norm(error_.topRows(rows), y_.topRows(rows), next_.topRows(rows));
    } else {
      error_.noalias() = detail::weighted_stages<Weights>(h_, K_);
      return norm(error_, y_, next_);
    }
  }

  State y_, next_;  // next_ is the input of each stage in turn, and y_next at last
  std::array<State, std::size_t(stages)> K_;
  State error_;
  double h_ = 0, t_next_ = 0;
  Index evaluations_ = 0;
  int stages_evaluated_ = 0;
  bool first_stage_ready_ = false;
};

}  // namespace pathline
