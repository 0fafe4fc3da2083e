/// \file
/// Backpropagation through additive methods: include it, and `KennedyCarpenter3` and `KennedyCarpenter4` train the
/// fields that are in two parts.
/// ```
/// NeuralOde ode(SplitField{network, diffusion}, KennedyCarpenter4{}, PiController{.rtol = 1e-6, .atol = 1e-8});
/// ```
/// A stage solves its equation, so that its derivative follows from the implicit function theorem, as in
/// gradient/implicit/diagonally_implicit_pullback.hpp. docs/maths.md, (6.21).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
#include <pathline/gradient/parts/additive_recording.hpp>
#include <pathline/gradient/step_pullback.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/ode/implicit/additive/additive_tableau.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace pathline {

template <AdditiveMethod Method>
struct StepRecord<Method> {
  template <Real S>
  using Dynamics = TwoPartDynamicsView<S>;
  template <Real S, class Storage, bool keep_stages>
  using Recording = AdditiveRecording<Method, S, Storage>;
  template <Real S>
  using Memory = detail::TransposedSystem<S>;
};

/// From λ = ȳ⁺, for i = s … 1, with F̄_i = h (b_i λ + Σ_{j>i} a_ji μ_j), Ḡ_i likewise by the implicit weights â, and
/// the Jacobians A of the explicit and J of the implicit part at the stage,
///     (I - hγJᵀ) w = Ḡ_i + hγ AᵀF̄_i,   μ_i = AᵀF̄_i + Jᵀw = (w - Ḡ_i) / (hγ),   and then   λ += Σ μ_i,
/// where θ̄ takes what the pullbacks of F̄_i and w add.
template <AdditiveMethod Method, Dynamics G>
class StepPullback<Method, G> {
  using Scalar = typename G::Scalar;
  static constexpr auto s = std::size_t(Method::tableau.stages);
  static constexpr auto explicit_tableau = Method::tableau.explicit_part();
  static constexpr auto implicit_tableau = Method::tableau.implicit_part();

 public:
  StepPullback(const G& dynamics, typename Workspace<Scalar>::Frame& frame, detail::TransposedSystem<Scalar>& system)
      : system_(system),
        F_bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        G_bar_(frame.batch(dynamics.rows(), dynamics.columns())),
        w_(frame.batch(dynamics.rows(), dynamics.columns())),
        J_(frame.batch(dynamics.rows(), dynamics.rows() * dynamics.columns())),
        mu_(make(frame, dynamics.rows(), dynamics.columns(), std::make_index_sequence<s>{})) {
    system_.resize(dynamics.rows());
  }

  void begin() {}

  template <class Step, class Record>
  Index finish(const Step& step, View<Scalar> lambda, View<Scalar> theta_bar, Record& record) {
    for (std::size_t i = s; i-- > 0;) {
      collect(i, step.h, explicit_tableau, lambda, F_bar_);
      collect(i, step.h, implicit_tableau, lambda, G_bar_);
      const double t = step.time(Method::tableau.c[i]);
      record.pullback_explicit(step.first + i, t, F_bar_, mu_[i], theta_bar);
      const auto h_gamma = Scalar(step.h * implicit_tableau.A(int(i), int(i)));
      if (h_gamma == 0) {  // an explicit stage, or a step that is no number in this scalar
        record.pullback_implicit(step.first + i, t, G_bar_, w_, theta_bar);
        detail::add<Scalar>(w_, mu_[i]);
      } else {
        record.jacobian_at(step.first + i, t, J_);
        solve(h_gamma, mu_[i]);
        for (Index j = 0; j < w_.cols(); ++j)
          for (Index k = 0; k < w_.rows(); ++k) mu_[i](k, j) = (w_(k, j) - G_bar_(k, j)) / h_gamma;
        record.pullback_implicit(step.first + i, t, w_, G_bar_, theta_bar);  // for θ̄ alone
      }
    }
    for (std::size_t i = 0; i < s; ++i) detail::add<Scalar>(mu_[i], lambda);
    return Index(2 * s);
  }

 private:
  /// h (b_i λ + Σ_{j>i} a_ji μ_j).
  template <class Tableau>
  void collect(std::size_t i, double h, const Tableau& tableau, View<const Scalar> lambda, View<Scalar> bar) const {
    detail::set_scaled<Scalar>(Scalar(h * tableau.b[i]), lambda, bar);
    for (std::size_t j = i + 1; j < s; ++j)
      if (const double a = tableau.A(int(j), int(i)); a != 0) detail::axpy<Scalar>(Scalar(h * a), mu_[j], bar);
  }

  /// w, of one sample after the other.
  void solve(Scalar h_gamma, View<const Scalar> explicit_bar) {
    const Index d = w_.rows();
    for (Index j = 0; j < w_.cols(); ++j) {
      for (Index k = 0; k < d; ++k) {
        for (Index i = 0; i < d; ++i) system_.matrix(i, k) = Scalar(i == k ? 1 : 0) - h_gamma * J_(i, j * d + k);
        system_.right(k) = G_bar_(k, j) + h_gamma * explicit_bar(k, j);
      }
      system_.solve();
      for (Index k = 0; k < d; ++k) w_(k, j) = system_.solution(k);
    }
  }

  template <std::size_t... I>
  static std::array<BatchMap<Scalar>, sizeof...(I)> make(typename Workspace<Scalar>::Frame& frame, Index rows,
                                                         Index columns, std::index_sequence<I...>) {
    return {((void)I, frame.batch(rows, columns))...};
  }

  detail::TransposedSystem<Scalar>& system_;
  BatchMap<Scalar> F_bar_, G_bar_, w_, J_;
  std::array<BatchMap<Scalar>, s> mu_;
};

}  // namespace pathline
