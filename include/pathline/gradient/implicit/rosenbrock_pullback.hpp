/// \file
/// The way back over one step of a Rosenbrock method. docs/maths.md, (6.19) and (6.20).
///
/// A step solves linear systems with the Jacobian at its start, and so its derivative holds that of the Jacobian: the
/// pullback of the derivatives of f along the increments. Nothing is iterated, and the gradient is that of the numbers
/// computed, to rounding, under step control too.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/dynamics_with_directions.hpp>
#include <pathline/gradient/implicit/rosenbrock_recording.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/implicit/rosenbrock/rosenbrock_tableau.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace pathline {

template <RosenbrockMethod Method>
struct StepRecord<Method> {
  template <Real S>
  using Dynamics = DynamicsWithDirections<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = RosenbrockRecording<Method, S, Storage, keep_stages>;
  template <Real S>
  using Memory = std::vector<detail::TransposedSystem<S>>;  ///< One for each sample.
};

namespace detail {

/// The step in its increments u, as the stepper takes it:
///     (I - hγJ) u_i = hγ f(t_i, y + Σ α_ij u_j) + γ Σ c_ij u_j + h²γ τ_i ∂f/∂t,   y⁺ = y + Σ m_i u_i.
template <class Method>
struct IncrementTableau {
  static constexpr auto tableau = Method::tableau;
  static constexpr auto stages = std::size_t(Method::tableau.stages);
  using Weights = std::array<double, stages>;

  std::array<Weights, stages> alpha{}, c{};
  Weights m{}, node{}, tau{};

  constexpr IncrementTableau() {
    m = in_increments(tableau, tableau.b);
    for (std::size_t i = 0; i < stages; ++i) {
      Weights row{}, unit{};
      for (std::size_t j = 0; j < i; ++j) row[j] = tableau.alpha(int(i), int(j));
      unit[i] = -1;
      alpha[i] = in_increments(tableau, row);
      c[i] = in_increments(tableau, unit);
      node[i] = row_sum_of_alpha(tableau, int(i));
      tau[i] = row_sum_of_gamma(tableau, int(i));
    }
  }

  /// The stages that the solution reads: all but the last of a method that is first same as last.
  [[nodiscard]] constexpr std::size_t in_solution() const {
    std::size_t count = stages;
    while (m[count - 1] == 0) --count;
    return count;
  }
};

}  // namespace detail

/// From λ = ȳ⁺, with M = I - hγJ, for i = s … 1,
///     Mᵀ w_i = m_i λ + Σ_{j>i} (α_ji μ_j + γ c_ji w_j),   μ_i = J_iᵀ hγ w_i,
/// then μ_1 and θ̄ take what the derivatives D_i = J u_i + h τ_i ∂f/∂t owe with the cotangents hγ w_i, and λ += Σ μ_i.
template <RosenbrockMethod Method, Dynamics G>
class StepPullback<Method, G> {
  using Scalar = typename G::Scalar;
  static constexpr detail::IncrementTableau<Method> tableau{};
  static constexpr double gamma = Method::tableau.gamma;
  static constexpr std::size_t s = tableau.in_solution();

 public:
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame,
               std::vector<detail::TransposedSystem<Scalar>>& systems)
      : systems_(systems),
        J_(frame.batch(dynamics.rows(), dynamics.rows() * dynamics.columns())),
        bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        F_bar_(frame.batch(dynamics.rows(), Index(1 + s) * dynamics.columns())),
        mu_(make(frame, dynamics.rows(), dynamics.columns(), std::make_index_sequence<s>{})) {
    if (systems_.size() < std::size_t(dynamics.columns())) systems_.resize(std::size_t(dynamics.columns()));
    for (auto& system : systems_) system.resize(dynamics.rows());
  }

  void begin() {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const auto index = std::size_t(&step - record.steps().data());
    const auto h_gamma = Scalar(step.h * gamma);
    const View<Scalar> bar(bar_);
    factor(index, h_gamma, record);
    for (std::size_t i = s; i-- > 0;) {
      detail::set_scaled<Scalar>(Scalar(tableau.m[i]), lambda, bar);
      for (std::size_t j = i + 1; j < s; ++j) {
        if (tableau.alpha[j][i] != 0) detail::axpy<Scalar>(Scalar(tableau.alpha[j][i]), mu_[j], bar);
        if (tableau.c[j][i] != 0) detail::axpy<Scalar>(Scalar(gamma * tableau.c[j][i]), w(j), bar);
      }
      solve(bar, w(i));
      if (i == 0) break;
      detail::set_scaled<Scalar>(h_gamma, w(i), bar);
      const double t = tableau.node[i] == 1 ? step.t_next : step.t + tableau.node[i] * step.h;
      Scalar t_bar(0);
      record.pullback(step.rest + i - 1, t, bar, mu_[i], theta_bar, t_bar);
    }
    std::array<Scalar, s> times;
    for (std::size_t i = 0; i < s; ++i) times[i] = Scalar(step.h * tableau.tau[i]);
    const View<Scalar> F_bar(F_bar_);
    detail::copy<Scalar>(w(0), F_bar.leftCols(bar.cols()));  // the first stage is f at the start itself
    detail::scale<Scalar>(h_gamma, F_bar);
    record.pullback_along_increments(index, times, F_bar, mu_[0], theta_bar);
    for (std::size_t i = 0; i < s; ++i) detail::add<Scalar>(mu_[i], lambda);
    return Index(s);
  }

 private:
  /// w_i, in the place of the cotangent of D_i.
  [[nodiscard]] View<Scalar> w(std::size_t i) {
    return View<Scalar>(F_bar_).middleCols(Index(1 + i) * bar_.cols(), bar_.cols());
  }

  template <class Record>
  void factor(std::size_t step, Scalar h_gamma, Record& record) {
    const Index d = J_.rows();
    record.jacobian_at_start(step, J_);
    for (Index j = 0; j < bar_.cols(); ++j) {
      auto& system = systems_[std::size_t(j)];
      for (Index k = 0; k < d; ++k)
        for (Index i = 0; i < d; ++i) system.matrix(i, k) = Scalar(i == k ? 1 : 0) - h_gamma * J_(i, j * d + k);
      system.factor();
    }
  }
  void solve(View<Scalar> right, View<Scalar> solution) {
    for (Index j = 0; j < right.cols(); ++j) {
      auto& system = systems_[std::size_t(j)];
      for (Index k = 0; k < right.rows(); ++k) system.right(k) = right(k, j);
      system.solve_factored();
      for (Index k = 0; k < right.rows(); ++k) solution(k, j) = system.solution(k);
    }
  }

  template <std::size_t... I>
  static std::array<BatchMap<Scalar>, sizeof...(I)> make(typename Workspace<Scalar>::Frame& frame, Index rows,
                                                         Index columns, std::index_sequence<I...>) {
    return {((void)I, frame.batch(rows, columns))...};
  }

  std::vector<detail::TransposedSystem<Scalar>>& systems_;
  BatchMap<Scalar> J_, bar_, F_bar_;
  std::array<BatchMap<Scalar>, s> mu_;
};

}  // namespace pathline
