/// \file
/// Room `nn`: networks as vector fields. A layer is a struct with `linearize` and `pullback` (see nn/layer.hpp, where
/// to start); `Sequential` composes layers at compile time, `Repeat` at run time, `Network` owns their parameters, and
/// `Mlp` is the network that most programs want. Includes `core` and `math` only, and knows nothing of solvers.
#pragma once

#include <pathline/nn/affine.hpp>
#include <pathline/nn/dense.hpp>
#include <pathline/nn/elementwise.hpp>
#include <pathline/nn/jacobian.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/path_derivatives.hpp>
#include <pathline/nn/repeat.hpp>
#include <pathline/nn/sequential.hpp>
#include <pathline/nn/taylor.hpp>
