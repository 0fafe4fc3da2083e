/// \file
/// f and tr ∂f/∂z of a perceptron with three hidden layers, for evaluation alone: two matrices times the slopes of the
/// first and of the third layer, which meet at the slopes of the second. docs/maths.md, (8.7).
///
/// These are as many products as d tangents take that skip the end layers, without passes over tangents, and with wider
/// chunks: 0.90 to 0.97 of the time for hundreds of samples (2-64-64-64-2, 6-64-64-64-6, 8-32-32-32-8 in float with
/// AVX-512).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/math/write_transposed.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/dense.hpp>

#include <array>
#include <cstddef>
#include <vector>

namespace pathline::detail {

template <Real Scalar, class Sigma>
class MiddleTrace {
  using Hidden = std::vector<Dense<Scalar, Sigma>>;

 public:
  /// For few samples, forming the matrices takes more time than it saves. But PerSample fills a group of samples up to
  /// a whole pack, of two numbers at least, and a sample must take the same path alone and beside others.
  static constexpr Index least_samples = 2;

  /// With three hidden layers, of which the middle one is not the wide one, while both matrices stay in a second-level
  /// cache: 256 KiB.
  [[nodiscard]] static bool possible(const Hidden& hidden, const Affine<Scalar>& back) {
    constexpr Index most = (Index(1) << 18) / Index(sizeof(Scalar));
    return hidden.size() == 3 && hidden[1].out_rows() <= hidden[0].out_rows() + hidden[2].out_rows() &&
           back.out_rows() * hidden[1].out_rows() * (hidden[0].out_rows() + hidden[2].out_rows()) <= most;
  }

  /// Z (d × n) to the top d + 1 rows of Y. S is s × 1 or s × n.
  static void evaluate(const Hidden& hidden, const Affine<Scalar>& back, View<const Scalar> theta, View<const Scalar> S,
                       View<const Scalar> Z, View<Scalar> Y, Workspace<Scalar>& workspace) {
    const Index n = Z.cols(), d = Z.rows(), h = hidden[1].out_rows();
    typename Workspace<Scalar>::Frame frame(workspace);
    View<const Scalar> X = Z;
    std::array<View<const Scalar>, 3> W{Z, Z, Z}, slope = W;
    Index offset = 0;
    for (std::size_t l = 0; l < 3; ++l) {
      const Affine<Scalar>& affine = hidden[l].affine();
      const View<const Scalar> own = theta.segment(offset, affine.parameter_count());
      const View<Scalar> value = frame.batch(affine.out_rows(), n), derivative = frame.batch(affine.out_rows(), n);
      affine.apply(own, S, X, n, value, workspace);
      pathline::activate<Sigma>(value.size(), value.data(), value.data(), derivative.data());
      W[l] = affine.W(own);
      slope[l] = derivative;
      X = value;
      offset += affine.parameter_count();
    }
    const View<const Scalar> last = theta.tail(back.parameter_count());
    back.apply(last, S, X, n, Y.topRows(d), workspace);

    const View<Scalar> from_start = frame.batch(d * h, n), from_end = frame.batch(d * h, n);
    const auto multiply = [&](View<const Scalar> of, View<const Scalar> by, View<Scalar> to, auto&& write) {
      const Index depth = by.rows();
      const Scalar* const panels = frame.derived(of, kind, packed_size<Scalar>(d * h, depth), write);
      set_panel_product<Scalar>({panels, d * h, depth}, by, to);
    };
    multiply(W[1], slope[0], from_start, [&](Scalar* to) { write_from_start(W[0], W[1], to, workspace); });
    multiply(W[2], slope[2], from_end, [&](Scalar* to) { write_from_end(W[2], back.W(last), to, workspace); });
    for (Index i = 0; i < n; ++i) {
      const Scalar *const middle = slope[1].col(i).data(), *const start = from_start.col(i).data(),
                          *const end = from_end.col(i).data();
      Y(d, i) = sum_packs<Scalar>(h, [=](auto at, Index k) {
        using At = decltype(at);
        auto sum = At::load(start + k) * At::load(end + k);
        for (Index r = 1; r < d; ++r) sum = madd(At::load(start + r * h + k), At::load(end + r * h + k), sum);
        return sum * At::load(middle + k);
      });
    }
  }

 private:
  static constexpr int kind = 2;  // beside the two of panels()

  /// The blocks W_2 diag(W_1 e_r), one below the other, in panels.
  static void write_from_start(View<const Scalar> first, View<const Scalar> second, Scalar* to,
                               Workspace<Scalar>& workspace) {
    typename Workspace<Scalar>::Frame frame(workspace);
    const Index h = second.rows(), d = first.cols();
    const View<Scalar> blocks = frame.batch(d * h, second.cols());
    for (Index j = 0; j < second.cols(); ++j)
      for (Index r = 0; r < d; ++r) set_scaled<Scalar>(first(j, r), second.col(j), blocks.col(j).middleRows(r * h, h));
    write_panels<Factor::plain, Scalar>(blocks, to);
  }

  /// The blocks W_3ᵀ diag(W_4ᵀ e_r), one below the other, in panels.
  static void write_from_end(View<const Scalar> third, View<const Scalar> last, Scalar* to,
                             Workspace<Scalar>& workspace) {
    typename Workspace<Scalar>::Frame frame(workspace);
    const Index h = third.cols(), d = last.rows();
    const View<Scalar> rows = frame.batch(third.rows(), d), transposed = frame.batch(third.rows(), d * h);
    write_transposed<Scalar>(last, rows);
    for (Index r = 0; r < d; ++r)
      for (Index j = 0; j < h; ++j)
        update<Scalar>(
            transposed.col(r * h + j), [](auto, auto w, auto v) { return w * v; }, third.col(j), rows.col(r));
    write_panels<Factor::transposed, Scalar>(transposed, to);
  }
};

}  // namespace pathline::detail
