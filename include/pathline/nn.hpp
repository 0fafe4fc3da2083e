/// \file
/// Room `nn`: networks as vector fields. A layer is a struct with `linearize` and `pullback` (see nn/layer.hpp, where
/// to start); `Sequential` composes layers at compile time, `Repeat` at run time, `Network` owns their parameters, and
/// `Mlp` is the network that most programs want. Includes `core` and `math` only, and knows nothing of solvers.
#pragma once

#include <pathline/nn/activation_tape.hpp>
#include <pathline/nn/affine.hpp>
#include <pathline/nn/augment.hpp>
#include <pathline/nn/autonomous.hpp>
#include <pathline/nn/blend.hpp>
#include <pathline/nn/chain.hpp>
#include <pathline/nn/concat_squash.hpp>
#include <pathline/nn/dense.hpp>
#include <pathline/nn/driven.hpp>
#include <pathline/nn/elementwise.hpp>
#include <pathline/nn/gate.hpp>
#include <pathline/nn/hyper_linear.hpp>
#include <pathline/nn/interpolants.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer_field.hpp>
#include <pathline/nn/learned_end_time.hpp>
#include <pathline/nn/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/narrow_product.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/parameters.hpp>
#include <pathline/nn/path_derivatives.hpp>
#include <pathline/nn/potential.hpp>
#include <pathline/nn/potential_parameters.hpp>
#include <pathline/nn/potential_passes.hpp>
#include <pathline/nn/potential_sweeps.hpp>
#include <pathline/nn/potential_tangents.hpp>
#include <pathline/nn/potential_trace.hpp>
#include <pathline/nn/repeat.hpp>
#include <pathline/nn/residual.hpp>
#include <pathline/nn/sequential.hpp>
#include <pathline/nn/shallow_mlp.hpp>
#include <pathline/nn/side_product.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/nn/taylor.hpp>
#include <pathline/nn/taylor_affine.hpp>
#include <pathline/nn/taylor_tape.hpp>
#include <pathline/nn/time_embedding.hpp>
#include <pathline/nn/time_features.hpp>
#include <pathline/nn/time_gain.hpp>
#include <pathline/nn/traced.hpp>
