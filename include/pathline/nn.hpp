/// \file
/// Room `nn`: networks as vector fields. A layer is a struct with `linearize` and `pullback` (see nn/layer.hpp, where
/// to start); `Sequential` composes layers at compile time, `Repeat` at run time, `Network` owns their parameters, and
/// `Mlp` is the network that most programs want. Includes `core` and `math` only, and knows nothing of solvers.
#pragma once

// What a layer, a field and their parameters are, and the networks that most programs want.
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_field.hpp>
#include <pathline/nn/layer_of_field.hpp>
#include <pathline/nn/layer_operations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/nn/periodic_mlp.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/nn/traced.hpp>

// `nn/layer/`: Layers. Includes what a layer is, and `taylor`.
#include <pathline/nn/layer/activation_tape.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/augment.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/function_layer.hpp>
#include <pathline/nn/layer/gate.hpp>
#include <pathline/nn/layer/hyper_linear.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/layer/narrow_product.hpp>
#include <pathline/nn/layer/periodic_features.hpp>
#include <pathline/nn/layer/side_product.hpp>
#include <pathline/nn/layer/taylor_affine.hpp>

// `nn/compose/`: Layers put together: in sequence, repeated, summed, scaled, side by side. Includes `layer`.
#include <pathline/nn/compose/blend.hpp>
#include <pathline/nn/compose/chain.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/separable_field.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/compose/split_field.hpp>
#include <pathline/nn/compose/sum.hpp>

// `nn/time/`: Time, control signals and learned end times. Includes `layer`.
#include <pathline/nn/time/autonomous.hpp>
#include <pathline/nn/time/controlled.hpp>
#include <pathline/nn/time/interpolants.hpp>
#include <pathline/nn/time/learned_end_time.hpp>
#include <pathline/nn/time/time_embedding.hpp>
#include <pathline/nn/time/time_features.hpp>
#include <pathline/nn/time/time_gain.hpp>

// `nn/taylor/`: Taylor mode: derivatives along the path carried through layers.
#include <pathline/nn/taylor/path_derivatives.hpp>
#include <pathline/nn/taylor/taylor.hpp>
#include <pathline/nn/taylor/taylor_tape.hpp>

// `nn/potential/`: The potential of OT-Flow, with its gradient and trace in closed form.
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>
#include <pathline/nn/potential/potential_passes.hpp>
#include <pathline/nn/potential/potential_sweeps.hpp>
#include <pathline/nn/potential/potential_tangents.hpp>
#include <pathline/nn/potential/potential_trace.hpp>

// `nn/moving/`: Layers whose parameters move, for second derivatives; included by name.
