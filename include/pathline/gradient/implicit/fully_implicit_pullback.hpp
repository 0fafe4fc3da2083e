/// \file
/// The way back over one step of a fully implicit method. docs/maths.md, (6.7).
///
/// The stages solve their equations together, so that their derivatives follow from the implicit function theorem, as
/// in diagonally_implicit_pullback.hpp.
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
#include <pathline/ode/implicit/fully_implicit/fully_implicit_tableau.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace pathline {

template <FullyImplicitMethod Method>
struct StepRecord<Method> : detail::SolvedStepRecord<Method> {};

/// From λ = ȳ⁺, with K̄_i = h b_i λ, in path rows and quadrature rows q: the system of all stages
///     w_i - h Σ_j a_ji J_jᵀ w_j = K̄_i + h Σ_j a_ji μ_qj,   μ_qj = G_qjᵀ κ̄_j,
/// then μ_i = J_iᵀ w_i + μ_qi, from which h Aᵀμ = w - K̄, and λ += Σ μ_i.
template <FullyImplicitMethod Method, Dynamics G>
class StepPullback<Method, G>
    : public detail::StageCotangents<typename G::Scalar, std::size_t(Method::tableau.stages)> {
  using Scalar = typename G::Scalar;
  static constexpr auto tableau = Method::tableau;
  static constexpr auto s = std::size_t(Method::tableau.stages);
  using Base = detail::StageCotangents<Scalar, s>;
  using Base::active_, Base::mu_, Base::stage_bar_;

 public:
  using Base::add;

  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, detail::TransposedSystem<Scalar>& system)
      : Base(dynamics.rows(), dynamics.path_rows(), dynamics.columns(), frame),
        system_(system),
        bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        together_(detail::stages_together<s>(dynamics)),
        all_w_(frame.batch(dynamics.path_rows(), dynamics.columns() * Index(s))),
        all_J_(frame.batch(dynamics.path_rows(), dynamics.path_rows() * all_w_.cols())),
        all_mu_(frame.batch(dynamics.path_rows(), together_ ? all_w_.cols() : 0)),
        w_(parts(all_w_, std::make_index_sequence<s>{})),
        J_(parts(all_J_, std::make_index_sequence<s>{})) {
    system_.resize(Index(s) * dynamics.path_rows());
  }

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const auto h = Scalar(step.h);
    const Index d = mu_[0].rows(), n = mu_[0].cols(), quadratures = lambda.rows() - d;
    const View<Scalar> bar(bar_);
    Index pullbacks = 0;
    const auto pull_back = [&](std::size_t i) {
      Scalar t_bar(0);
      record.pullback(step.first + i, step.time(tableau.c[i]), bar, mu_[i], theta_bar, t_bar);
      ++pullbacks;
    };
    for (std::size_t i = 0; i < s; ++i) {
      add(i, Scalar(step.h * tableau.b[i]), lambda.data());
      if (quadratures > 0) {
        detail::fill<Scalar>(bar.topRows(d), 0);
        detail::copy<Scalar>(View<Scalar>(stage_bar_[i]).bottomRows(quadratures), bar.bottomRows(quadratures));
        pull_back(i);
      } else {
        detail::fill<Scalar>(mu_[i], 0);
      }
      if (!together_) record.jacobian_at(step.first + i, step.time(tableau.c[i]), J_[i]);
    }
    if (together_) record.jacobians_at(step, all_J_);
    for (Index column = 0; column < n; ++column) solve_column(column, h, d);
    if (quadratures > 0) detail::fill<Scalar>(bar.bottomRows(quadratures), 0);
    for (std::size_t i = 0; i < s && !together_; ++i) {
      detail::copy<Scalar>(w_[i], bar.topRows(d));
      pull_back(i);
    }
    if (together_) {
      record.pullback_all(step, all_w_, all_mu_, theta_bar);
      for (std::size_t i = 0; i < s; ++i)
        detail::copy<Scalar>(parts(all_mu_, std::make_index_sequence<s>{})[i], mu_[i]);
      pullbacks += Index(s);
    }
    if (h == 0) {  // a step that is no number in this scalar
      for (std::size_t i = 0; i < s; ++i) this->add_path_rows(1, mu_[i], lambda);
      return pullbacks;
    }
    // Σ μ_i = Σ_i (Σ_j (A⁻¹)_ji) (w_i - K̄_i) / h, by which no rounding is multiplied by a large J.
    for (std::size_t i = 0; i < s; ++i) {
      double weight = 0;
      for (std::size_t j = 0; j < s; ++j) weight += inverse[i][j];
      const auto factor = Scalar(weight / step.h);
      this->add_path_rows(factor, w_[i], lambda);
      this->add_path_rows(-factor, View<Scalar>(stage_bar_[i]).topRows(d), lambda);
    }
    return pullbacks;
  }

 private:
  static constexpr auto inverse = detail::inverse(Method::tableau.matrix());

  /// w of one column.
  void solve_column(Index column, Scalar h, Index d) {
    // M = I - h (a_ji J_j) in block (j, i); the system has its transpose.
    for (std::size_t j = 0; j < s; ++j)
      for (std::size_t i = 0; i < s; ++i) {
        const Scalar factor = h * Scalar(tableau.A(int(j), int(i)));
        for (Index k = 0; k < d; ++k)
          for (Index l = 0; l < d; ++l)
            system_.matrix(Index(j) * d + k, Index(i) * d + l) =
                Scalar(i == j && k == l ? 1 : 0) - factor * J_[j](k, column * d + l);
      }
    for (std::size_t i = 0; i < s; ++i)
      for (Index k = 0; k < d; ++k) {
        Scalar sum = stage_bar_[i](k, column);
        for (std::size_t j = 0; j < s; ++j) sum += h * Scalar(tableau.A(int(j), int(i))) * mu_[j](k, column);
        system_.right(Index(i) * d + k) = sum;
      }
    system_.solve();
    for (std::size_t i = 0; i < s; ++i)
      for (Index k = 0; k < d; ++k) w_[i](k, column) = system_.solution(Index(i) * d + k);
  }

  /// The columns of each stage.
  template <std::size_t... I>
  static std::array<View<Scalar>, s> parts(View<Scalar> all, std::index_sequence<I...>) {
    return {all.middleCols(Index(I) * (all.cols() / Index(s)), all.cols() / Index(s))...};
  }

  detail::TransposedSystem<Scalar>& system_;
  BatchMap<Scalar> bar_;
  bool together_;  // see stages_together
  BatchMap<Scalar> all_w_, all_J_, all_mu_;
  std::array<View<Scalar>, s> w_, J_;  // of each stage
};

}  // namespace pathline
