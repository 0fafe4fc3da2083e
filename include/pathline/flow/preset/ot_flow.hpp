/// \file
/// OT-Flow as a preset: Onken, Wu Fung, Li & Ruthotto, "OT-Flow: Fast and accurate continuous normalizing flows via
/// optimal transport", AAAI 2021 (arXiv 2006.00104).
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/preset/override_policies.hpp>
#include <pathline/flow/regularizer/hamilton_jacobi_bellman.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <cstdint>
#include <tuple>

namespace pathline {

/// The settings of the paper's code for densities of the plane (trainToyOTflow.py of EmoryMLIP/OT-Flow: `--m 32 --nTh 2
/// --nt 8 --alph 1.0,100.0,5.0`; trained by Adam with rate 0.1, halved every 100 of 1000 or 1500 iterations, batches of
/// 2048 or 4096 samples, drawn anew every 25 iterations).
struct OtFlowOptions {
  Index dim = 2;                   ///< Rows of the data, d.
  Index width = 32;                ///< Rows of the potential's hidden layers, m.
  Index depth = 1;                 ///< Its residual layers: nTh - 1 of the code.
  Index steps = 8;                 ///< Of RK4, n_t; 4 evaluations each.
  double likelihood_weight = 100;  ///< α₁ of the paper, α_C of the code. The transport cost ∫ ½‖f‖² dt weighs 1.
  double hjb_weight = 5;           ///< α₂ of the paper, α_R of the code.
  std::uint64_t seed = 0;          ///< Of the initial parameters.
};

/// The flow of OT-Flow: the negative gradient of a `Potential`, its trace in closed form, `Rk4` with few steps, and the
/// loss E + α₁ NLL + α₂ R of `KineticEnergy`, `LikelihoodWeight` and `HamiltonJacobiBellman`. Further policies are
/// added to these, and replace the one of their kind:
///
///     auto flow = ot_flow<float>({.dim = 2, .seed = 7}, Standardize(data), Threads{1});
///
/// Densities, samples and the validation of `fit` are by an adaptive solver, `EvaluationSolver{Dopri5{},
/// PiController{.rtol = 1e-5, .atol = 1e-5}}`, which is replaced as in `rnode`: the paper's tables are by more steps
/// than it trains by, too.
///
/// \throws ArgumentError when dim, width, depth or steps is below 1; what `Cnf` throws for policies that do
///         not fit.
template <Real Scalar, class... Policies>
[[nodiscard]] auto ot_flow(const OtFlowOptions& options, const Policies&... policies) {
  Rng rng(options.seed);
  return detail::preset_flow(
      Network<Potential<Scalar>>(Potential<Scalar>(options.dim, options.width, options.depth), rng),
      std::tuple(ClosedFormTrace{}, Rk4{}, FixedSteps(options.steps), KineticEnergy{.weight = 1},
                 LikelihoodWeight{.weight = options.likelihood_weight},
                 HamiltonJacobiBellman{.weight = options.hjb_weight},
                 EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}}),
      policies...);
}

}  // namespace pathline
