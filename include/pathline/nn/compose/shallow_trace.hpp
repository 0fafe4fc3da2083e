/// \file
/// f and tr ∂f/∂z of a perceptron with one or two hidden layers by the closed form of docs/maths.md, (8.6), for
/// evaluation alone: what `ShallowMlp` computes, without a tape, and with the products of the weights formed once a
/// solve. `Mlp` takes it where a flow asks for the exact trace without a gradient.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/math/write_transposed.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <cstddef>
#include <span>
#include <tuple>

namespace pathline::detail {

template <Real Scalar, class Sigma>
class ShallowTrace {
 public:
  using Layers = Sequential<Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>;

  [[nodiscard]] static bool possible(const Layers& layers) {
    const std::size_t count = std::get<0>(layers.layers()).layers().size();
    return count == 1 || count == 2;
  }

  /// Z (d × n) to the top d + 1 rows of Y. S is s × 1 or s × n; at most two hidden layers, at least one.
  static void evaluate(const Layers& layers, View<const Scalar> theta, View<const Scalar> S, View<const Scalar> Z,
                       View<Scalar> Y, Workspace<Scalar>& workspace) {
    const auto& hidden = std::get<0>(layers.layers()).layers();
    const Affine<Scalar>& back = std::get<1>(layers.layers()).affine();
    const Index n = Z.cols(), d = Z.rows(), back_count = back.parameter_count();
    typename Workspace<Scalar>::Frame frame(workspace);
    View<const Scalar> X = Z, weights = theta, slope = Z, first_slope = Z;
    Index offset = 0;
    for (const Dense<Scalar, Sigma>& layer : hidden) {
      const View<const Scalar> own = theta.segment(offset, layer.parameter_count());
      const View<Scalar> value = frame.batch(layer.out_rows(), n), derivative = frame.batch(layer.out_rows(), n);
      layer.affine().apply(own, S, X, n, value, workspace);
      pathline::activate<Sigma>(value.size(), value.data(), value.data(), derivative.data());
      weights = layer.affine().W(own);
      first_slope = offset == 0 ? View<const Scalar>(derivative) : slope;
      slope = derivative;
      X = value;
      offset += layer.parameter_count();
    }
    back.apply(theta.tail(back_count), S, X, n, Y.topRows(d), workspace);

    const View<const Scalar> first = hidden[0].affine().W(theta.head(hidden[0].parameter_count())),
                             last = back.W(theta.tail(back_count));
    const Index h = slope.rows();
    View<const Scalar> factor = slope;
    if (hidden.size() == 1) {
      factor = View<const Scalar>(frame.derived(first, kind, h, [&](Scalar* to) { write_diagonal(first, last, to); }),
                                  h, n, 0);
    } else {
      const View<Scalar> product = frame.batch(h, n);
      const auto write = [&](Scalar* to) { write_coupling(first, weights, last, to, workspace); };
      const Panels<Scalar> C{frame.derived(weights, kind, packed_size<Scalar>(h, weights.cols()), write), h,
                             weights.cols()};
      set_panel_product<Scalar>(C, first_slope, product);
      factor = product;
    }
    for (Index j = 0; j < n; ++j)
      Y(d, j) = dot<Scalar>(slope.data() + j * slope.stride(), factor.data() + j * factor.stride(), h);
  }

 private:
  static constexpr int kind = 2;  // beside the two of panels()

  /// The diagonal of W_1 W_2.
  static void write_diagonal(View<const Scalar> first, View<const Scalar> last, Scalar* to) {
    for (Index i = 0; i < first.rows(); ++i) {
      to[i] = 0;
      for (Index r = 0; r < first.cols(); ++r) to[i] += first(i, r) * last(r, i);
    }
  }

  /// C = W_2 ⊙ (W_3ᵀ W_1ᵀ) in panels.
  static void write_coupling(View<const Scalar> first, View<const Scalar> middle, View<const Scalar> last, Scalar* to,
                             Workspace<Scalar>& workspace) {
    typename Workspace<Scalar>::Frame frame(workspace);
    const Index d = first.cols();
    const View<Scalar> transposed = frame.batch(d, first.rows()), C = frame.batch(middle.rows(), middle.cols());
    write_transposed<Scalar>(first, transposed);
    Scalar* const panels = frame.scalars(packed_size<Scalar>(last.cols(), d)).data();
    write_panels<Factor::transposed, Scalar>(last, panels);
    set_panel_product<Scalar>({panels, last.cols(), d}, transposed, C);
    update<Scalar>(
        C, [](auto c, auto w) { return c * w; }, middle);
    write_panels<Factor::plain, Scalar>(C, to);
  }
};

}  // namespace pathline::detail
