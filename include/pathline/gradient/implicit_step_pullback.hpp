/// \file
/// Backpropagation through implicit methods: include it, and `Kvaerno5`, `TrBdf2`, `RadauIia5`, `Rodas4` and their kin
/// train as `Dopri5` does.
/// ```
/// NeuralOde ode(field, Kvaerno5{}, PiController{.rtol = 1e-6, .atol = 1e-8});
/// ```
#pragma once

#include <pathline/gradient/implicit/diagonally_implicit_pullback.hpp>
#include <pathline/gradient/implicit/dynamics_with_directions.hpp>
#include <pathline/gradient/implicit/dynamics_with_jacobian.hpp>
#include <pathline/gradient/implicit/fully_implicit_pullback.hpp>
#include <pathline/gradient/implicit/rosenbrock_pullback.hpp>
#include <pathline/gradient/implicit/rosenbrock_recording.hpp>
#include <pathline/gradient/implicit/stage_recording.hpp>
#include <pathline/gradient/implicit/transposed_system.hpp>
