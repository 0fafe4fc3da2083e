/// \file
/// Regularizers of the steps: the error that a solve estimates, and the stiffness that it meets, as terms of the loss
/// (Pal, Ma, Shah & Rackauckas 2021, "Opening the Blackbox", arXiv 2105.03918). Both are free on the way out, since
/// the stages are there already; on the way back they add to the stages' cotangents. docs/maths.md, (11.3) and (11.4).
///
///     using Gradient = Backpropagation<KeepTapes, ErrorEstimateCost<Dopri5>>;
///     NeuralOde ode(field, Dopri5{}, control, Gradient{.step_cost = {.weight = 10}});
///
/// Stages hold every row of the state, a flow's log-determinant and running costs among them: `rows` says how many of
/// the top rows count. Norms run over all columns of a chunk, as the error norm of the step control does.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/step_cost.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/explicit/explicit_stepper.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

namespace pathline {

namespace detail {

/// The rows that a cost of the steps counts.
///
/// \throws ArgumentError when the state has not as many.
template <Real Scalar>
[[nodiscard]] Index counted_rows(const char* what, Index rows, const AcceptedStep<Scalar>& step) {
  const Index all = step.stages[0].rows();
  if (rows < 0 || rows > all) throw ArgumentError(what, rows, "0 (all) to " + std::to_string(all));
  return rows == 0 ? all : rows;
}

/// Stages i < j evaluated at one time, the last such pair of the tableau; i is negative if there is none.
struct StagePair {
  int i = -1, j = -1;
};
template <int S>
[[nodiscard]] constexpr StagePair simultaneous_stages(const ExplicitTableau<S>& tableau) {
  for (int j = S - 1; j > 0; --j)
    for (int i = j - 1; i >= 0; --i)
      if (tableau.c[std::size_t(i)] == tableau.c[std::size_t(j)]) return {i, j};
  return {};
}

template <class M>
concept MethodWithStagePair = ExplicitMethod<M> &&(simultaneous_stages(M::tableau).i >= 0);

/// h Σ w_l K_l is the difference of the inputs of the two stages, Y_j - Y_i.
template <class Method>
struct InputDifferenceWeights {
  static constexpr StagePair pair = simultaneous_stages(Method::tableau);
  static constexpr int count = Method::tableau.stages;
  static constexpr double weight(int l) { return Method::tableau.A(pair.j, l) - Method::tableau.A(pair.i, l); }
};

}  // namespace detail

/// weight · Σ_n E_n |h_n| over the accepted steps. E_n is the root mean square over the counted rows and all columns of
/// e = h Σ (b_i - b̂_i) K_i, in units of the state. Where E_n = 0 its subgradient is 0. Of Dop853's two partners the
/// finer alone, which overestimates its error grossly.
///
/// The authors' code divides e by the tolerances first, as the step control does, and its MNIST experiment averages
/// over the steps: a coefficient λ there, at atol alone and with N steps, is a weight of λ / (N atol) here.
template <class Method>
struct ErrorEstimateCost {
  static_assert(EmbeddedMethod<Method>,
                "ErrorEstimateCost: this method estimates no error; use BogackiShampine, Dopri5 or Tsit5");
  static_assert(
      !requires { typename Method::Closing; },
      "ErrorEstimateCost: another method with other weights takes some steps of this one; use Esdirk547L2SA2");
  using method = Method;  ///< A solve by another method does not compile.

  double weight = 1.0;  ///< Factor in the loss.
  Index rows = 0;       ///< Top rows of the state that count, d + 1 for what a flow's step control sees; 0 is all.

  /// \throws ArgumentError when the state has not that many rows.
  template <Real Scalar>
  [[nodiscard]] Scalar evaluate(const AcceptedStep<Scalar>& step) const {
    return Scalar(weight * std::abs(step.h)) * norm(step);
  }

  template <Real Scalar>
  void pullback(const AcceptedStep<Scalar>& step, std::span<BatchMap<Scalar>> stages_bar) const {
    const Index top = detail::counted_rows(what, rows, step), columns = step.stages[0].cols();
    const Scalar E = norm(step);
    if (!(E > Scalar(0))) return;
    // dE = ⟨e, de⟩ / (N E). e is formed once more for each stage: no scratch, and little beside one evaluation.
    const Scalar factor = Scalar(weight * std::abs(step.h)) / (E * Scalar(top * columns));
    for (std::size_t i = 0; i < stages_bar.size(); ++i)
      if (Weights::weight(int(i)) != 0)
        stages_bar[i].topRows(top) += (factor * Scalar(step.h * Weights::weight(int(i)))) *
                                      detail::weighted_stages<Weights>(step.h, step.stages).topRows(top);
  }

 private:
  using Weights = detail::ErrorWeights<Method>;
  static constexpr const char* what = "ErrorEstimateCost: rows";

  template <Real Scalar>
  [[nodiscard]] Scalar norm(const AcceptedStep<Scalar>& step) const {
    const Index top = detail::counted_rows(what, rows, step);
    const Scalar sum = detail::weighted_stages<Weights>(step.h, step.stages).topRows(top).squaredNorm();
    return std::sqrt(sum / Scalar(top * step.stages[0].cols()));
  }
};

/// weight · Σ_n ‖K_a - K_b‖ / ‖Y_a - Y_b‖ over the accepted steps, for two stages at one time, c_a = c_b: an estimate
/// of the largest eigenvalue of the Jacobian that costs nothing (Hairer & Wanner II, section IV.2, for Dopri5; Pal et
/// al.'s S_n, whose norm does not matter). Stages 6 and 7 of Dopri5 and Tsit5, 2 and 3 of Rk4. 0 / 0, where the field
/// is still, counts as 0, and so does its subgradient. The authors' code also divides by the size of the method's
/// stability region, and its MNIST experiment takes the largest S_n where this adds them up, as the paper writes it.
template <class Method>
struct StiffnessCost {
  static_assert(detail::MethodWithStagePair<Method>,
                "StiffnessCost: this method has no two stages at one time; use Dopri5, Tsit5 or Rk4");
  using method = Method;  ///< A solve by another method does not compile.

  double weight = 1.0;  ///< Factor in the loss.
  Index rows = 0;       ///< Top rows of the state that count: d for a flow, whose other rows feed back into nothing.

  /// \throws ArgumentError when the state has not that many rows.
  template <Real Scalar>
  [[nodiscard]] Scalar evaluate(const AcceptedStep<Scalar>& step) const {
    const Index top = detail::counted_rows(what, rows, step);
    const Scalar dY = input_difference(step, top);
    return dY > Scalar(0) ? Scalar(weight) * stage_difference(step, top) / dY : Scalar(0);
  }

  template <Real Scalar>
  void pullback(const AcceptedStep<Scalar>& step, std::span<BatchMap<Scalar>> stages_bar) const {
    const Index top = detail::counted_rows(what, rows, step);
    const Scalar dK = stage_difference(step, top), dY = input_difference(step, top);
    if (!(dK > Scalar(0) && dY > Scalar(0))) return;
    // d(‖ΔK‖ / ‖ΔY‖) = ⟨ΔK, dΔK⟩ / (‖ΔK‖ ‖ΔY‖) - ‖ΔK‖ / ‖ΔY‖³ ⟨ΔY, dΔY⟩
    const Scalar up = Scalar(weight) / (dK * dY), down = Scalar(weight) * (dK / dY) / dY / dY;
    stages_bar[j].topRows(top) += up * (step.stages[j] - step.stages[i]).topRows(top);
    stages_bar[i].topRows(top) -= up * (step.stages[j] - step.stages[i]).topRows(top);
    for (std::size_t l = 0; l < stages_bar.size(); ++l)
      if (Weights::weight(int(l)) != 0)
        stages_bar[l].topRows(top) -= (down * Scalar(step.h * Weights::weight(int(l)))) *
                                      detail::weighted_stages<Weights>(step.h, step.stages).topRows(top);
  }

 private:
  using Weights = detail::InputDifferenceWeights<Method>;
  static constexpr const char* what = "StiffnessCost: rows";
  static constexpr auto i = std::size_t(Weights::pair.i), j = std::size_t(Weights::pair.j);

  template <Real Scalar>
  [[nodiscard]] static Scalar stage_difference(const AcceptedStep<Scalar>& step, Index top) {
    return (step.stages[j] - step.stages[i]).topRows(top).norm();
  }
  template <Real Scalar>
  [[nodiscard]] static Scalar input_difference(const AcceptedStep<Scalar>& step, Index top) {
    return detail::weighted_stages<Weights>(step.h, step.stages).topRows(top).norm();
  }
};

}  // namespace pathline
