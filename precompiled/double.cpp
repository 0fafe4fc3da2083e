// The fields and solves that pathline/precompiled.hpp declares, in double.
#include <pathline/precompiled.hpp>

namespace pathline {

template struct detail::LayerSweeps<Mlp<double, Tanh>::Layers>;
template struct detail::LayerSweeps<Mlp<double, Softplus>::Layers>;
template struct detail::LayerSweeps<SquashMlp<double, Tanh>::Layers>;
template struct detail::LayerSweeps<Potential<double>>;
template struct detail::TracedLayerSweeps<Potential<double>>;
template Statistics integrate(const Dopri5&, const PiController&, detail::RightHandSideView<double>&, Batch<double>&,
                              std::span<const double>, Stepper<Dopri5, Batch<double>>&,
                              detail::WatcherOfBatch<double, Dopri5>&);
template Statistics integrate(const Rk4&, const FixedSteps&, detail::RightHandSideView<double>&, Batch<double>&,
                              std::span<const double>, Stepper<Rk4, Batch<double>>&,
                              detail::WatcherOfBatch<double, Rk4>&);

}  // namespace pathline
