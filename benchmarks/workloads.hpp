/// \file
/// Workloads with closed-form weights and inputs, the same in `benchmarks/peers/` (PyTorch, JAX), so that loss,
/// gradient and time can be compared with other implementations.
///
/// Weight k of a network is sin(k²) / √(columns of its matrix), k = 1, 2, … over all matrices in order, each column by
/// column (out × in, the column of the time input first); biases are 0. Input k is 1.5 cos(k²). k is an integer of 64
/// bits; arithmetic in double, then rounded.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pathline::workloads {

/// d × n.
template <Real Scalar>
[[nodiscard]] Batch<Scalar> inputs(Index d, Index n) {
  Batch<Scalar> Z(d, n);
  std::uint64_t k = 1;
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < d; ++i, ++k) Z(i, j) = Scalar(1.5 * std::cos(double(k * k)));
  return Z;
}

/// Sets θ = [U | W | b] of each layer in turn; `sizes` are the rows from input to output.
template <Real Scalar>
void set_weights(Vector<Scalar>& theta, const std::vector<Index>& sizes, Index side) {
  std::uint64_t k = 1;
  Index offset = 0;
  for (std::size_t layer = 0; layer + 1 < sizes.size(); ++layer) {
    const Index rows = sizes[layer + 1], columns = sizes[layer] + side;
    for (Index i = 0; i < rows * columns; ++i, ++k)
      theta(offset + i) = Scalar(std::sin(double(k * k)) / std::sqrt(double(columns)));
    theta.segment(offset + rows * columns, rows).setZero();
    offset += rows * (columns + 1);
  }
}

/// Multiply-adds of the matrix products of one evaluation for one sample, with k tangents.
[[nodiscard]] inline double multiply_adds(const std::vector<Index>& sizes, Index side, Index tangents) {
  double sum = 0;
  for (std::size_t layer = 0; layer + 1 < sizes.size(); ++layer)
    sum += double(sizes[layer + 1]) * double(side + sizes[layer] * (1 + tangents));
  return sum;
}

/// 2-64-64-64-2, tanh, time in every layer: the field of `ffjord_toy`.
template <Real Scalar>
[[nodiscard]] Mlp<Scalar, Tanh> ffjord_field() {
  Rng rng(0);
  Mlp<Scalar, Tanh> field(2, {64, 64, 64}, rng);
  set_weights(field.parameters(), {2, 64, 64, 64, 2}, 1);
  return field;
}

/// The same with all weights four times as large: the field of `ffjord_hard`. Steep enough that steps are rejected, as
/// under the weights of a trained flow; a closed form, unlike those, is the same in every implementation.
template <Real Scalar>
[[nodiscard]] Mlp<Scalar, Tanh> hard_ffjord_field() {
  Mlp<Scalar, Tanh> field = ffjord_field<Scalar>();
  field.parameters() *= Scalar(4);
  return field;
}

/// d-h-h-d, time in every layer: the field of `ffjord_wide` (d = 16, softplus) and of `wide_log_prob` (32, tanh).
template <Real Scalar, class Sigma>
[[nodiscard]] Mlp<Scalar, Sigma> wide_field(Index d, Index h) {
  Rng rng(0);
  Mlp<Scalar, Sigma> field(d, {h, h}, rng);
  set_weights(field.parameters(), {d, h, h, d}, 1);
  return field;
}

/// One probe of signs in closed form, the noise of `ffjord_wide`: sign k is that of bit 16 of 2654435761 k mod 2^32
/// (1 is positive), k = 1, 2, … over d × n column by column.
struct StatedSigns {
  [[nodiscard]] Index tangents(Index /*d*/) const noexcept { return 1; }
  [[nodiscard]] double weight(Index /*d*/, Index /*j*/) const noexcept { return 1; }
  template <Real Scalar>
  void fill(const Draw& /*draw*/, std::span<const Index> samples, BatchMap<Scalar> V,
            Workspace<Scalar>& /*workspace*/) const {
    for (Index j = 0; j < V.cols(); ++j)
      for (Index i = 0; i < V.rows(); ++i) {
        const auto k = static_cast<std::uint32_t>(samples[static_cast<std::size_t>(j)] * V.rows() + i + 1);
        V(i, j) = Scalar((k * 2654435761U) >> 16 & 1U ? 1 : -1);
      }
  }
};

/// 2-64-64-2, tanh, no time: the field of `node_fwd`.
template <Real Scalar>
[[nodiscard]] Mlp<Scalar, Tanh> node_field() {
  Rng rng(0);
  Mlp<Scalar, Tanh> field(2, {64, 64}, rng, 0);
  set_weights(field.parameters(), {2, 64, 64, 2}, 0);
  return field;
}

/// The potential of `otflow_toy` (d = 2, m = 32) and `otflow_wide` (d = 32, m = 256): width m, one residual layer.
/// Weight k is as above over K_0, K_1, A in this order, time in the last column; A times √(6 / (rows + columns))
/// instead; w = 1 and biases 0.
template <Real Scalar>
[[nodiscard]] Network<Potential<Scalar>> otflow_field(Index d, Index m) {
  Rng rng(0);
  Network<Potential<Scalar>> field(Potential<Scalar>(d, m, 1), rng);
  const detail::PotentialShape shape(d, m, 1);
  field.parameters().setZero();
  const detail::PotentialParameters<Scalar> p(shape, field.parameters().data());
  std::uint64_t k = 1;
  const auto set = [&k](auto matrix, double scale) {
    for (Index i = 0; i < matrix.size(); ++i, ++k) matrix.data()[i] = Scalar(scale * std::sin(double(k * k)));
  };
  set(p.K(0), 1 / std::sqrt(double(d + 1)));
  set(p.K(1), 1 / std::sqrt(double(m)));
  set(p.A(), std::sqrt(6.0 / double(shape.rank() + d + 1)));
  p.w().setOnes();
  return field;
}

/// σ(x) = x³.
struct Cube {
  template <class P>
  [[nodiscard]] static EIGEN_ALWAYS_INLINE Jet<P> jet(P x) {
    return {x * x * x, P(3) * x * x, P(6) * x};
  }
};

/// f(z) = MLP(z³), 2-50-2, tanh, no time: the field of `node_train` (the spiral of Chen et al. 2018).
template <Real Scalar>
[[nodiscard]] auto spiral_field() {
  Rng rng(0);
  Network field(Sequential(Elementwise<Scalar, Cube>(2), Dense<Scalar, Tanh>(2, 50, 0), Linear<Scalar>(50, 2, 0)), rng);
  set_weights(field.parameters(), {2, 50, 2}, 0);
  return field;
}

/// Output times of `node_train`.
[[nodiscard]] inline std::vector<double> spiral_times() {
  std::vector<double> times;
  for (int i = 0; i < 10; ++i) times.push_back(0.25 * i / 9.0);
  return times;
}

/// Mean of squares over all states, and its cotangents: the loss of `node_train`.
struct MeanSquare {
  template <Real Scalar>
  Scalar operator()(const std::vector<Batch<Scalar>>& states, std::vector<Batch<Scalar>>& cotangents) const {
    const Scalar share = Scalar(1) / Scalar(Index(states.size()) * states.front().size());
    Scalar sum(0);
    for (std::size_t i = 0; i < states.size(); ++i) {
      sum += states[i].squaredNorm();
      cotangents[i] += (Scalar(2) * share) * states[i];
    }
    return sum * share;
  }
};

}  // namespace pathline::workloads
