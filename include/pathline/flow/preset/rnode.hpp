/// \file
/// RNODE as a preset: Finlay, Jacobsen, Nurbekyan & Oberman, "How to train your neural ODE", ICML 2020 (arXiv
/// 2002.02798). FFJORD with two costs that make the path easy to solve.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/preset/ffjord.hpp>
#include <pathline/flow/preset/override_policies.hpp>
#include <pathline/flow/regularizer/jacobian_norm.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <cstdint>
#include <tuple>
#include <vector>

namespace pathline {

/// λ_K = λ_J = 0.01 are the paper's values for images, in its own normalisation, ∫ ‖f‖² and ∫ ‖εᵀJ‖² (its code divides
/// both by d, and the first by 2 as well: docs/maths.md, section 11). Toys are not among its experiments: network and
/// seed are as in `FfjordOptions`.
struct RnodeOptions {
  Index dim = 2;                          ///< Rows of the data, d.
  Index context = 0;                      ///< Rows of context, c; 0: those of StandardizeContext.
  std::vector<Index> hidden{64, 64, 64};  ///< Widths of the hidden layers.
  double kinetic_energy = 0.01;  ///< λ_K of ∫ ‖f‖² dt: `KineticEnergy`, which has ½‖f‖², weighs twice as much.
  double jacobian_norm = 0.01;  ///< λ_J of ∫ ‖J‖²_F dt.
  Index steps = 4;              ///< Of the fixed-step solver: the paper trains by RK4 with steps of 0.25.
  std::uint64_t seed = 0;       ///< Of the initial parameters.
};

/// The flow of RNODE: `ffjord` by Rk4 with few steps, with `KineticEnergy` and `JacobianNorm`, both costs by the same
/// probes as the trace. Further policies are added, and replace the one of their kind.
///
/// Densities, samples and the validation of `fit` are by an adaptive solver, as in the paper: the preset has
/// `EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}}`. Name another one to replace it, or an
/// adaptive step control, by which the flow then trains and is judged.
///
/// Steps so few are a choice to check: a flow whose costs weigh too little learns to exploit the solver's error, and
/// its training loss is then no likelihood. With these defaults and the exact trace 8gaussians show it: after 2000
/// iterations training reports 2.5 nats, below the entropy of 2.83, where the flow's true density has 3.6; with eight
/// steps both agree. `fit` compares the two solvers after training, and its report warns where they differ. Then give
/// more `steps` or weight. In a training loop of your own compare `log_prob` and `log_prob_by_training_solver`.
///
/// \throws ArgumentError when dim, a width or steps is below 1; what `Cnf` throws for policies that do not fit.
template <Real Scalar, class Sigma = Tanh, class... Policies>
[[nodiscard]] auto rnode(const RnodeOptions& options, const Policies&... policies) {
  const std::tuple presets(Rk4{}, FixedSteps(options.steps), KineticEnergy{.weight = 2 * options.kinetic_energy},
                           JacobianNorm{.weight = options.jacobian_norm},
                           EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}});
  return std::apply(
      [&](const auto&... policy) {
        return ffjord<Scalar, Sigma>(
            {.dim = options.dim, .context = options.context, .hidden = options.hidden, .seed = options.seed},
            policy...);
      },
      detail::override_policies(presets, std::tuple<Policies...>(policies...)));
}

}  // namespace pathline
