// The fields that pathline/precompiled.hpp declares, in float.
#include <pathline/precompiled.hpp>

namespace pathline {

template class detail::LayerOperations<Network<Mlp<float, Tanh>::Layers>, Mlp<float, Tanh>::Layers>;
template class detail::LayerOperations<Network<Mlp<float, Softplus>::Layers>, Mlp<float, Softplus>::Layers>;
template class detail::LayerOperations<Network<SquashMlp<float, Tanh>::Layers>, SquashMlp<float, Tanh>::Layers>;
template class detail::LayerOperations<Network<Potential<float>>, Potential<float>>;

}  // namespace pathline
