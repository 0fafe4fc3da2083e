/// \file
/// The way back over one step of a diagonally implicit method, implicit Euler among them. docs/maths.md, (6.6).
///
/// A stage solves its equation, so that its derivative follows from the implicit function theorem: Newton's iterations
/// are not differentiated. The gradient is that of the numbers computed as far as the equations are solved: to rounding
/// with fixed steps, to a hundredth of the tolerance with a controller (NewtonGoal).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/stage_recording.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
#include <pathline/gradient/stage_cotangents.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_tableau.hpp>

#include <concepts>
#include <cstddef>
#include <span>

namespace pathline {

/// A diagonally implicit tableau, or implicit Euler.
template <class M>
concept SingleStageImplicitMethod = DiagonallyImplicitMethod<M> || std::same_as<M, ImplicitEuler>;

template <SingleStageImplicitMethod Method>
struct StepRecord<Method> : detail::SolvedStepRecord<Method> {};

/// From λ = ȳ⁺, for i = s … 1, with K̄_i = h (b_i λ + Σ_{j>i} a_ji μ_j), in path rows and quadrature rows q,
///     (I - hγJᵢᵀ) w = K̄ᵢ + hγ μ_q,   μ_q = G_qᵀ κ̄,   μᵢ = Jᵢᵀ w + μ_q = (w - K̄ᵢ) / (hγ),   and then   λ += Σ μᵢ,
/// where κ̄ are the quadrature rows of K̄ᵢ and θ̄ takes what the pullbacks of κ̄ and w add. The quotient multiplies no
/// rounding by a large J. A first stage that was the last of the step before hands its cotangent on to that one.
/// Where the stages are together (stages_together) their J are there first, and one pullback of all w gives θ̄ at last.
template <SingleStageImplicitMethod Method, Dynamics G>
class StepPullback<Method, G>
    : public detail::StageCotangents<typename G::Scalar, std::size_t(detail::StageTableau<Method>::value.stages)> {
  using Scalar = typename G::Scalar;
  static constexpr auto s = std::size_t(detail::StageTableau<Method>::value.stages);
  using Base = detail::StageCotangents<Scalar, s>;
  using Base::active_, Base::mu_, Base::stage_bar_;

 public:
  using Base::add;

  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, detail::TransposedSystem<Scalar>& system)
      : Base(dynamics.rows(), dynamics.path_rows(), dynamics.columns(), frame),
        system_(system),
        carry_(frame.batch(dynamics.rows(), dynamics.columns())),
        bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        together_(detail::stages_together<s>(dynamics)),
        J_(frame.batch(dynamics.path_rows(), dynamics.path_rows() * dynamics.columns() * (together_ ? Index(s) : 1))),
        w_(frame.batch(dynamics.rows(), together_ ? dynamics.columns() * Index(s) : 0)) {
    system_.resize(dynamics.path_rows());
  }

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const auto& tableau = detail::stage_tableau<Method>(step.closing);
    Index pullbacks = 0;
    if (carries_) add(s - 1, Scalar(1), carry_.data());  // not before: cotangents of a cost of the steps are scaled
    carries_ = false;
    const auto before = Index(record.begin(step));  // stages without a slot
    const Index n = lambda.cols(), all = (Index(s) - before) * n;
    const View<Scalar> w(w_), J(J_);
    if (together_) {
      record.jacobians_at(step, J.leftCols(all * J.rows()));
      detail::fill<Scalar>(w, 0);
    }
    for (std::size_t i = s; i-- > 0;) {
      if (tableau.b[i] != 0)
        add(i, Scalar(step.h * tableau.b[i]), lambda.data());
      else if (!active_[i])
        detail::fill<Scalar>(stage_bar_[i], 0);
      for (std::size_t j = i + 1; j < s; ++j) {
        const double a = tableau.A(int(j), int(i));
        if (a == 0 || !active_[j]) continue;
        this->add_path_rows(Scalar(step.h * a), mu_[j], stage_bar_[i]);
        active_[i] = true;
      }
      if (!active_[i]) continue;
      if (i == 0 && step.follows_on) {
        detail::copy<Scalar>(stage_bar_[0], carry_);
        carries_ = true;
        active_[0] = false;
        continue;
      }
      const double t = step.time(tableau.c[i]);
      const auto h_gamma = Scalar(step.h * tableau.A(int(i), int(i)));
      if (together_) {
        const Index at = (Index(i) - before) * n;
        solve(h_gamma, J.middleCols(at * J.rows(), n * J.rows()), stage_bar_[i], w.middleCols(at, n));
        if (h_gamma == 0)
          multiply_transposed(J.middleCols(at * J.rows(), n * J.rows()), stage_bar_[i], mu_[i]);
        else
          divide(w.middleCols(at, n), stage_bar_[i], h_gamma, mu_[i]);
        ++pullbacks;
      } else if (h_gamma == 0) {  // an explicit stage, or a step that is no number in this scalar
        pull_back(record, step.first + i, t, stage_bar_[i], mu_[i], theta_bar, pullbacks);
      } else {
        pull_back_solved(record, step.first + i, t, h_gamma, stage_bar_[i], mu_[i], theta_bar, pullbacks);
      }
    }
    if (together_) record.pullback_all(step, w.leftCols(all), J.leftCols(all), theta_bar);
    for (std::size_t i = 0; i < s; ++i)
      if (active_[i]) this->add_path_rows(1, mu_[i], lambda);
    return pullbacks;
  }

 private:
  template <class Record>
  static void pull_back(Record& record, std::size_t index, double t, View<const Scalar> bar, View<Scalar> path_bar,
                        View<Scalar> theta_bar, Index& pullbacks) {
    Scalar t_bar(0);
    record.pullback(index, t, bar, path_bar, theta_bar, t_bar);
    ++pullbacks;
  }

  /// From K̄ of a solved stage to μ.
  template <class Record>
  void pull_back_solved(Record& record, std::size_t index, double t, Scalar h_gamma, View<Scalar> K_bar,
                        View<Scalar> mu, View<Scalar> theta_bar, Index& pullbacks) {
    const Index d = mu.rows(), quadratures = K_bar.rows() - d;
    const View<Scalar> bar(bar_), w = bar.topRows(d);
    if (quadratures > 0) {
      detail::fill<Scalar>(w, 0);
      detail::copy<Scalar>(K_bar.bottomRows(quadratures), bar.bottomRows(quadratures));
      pull_back(record, index, t, bar, mu, theta_bar, pullbacks);
      detail::fill<Scalar>(bar.bottomRows(quadratures), 0);
    }
    detail::copy<Scalar>(K_bar.topRows(d), w);
    if (quadratures > 0) detail::axpy<Scalar>(h_gamma, mu, w);
    record.jacobian_at(index, t, J_);
    solve(h_gamma, J_, w, w);
    pull_back(record, index, t, bar, mu, theta_bar, pullbacks);
    divide(w, K_bar, h_gamma, mu);
  }

  /// w (d × n) from (I - hγJᵀ) w = b, of one sample after the other; b may be w.
  void solve(Scalar h_gamma, View<const Scalar> J, View<const Scalar> b, View<Scalar> w) {
    const Index d = w.rows();
    for (Index j = 0; j < w.cols(); ++j) {
      for (Index k = 0; k < d; ++k) {
        for (Index i = 0; i < d; ++i) system_.matrix(i, k) = Scalar(i == k ? 1 : 0) - h_gamma * J(i, j * d + k);
        system_.right(k) = b(k, j);
      }
      system_.solve();
      for (Index k = 0; k < d; ++k) w(k, j) = system_.solution(k);
    }
  }
  /// μ = (w - K̄) / (hγ).
  static void divide(View<const Scalar> w, View<const Scalar> K_bar, Scalar h_gamma, View<Scalar> mu) {
    for (Index j = 0; j < mu.cols(); ++j)
      for (Index k = 0; k < mu.rows(); ++k) mu(k, j) = (w(k, j) - K_bar(k, j)) / h_gamma;
  }
  /// μ = JᵀK̄.
  static void multiply_transposed(View<const Scalar> J, View<const Scalar> K_bar, View<Scalar> mu) {
    const Index d = mu.rows();
    for (Index j = 0; j < mu.cols(); ++j)
      for (Index k = 0; k < d; ++k) {
        Scalar sum(0);
        for (Index i = 0; i < d; ++i) sum += J(i, j * d + k) * K_bar(i, j);
        mu(k, j) = sum;
      }
  }

  detail::TransposedSystem<Scalar>& system_;
  BatchMap<Scalar> carry_, bar_;
  bool together_;           // see stages_together
  BatchMap<Scalar> J_, w_;  // of all stages where they are together
  bool carries_ = false;    // carry_ is a cotangent of the last stage of the step before
};

}  // namespace pathline
