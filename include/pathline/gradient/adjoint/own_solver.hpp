/// \file
/// What AdjointBy and InterpolatedAdjoint share: the policies of the way back, found by their kind, and the flow's
/// where there are none.
#pragma once

#include <pathline/core/policies.hpp>
#include <pathline/core/types.hpp>
#include <pathline/gradient/adjoint/adjoint_field.hpp>
#include <pathline/gradient/adjoint/implicit_way_back.hpp>
#include <pathline/gradient/adjoint/kept_path.hpp>
#include <pathline/gradient/adjoint/walk_back.hpp>
#include <pathline/gradient/adjoint/way_back.hpp>
#include <pathline/gradient/dynamics.hpp>
#include <pathline/gradient/gradient_method.hpp>
#include <pathline/ode/concepts.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/statistics.hpp>

#include <span>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pathline::detail {

template <class... Policies>
struct OwnSolver {
  std::tuple<Policies...> policies;  ///< Of the way back.
  AdjointNorm norm = AdjointNorm::seminorm;

  OwnSolver() = default;
  explicit OwnSolver(Policies... of_way_back) requires(sizeof...(Policies) > 0) : policies(std::move(of_way_back)...) {}

  /// The solver and the step control of the way back in a flow that has these.
  template <class Flows>
  using Method = first_of<IsSolver, Flows, Policies...>;
  template <class Flows>
  using Control = first_of<IsStepControl, Flows, Policies...>;

  /// Whether it goes back in such a flow; what does not is refused by check() and must not be compiled.
  template <class FlowsMethod, class FlowsControl>
  static constexpr bool goes_back = walks_back<Method<FlowsMethod>, Control<FlowsControl>> &&
                                    (FixedControl<Control<FlowsControl>> || EmbeddedMethod<Method<FlowsMethod>>);

  /// One readable line for what cannot go back.
  template <class FlowsMethod, class FlowsControl>
  static constexpr void check() {
    static_assert(WayBack<Method<FlowsMethod>, double>::exists,
                  "AdjointBy, InterpolatedAdjoint: the solver of the way back must be an explicit Runge-Kutta or "
                  "multistep method, or a diagonally or fully implicit one: name one, as AdjointBy{Kvaerno5{}}");
    static_assert(!knows_rows<Control<FlowsControl>>,
                  "AdjointBy, InterpolatedAdjoint: WithNorm, WithTolerances and WithDomain speak of the state's rows "
                  "and columns, and the way back has others: name a step control, as AdjointBy{PiController{}}");
    static_assert(FixedControl<Control<FlowsControl>> || EmbeddedMethod<Method<FlowsMethod>>,
                  "AdjointBy, InterpolatedAdjoint: the solver of the way back has no error estimate: name "
                  "FixedSteps(n)");
  }

 protected:
  template <class FlowsMethod, class FlowsControl, Dynamics G, class Memory>
  Statistics walk_back(const FlowsMethod& flows_method, const FlowsControl& flows_control, const G& dynamics,
                       std::span<const double> times, std::span<const Batch<typename G::Scalar>> outputs_bar,
                       BatchRef<typename G::Scalar> y_bar, VectorRef<typename G::Scalar> theta_bar, Memory& memory,
                       KeptPath<typename G::Scalar>* path) const {
    using Scalar = typename G::Scalar;
    using Back = Method<FlowsMethod>;
    if constexpr (goes_back<FlowsMethod, FlowsControl>)  // forward() has refused any other
      return detail::walk_back<Back, Control<FlowsControl>, Scalar>(
          of_kind<IsSolver>(flows_method), of_kind<IsStepControl>(flows_control), norm,
          typename WayBack<Back, Scalar>::Dynamics(dynamics), times, outputs_bar, y_bar, theta_bar, memory, path);
    else
      return {};
  }

 private:
  template <template <class> class Is, class Flows>
  [[nodiscard]] const first_of<Is, Flows, Policies...>& of_kind([[maybe_unused]] const Flows& flows) const {
    if constexpr (!std::is_void_v<first_of<Is, void, Policies...>>)
      return std::get<index_of<Is, Policies...>>(policies);
    else
      return flows;
  }

  // At the end: clang drops what follows an assertion that fails.
  static_assert(((IsSolver<Policies>::value || IsStepControl<Policies>::value) && ...),
                "AdjointBy, InterpolatedAdjoint: a policy of the way back is neither a solver nor a step control");
  static_assert(count_of<IsSolver, Policies...> <= 1, "AdjointBy, InterpolatedAdjoint: more than one solver");
  static_assert(count_of<IsStepControl, Policies...> <= 1,
                "AdjointBy, InterpolatedAdjoint: more than one step control");
};

}  // namespace pathline::detail
