/// \file
/// The way back over one step of an explicit Runge–Kutta method. docs/maths.md, section 6.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/stage_cotangents.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>
#include <pathline/ode/explicit/leading_stages.hpp>

#include <cstddef>

namespace pathline {

/// From λ = ȳ⁺, for i = s … 1,
///     k̄_i = h (b_i λ + Σ_{j>i} a_ji μ_j),   μ_i = J_iᵀ k̄_i,   and then   λ += Σ μ_i.
/// Only path rows feed back, so μ has path rows only and the other rows of λ never change.
template <ExplicitMethod Method, Dynamics G>
class StepPullback<Method, G>
    : public detail::StageCotangents<typename G::Scalar, std::size_t(Method::tableau.stages)> {
  using Scalar = typename G::Scalar;
  static constexpr auto tableau = Method::tableau;
  static constexpr auto s = std::size_t(Method::tableau.stages);
  using Base = detail::StageCotangents<Scalar, s>;
  using Base::active_, Base::mu_, Base::stage_bar_;

 public:
  using Base::add;

  template <class Memory>
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, Memory& /*memory*/)
      : Base(dynamics.rows(), dynamics.path_rows(), dynamics.columns(), frame) {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    const auto h = Scalar(step.h);
    Index pullbacks = 0;
    for (std::size_t i = s; i-- > 0;) {
      if (tableau.b[i] != 0)
        add(i, h * Scalar(tableau.b[i]), lambda.data());
      else if (!active_[i])
        detail::fill<Scalar>(stage_bar_[i], 0);
      for (std::size_t j = i + 1; j < s; ++j) {
        const double a = tableau.A(int(j), int(i));
        if (a == 0 || !active_[j]) continue;
        this->add_path_rows(h * Scalar(a), mu_[j], stage_bar_[i]);
        active_[i] = true;
      }
      if (!active_[i]) continue;  // the last stage of a method that is first same as last
      Scalar t_bar(0);
      const std::size_t index = i == 0 ? step.first : step.rest + i - 1;
      const double t = step.time(tableau.c[i]);
      if constexpr (requires { record.pullback_path(index, t, stage_bar_[i], mu_[i], theta_bar, t_bar); }) {
        if (detail::leads_only<Method>[i])
          record.pullback_path(index, t, stage_bar_[i], mu_[i], theta_bar, t_bar);
        else
          record.pullback(index, t, stage_bar_[i], mu_[i], theta_bar, t_bar);
      } else {
        record.pullback(index, t, stage_bar_[i], mu_[i], theta_bar, t_bar);
      }
      ++pullbacks;
    }
    for (std::size_t i = 0; i < s; ++i)
      if (active_[i]) this->add_path_rows(1, mu_[i], lambda);
    return pullbacks;
  }
};

}  // namespace pathline
