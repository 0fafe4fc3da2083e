// The fields and solves that pathline/precompiled.hpp declares, in double, and io::load_any for data of double.
#include "saved_flow.hpp"

namespace pathline {

template struct detail::LayerSweeps<Mlp<double, Tanh>::Layers>;
template struct detail::LayerSweeps<Mlp<double, Softplus>::Layers>;
template struct detail::LayerSweeps<SquashMlp<double, Tanh>::Layers>;
template struct detail::LayerSweeps<SquashMlp<double, Softplus>::Layers>;
template struct detail::LayerSweeps<Potential<double>>;
template struct detail::TracedLayerSweeps<Potential<double>>;
template Statistics integrate(const Dopri5&, const PiController&, detail::RightHandSideView<double>&, Batch<double>&,
                              std::span<const double>, Stepper<Dopri5, Batch<double>>&,
                              detail::WatcherOfBatch<double, Dopri5>&);
template Statistics integrate(const Rk4&, const FixedSteps&, detail::RightHandSideView<double>&, Batch<double>&,
                              std::span<const double>, Stepper<Rk4, Batch<double>>&,
                              detail::WatcherOfBatch<double, Rk4>&);
template struct io::detail::PrecompiledFlows<double, detail::TheseOptions>;

}  // namespace pathline
