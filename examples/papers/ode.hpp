/// \file
/// The neural ODEs of the rows. What solves and differentiates them takes the compiler long, and is compiled once.
#pragma once

#include <pathline/core/chunk_settings.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/mlp.hpp>

#include <functional>
#include <vector>

namespace examples::papers {

template <class Gradient>
using NetworkOde = pathline::NeuralOde<pathline::Mlp<float, pathline::Tanh>, pathline::Dopri5, pathline::PiController,
                                       Gradient, pathline::Threads, pathline::ChunkWidth>;
using Ode = NetworkOde<pathline::Backpropagation<>>;
using AdjointOde = NetworkOde<pathline::Adjoint>;

using States = std::vector<pathline::Batch<float>>;
/// Reads the states at the times, and adds to their cotangents.
using StateLoss = std::function<float(const States& states, States& cotangents)>;

/// As ode.solve().
[[nodiscard]] States solve(const Ode& ode, const pathline::Batch<float>& y0, const std::vector<double>& times,
                           const pathline::Batch<float>& context = {});
[[nodiscard]] States solve(const AdjointOde& ode, const pathline::Batch<float>& y0, const std::vector<double>& times);

/// As ode.value_and_gradient().
void value_and_gradient(const Ode& ode, const pathline::Batch<float>& y0, const std::vector<double>& times,
                        const StateLoss& loss, Ode::Memory& memory, pathline::ValueAndGradient<float>& result,
                        const pathline::Batch<float>& context = {});
void value_and_gradient(const AdjointOde& ode, const pathline::Batch<float>& y0, const std::vector<double>& times,
                        const StateLoss& loss, AdjointOde::Memory& memory, pathline::ValueAndGradient<float>& result);

}  // namespace examples::papers
