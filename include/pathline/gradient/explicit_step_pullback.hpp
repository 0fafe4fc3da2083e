/// \file
/// The way back over one step of an explicit Runge–Kutta method. docs/maths.md, section 6.
#pragma once

#include <pathline/core/few_rows.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/explicit/explicit_tableau.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace pathline {

/// From λ = ȳ⁺, for i = s … 1,
///     k̄_i = h (b_i λ + Σ_{j>i} a_ji μ_j),   μ_i = J_iᵀ k̄_i,   and then   λ += Σ μ_i.
/// Only path rows feed back, so μ has path rows only and the other rows of λ never change.
template <ExplicitMethod Method, Dynamics G>
class StepPullback<Method, G> {
  using Scalar = typename G::Scalar;
  static constexpr auto tableau = Method::tableau;
  static constexpr auto s = std::size_t(Method::tableau.stages);

 public:
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame)
      : path_(dynamics.path_rows()),
        stage_bar_(make(frame, dynamics.rows(), dynamics.columns(), std::make_index_sequence<s>{})),
        mu_(make(frame, path_, dynamics.columns(), std::make_index_sequence<s>{})) {}

  void begin() { active_.fill(false); }

  [[nodiscard]] std::span<BatchMap<Scalar>> start_stages() {
    active_.fill(true);
    for (BatchMap<Scalar>& bar : stage_bar_) detail::fill<Scalar>(bar, 0);
    return stage_bar_;
  }

  void add(std::size_t i, Scalar factor, const Scalar* bar) {
    const View<const Scalar> from(bar, stage_bar_[i].rows(), stage_bar_[i].cols());
    if (active_[i])
      detail::axpy<Scalar>(factor, from, stage_bar_[i]);
    else
      detail::set_scaled<Scalar>(factor, from, stage_bar_[i]);
    active_[i] = true;
  }

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
        add_path_rows(h * Scalar(a), mu_[j], stage_bar_[i]);
        active_[i] = true;
      }
      if (!active_[i]) continue;  // the last stage of a method that is first same as last
      Scalar t_bar(0);
      record.pullback(i == 0 ? step.first : step.rest + i - 1, step.time(tableau.c[i]), stage_bar_[i], mu_[i],
                      theta_bar, t_bar);
      ++pullbacks;
    }
    for (std::size_t i = 0; i < s; ++i)
      if (active_[i]) add_path_rows(1, mu_[i], lambda);
    return pullbacks;
  }

 private:
  /// Path rows of Y += factor · X.
  void add_path_rows(Scalar factor, View<const Scalar> X, View<Scalar> Y) const {
    if (X.rows() == Y.rows()) return detail::axpy<Scalar>(factor, X, Y);
    detail::with_row_count(path_, [&](auto rows) {  // a column at a time, of two or three entries as a rule
      if constexpr (detail::few_rows<decltype(rows)>)
        for (Index j = 0; j < X.cols(); ++j)
          for (Index i = 0; i < rows; ++i) Y(i, j) += factor * X(i, j);
      else
        detail::axpy<Scalar>(factor, X, Y.topRows(rows));
    });
  }

  template <std::size_t... I>
  static std::array<BatchMap<Scalar>, s> make(typename Workspace<Scalar>::Frame& frame, Index rows, Index columns,
                                              std::index_sequence<I...>) {
    return {((void)I, frame.batch(rows, columns))...};
  }

  Index path_;
  std::array<BatchMap<Scalar>, s> stage_bar_, mu_;
  std::array<bool, s> active_{};  // whether K_{i+1} has a cotangent
};

}  // namespace pathline
