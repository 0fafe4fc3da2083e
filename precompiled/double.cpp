// The fields that pathline/precompiled.hpp declares, in double.
#include <pathline/precompiled.hpp>

namespace pathline {

template class detail::LayerOperations<Network<Mlp<double, Tanh>::Layers>, Mlp<double, Tanh>::Layers>;
template class detail::LayerOperations<Network<Mlp<double, Softplus>::Layers>, Mlp<double, Softplus>::Layers>;
template class detail::LayerOperations<Network<SquashMlp<double, Tanh>::Layers>, SquashMlp<double, Tanh>::Layers>;
template class detail::LayerOperations<Network<Potential<double>>, Potential<double>>;

}  // namespace pathline
