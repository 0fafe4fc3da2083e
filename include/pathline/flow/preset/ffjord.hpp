/// \file
/// FFJORD as a preset: Grathwohl, Chen, Bettencourt, Sutskever & Duvenaud, "FFJORD", ICLR 2019 (arXiv 1810.01367).
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/preset/override_policies.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <cstdint>
#include <tuple>
#include <vector>

namespace pathline {

/// The settings of the paper's code for densities of the plane (train_toy.py of rtqichen/ffjord: `--dims 64-64-64
/// --layer_type concatsquash --nonlinearity tanh --solver dopri5 --rtol 1e-5 --atol 1e-5`; trained by Adam with rate
/// 1e-3, weight decay 1e-5 and 10 000 batches of 100 fresh samples).
struct FfjordOptions {
  Index dim = 2;                          ///< Rows of the data, d.
  Index context = 0;                      ///< Rows of context, c; 0: those of StandardizeContext.
  std::vector<Index> hidden{64, 64, 64};  ///< Widths of the hidden layers.
  double rtol = 1e-5, atol = 1e-5;        ///< Of Dormand and Prince's solver, here with a PI controller.
  std::uint64_t seed = 0;                 ///< Of the initial parameters.
};

/// The flow of FFJORD: concat-squash layers, an adaptive solver, and in training Hutchinson's estimate of the trace
/// with one Rademacher probe a sample; `log_prob` takes the exact trace, as always. Further policies are added to
/// these, and replace the one of their kind:
///
///     auto flow = ffjord<float>({.dim = 2, .seed = 7}, ExactTrace{}, Standardize(data));
///
/// With context (C of the training rows) every layer reads it beside time:
///
///     auto flow = ffjord<float>({.dim = 2}, Standardize(X), StandardizeContext(C));
///
/// Differs from the paper's code: it also learns the end time (from 0.5 on), where this one is 1; it takes the
/// adjoint's gradient, which backpropagation through the steps approaches as tolerances fall (`Adjoint` is the policy);
/// and its toys are trained by the exact trace, which is `ExactTrace`. Its several blocks and moving normalisation
/// (`--num_blocks`, `--batch_norm`) are a `FieldStack`.
///
/// \tparam Sigma  The paper's code has `Tanh` for toys and `Softplus` for tables.
/// \throws ArgumentError when dim or a width is below 1; what `Cnf` throws for policies that do not fit.
template <Real Scalar, class Sigma = Tanh, class... Policies>
[[nodiscard]] auto ffjord(const FfjordOptions& options, const Policies&... policies) {
  Rng rng(options.seed);
  return detail::preset_flow(
      SquashMlp<Scalar, Sigma>(options.dim, options.hidden, rng,
                               1 + detail::context_rows(options.context, policies...)),
      std::tuple(Hutchinson<Rademacher>{}, Dopri5{}, PiController{.rtol = options.rtol, .atol = options.atol}),
      policies...);
}

}  // namespace pathline
