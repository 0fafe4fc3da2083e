/// \file
/// f and tr ∂f/∂z of a perceptron for evaluation alone, which `Mlp` takes where a flow asks for the exact trace without
/// a gradient. With one or two hidden layers by the closed form of docs/maths.md, (8.6): what `ShallowMlp` computes,
/// without a tape, and with the products of the weights formed once a call. With three narrow ones by (8.7)
/// (middle_trace.hpp). Else by d tangents, which start as σ' times the columns of the first weights and end in products
/// with the rows of the last ones: the first and the last layer multiply the values alone.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/math/write_transposed.hpp>
#include <pathline/nn/compose/middle_trace.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline::detail {

template <Real Scalar, class Sigma>
class ShallowTrace {
  using Middle = MiddleTrace<Scalar, Sigma>;

 public:
  using Layers = Sequential<Repeat<Dense<Scalar, Sigma>>, Linear<Scalar>>;

  [[nodiscard]] static bool possible(const Layers& layers) { return !std::get<0>(layers.layers()).layers().empty(); }
  /// That it carries along for each sample.
  [[nodiscard]] static Index tangents(const Layers& layers) {
    const auto& hidden = std::get<0>(layers.layers()).layers();
    const bool closed = hidden.size() < 3 || Middle::possible(hidden, std::get<1>(layers.layers()).affine());
    return closed ? 0 : layers.in_rows();
  }

  /// Z (d × n) to the top d + 1 rows of Y. S is s × 1 or s × n; at least one hidden layer.
  static void evaluate(const Layers& layers, View<const Scalar> theta, View<const Scalar> S, View<const Scalar> Z,
                       View<Scalar> Y, Workspace<Scalar>& workspace) {
    const auto& hidden = std::get<0>(layers.layers()).layers();
    const Affine<Scalar>& back = std::get<1>(layers.layers()).affine();
    if (Middle::possible(hidden, back) && Z.cols() >= Middle::least_samples)
      return Middle::evaluate(hidden, back, theta, S, Z, Y, workspace);
    if (hidden.size() > 2) return by_tangents(hidden, back, theta, S, Z, Y, workspace);
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

  /// Packed batches [X T] from layer to layer, in two buffers by turns.
  static void by_tangents(const std::vector<Dense<Scalar, Sigma>>& hidden, const Affine<Scalar>& back,
                          View<const Scalar> theta, View<const Scalar> S, View<const Scalar> Z, View<Scalar> Y,
                          Workspace<Scalar>& workspace) {
    const Index n = Z.cols(), d = Z.rows(), columns = (1 + d) * n;
    Index widest = 0, offset = 0;
    for (const Dense<Scalar, Sigma>& layer : hidden) widest = std::max(widest, layer.out_rows());
    typename Workspace<Scalar>::Frame frame(workspace);
    Scalar *from = frame.scalars(widest * columns).data(), *to = frame.scalars(widest * columns).data(),
           *slope = frame.scalars(widest * n).data();
    View<const Scalar> X = Z;
    for (std::size_t l = 0; l < hidden.size(); ++l) {
      const Dense<Scalar, Sigma>& layer = hidden[l];
      const View<const Scalar> own = theta.segment(offset, layer.parameter_count());
      const View<Scalar> out(to, layer.out_rows(), columns);
      if (l > 0 && l + 1 < hidden.size()) {
        layer.linearize(own, S, X, n, out, {}, workspace);
      } else {
        layer.affine().apply(own, S, X, n, l == 0 ? out.leftCols(n) : out, workspace);
        pathline::activate<Sigma>(layer.out_rows() * n, to, to, slope);
        if (l == 0) start_tangents(layer.affine().W(own), View<const Scalar>(slope, layer.out_rows(), n), out);
      }
      X = out;
      std::swap(from, to);
      offset += layer.parameter_count();
    }
    const View<const Scalar> last = theta.tail(back.parameter_count());
    back.apply(last, S, X.leftCols(n), n, Y.topRows(d), workspace);
    const Index h = X.rows();
    const auto write = [&](Scalar* rows) { write_transposed<Scalar>(back.W(last), View<Scalar>(rows, h, d)); };
    const Scalar* const rows = frame.derived(back.W(last), kind, h * d, write);
    for (Index i = 0; i < n; ++i)
      Y(d, i) = sum_packs<Scalar>(h, [&](auto at, Index k) {
        using At = decltype(at);
        const Scalar* tangent = &X(0, n + i) + k;
        auto sum = At::load(rows + k) * At::load(tangent);
        for (Index r = 1; r < d; ++r) sum = madd(At::load(rows + r * h + k), At::load(tangent += n * h), sum);
        return sum * At::load(slope + i * h + k);
      });
  }

  /// Of each sample and dimension: σ' times a column of W.
  static void start_tangents(View<const Scalar> W, View<const Scalar> slope, View<Scalar> out) {
    const Index n = slope.cols();
    for (Index r = 0; r < W.cols(); ++r)
      for (Index i = 0; i < n; ++i)
        for_packs<Scalar>(W.rows(), [w = W.col(r).data(), s = slope.col(i).data(), t = out.col((1 + r) * n + i).data()](
                                        auto at, Index k) {
          using At = decltype(at);
          At::store(At::load(s + k) * At::load(w + k), t + k);
        });
  }

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
