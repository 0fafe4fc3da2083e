/// \file
/// Where the weights of a network's layers are in its parameters: what `Muon` asks for.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>

#include <tuple>
#include <vector>

namespace pathline {

/// A matrix in θ, column after column.
struct ParameterMatrix {
  Index offset = 0, rows = 1, columns = 1;
  friend bool operator==(const ParameterMatrix&, const ParameterMatrix&) = default;
};

namespace detail {

/// Appends the matrices [U | W] of the layers of a network, and moves `offset` on.
template <class L>
struct MatricesOfLayer {
  static constexpr bool known = false;
};
template <class L>
struct MatricesOfAffine {
  static constexpr bool known = true;
  static void add(const L& layer, Index& offset, std::vector<ParameterMatrix>& matrices) {
    matrices.push_back({offset, layer.out_rows(), layer.side_rows() + layer.in_rows()});
    offset += layer.parameter_count();
  }
};
template <class Scalar, class Sigma>
struct MatricesOfLayer<Dense<Scalar, Sigma>> : MatricesOfAffine<Dense<Scalar, Sigma>> {};
template <class Scalar>
struct MatricesOfLayer<Linear<Scalar>> : MatricesOfAffine<Linear<Scalar>> {};
template <class L>
struct MatricesOfLayer<Repeat<L>> {
  static constexpr bool known = MatricesOfLayer<L>::known;
  static void add(const Repeat<L>& repeat, Index& offset, std::vector<ParameterMatrix>& matrices) {
    for (const L& layer : repeat.layers()) MatricesOfLayer<L>::add(layer, offset, matrices);
  }
};
template <class... L>
struct MatricesOfLayer<Sequential<L...>> {
  static constexpr bool known = (MatricesOfLayer<L>::known && ...);
  static void add(const Sequential<L...>& all, Index& offset, std::vector<ParameterMatrix>& matrices) {
    std::apply([&](const L&... layer) { (MatricesOfLayer<L>::add(layer, offset, matrices), ...); }, all.layers());
  }
};

}  // namespace detail

/// The matrices [U | W] of a network of `Dense` and `Linear` layers, as `Mlp` is, but for the first layer and the last.
/// Empty for a network of fewer than three layers.
template <class L>
[[nodiscard]] std::vector<ParameterMatrix> hidden_matrices(const Network<L>& network) {
  using Rule = detail::MatricesOfLayer<L>;
  static_assert(
      Rule::known,
      "hidden_matrices: the network has other layers than Dense and Linear: give Muon their matrices yourself");
  std::vector<ParameterMatrix> matrices;
  if constexpr (Rule::known) {
    Index offset = 0;
    Rule::add(network.layer(), offset, matrices);
    if (matrices.size() < 3) return {};
    matrices.erase(matrices.begin());
    matrices.pop_back();
  }
  return matrices;
}

}  // namespace pathline
