/// \file
/// STEER as a preset: Ghosh, Behl, Dupont, Torr & Namboodiri, "STEER: Simple temporal regularization for neural ODEs",
/// NeurIPS 2020 (arXiv 2006.10711). FFJORD with a random end time in training.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/end_time/steer.hpp>
#include <pathline/flow/preset/ffjord.hpp>
#include <pathline/flow/preset/override_policies.hpp>

#include <cstdint>
#include <tuple>
#include <vector>

namespace pathline {

/// `FfjordOptions`, and the half width of the end time's interval.
struct SteerOptions {
  Index dim = 2;                          ///< Rows of the data, d.
  Index context = 0;                      ///< Rows of context, c; 0: those of StandardizeContext.
  std::vector<Index> hidden{64, 64, 64};  ///< Widths of the hidden layers.
  double rtol = 1e-5, atol = 1e-5;        ///< Of Dormand and Prince's solver.
  double half_width = 0.5;                ///< b of T ~ U(t1 - b, t1 + b) for flows on [0, 1]; relative to the span.
  std::uint64_t seed = 0;                 ///< Of the initial parameters.
};

/// The flow of STEER: `ffjord` with `Steer` for an end time. Further policies are added, and replace the one of their
/// kind; a `JacobianNorm` and a `KineticEnergy` beside it make the paper's "STEER + RNODE".
/// \throws ArgumentError when dim or a width is below 1, or half_width is not in [0, 1); what `Cnf` throws for policies
///         that do not fit.
template <Real Scalar, class Sigma = Tanh, class... Policies>
[[nodiscard]] auto steer(const SteerOptions& options, const Policies&... policies) {
  const std::tuple presets(Steer{.half_width = options.half_width});
  return std::apply(
      [&](const auto&... policy) {
        return ffjord<Scalar, Sigma>({.dim = options.dim,
                                      .context = options.context,
                                      .hidden = options.hidden,
                                      .rtol = options.rtol,
                                      .atol = options.atol,
                                      .seed = options.seed},
                                     policy...);
      },
      detail::override_policies(presets, std::tuple<Policies...>(policies...)));
}

}  // namespace pathline
