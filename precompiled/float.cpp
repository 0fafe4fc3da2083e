// The fields and solves that pathline/precompiled.hpp declares, in float, and io::load_any for data of float.
#include "saved_flow.hpp"

namespace pathline {

template struct detail::LayerSweeps<Mlp<float, Tanh>::Layers>;
template struct detail::LayerSweeps<Mlp<float, Softplus>::Layers>;
template struct detail::LayerSweeps<SquashMlp<float, Tanh>::Layers>;
template struct detail::LayerSweeps<SquashMlp<float, Softplus>::Layers>;
template struct detail::LayerSweeps<Potential<float>>;
template struct detail::TracedLayerSweeps<Potential<float>>;
template Statistics integrate(const Dopri5&, const PiController&, detail::RightHandSideView<float>&, Batch<float>&,
                              std::span<const double>, Stepper<Dopri5, Batch<float>>&,
                              detail::WatcherOfBatch<float, Dopri5>&);
template Statistics integrate(const Rk4&, const FixedSteps&, detail::RightHandSideView<float>&, Batch<float>&,
                              std::span<const double>, Stepper<Rk4, Batch<float>>&,
                              detail::WatcherOfBatch<float, Rk4>&);
template struct io::detail::PrecompiledFlows<float, detail::TheseOptions>;

}  // namespace pathline
