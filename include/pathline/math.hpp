/// \file
/// Room `math`: vectorised activations with first and second derivative, the pack of scalars that they are written in,
/// and the loops (math/view_loops.hpp) and products (math/small_product.hpp) over views that all rooms share. Includes
/// `core` only. Start at math/activate.hpp; an activation of one's own is a struct as in math/activations.hpp.
#pragma once

#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/dual.hpp>
#include <pathline/math/exponential.hpp>
#include <pathline/math/fetch_ahead.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/pack.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/reverse_tape.hpp>
#include <pathline/math/slope_vectors.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/math/third_derivative.hpp>
#include <pathline/math/trigonometric.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/math/write_transposed.hpp>
