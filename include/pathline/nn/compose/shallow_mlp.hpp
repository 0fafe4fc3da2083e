/// \file
/// A perceptron with one or two hidden layers, whose divergence has a closed form without tangents: its cost does not
/// grow with the number of rows. docs/maths.md, (8.6).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/affine.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/linear.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace pathline {

/// The layers of `Mlp` with the same widths, side inputs and θ, and the trace in closed form besides:
///
///     tr J = Σ_h σ'(a_h) (W_1 W_2)_hh,      tr J = σ'(a_2)ᵀ [W_2 ⊙ (W_1 W_3)ᵀ] σ'(a_1).
///
/// The products of the weights are formed once a call. Besides them the trace costs no product with one hidden layer
/// and one with two, where d tangents cost d more columns in all products.
///
///     Network field(ShallowMlp<float, Tanh>(16, {64, 64}), rng);
template <Real Scalar_, class Sigma>
class ShallowMlp {
  static_assert(Activation<Sigma, Scalar_>,
                "ShallowMlp: an activation needs a static Jet<P> jet(P x); see math/activations.hpp");
  using Usable = detail::UsableActivation<Sigma, Scalar_>;

 public:
  using Scalar = Scalar_;

  /// \param dim     Rows of z, d.
  /// \param hidden  Widths of the hidden layers, one or two.
  /// \param side    Side inputs that every layer reads: 1 for time, 0 for none, 1 + c with c rows of context.
  /// \throws ArgumentError when there are other than one or two widths, or a size is out of range.
  ShallowMlp(Index dim, const std::vector<Index>& hidden, Index side = 1)
      : affine_(affine_maps(dim, hidden, side)), layers_(layers_of(affine_)) {}

  /// The layers of `Mlp`, hidden ones first.
  [[nodiscard]] const auto& layers() const noexcept { return layers_; }
  [[nodiscard]] Index in_rows() const { return layers_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return layers_.out_rows(); }
  [[nodiscard]] Index side_rows() const { return layers_.side_rows(); }
  [[nodiscard]] Index widest() const { return layers_.widest(); }
  [[nodiscard]] Index parameter_count() const { return layers_.parameter_count(); }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const { layers_.initialize(theta, rng); }

  [[nodiscard]] Index tape_size(Index n, Index k) const { return layers_.tape_size(n, k); }
  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    layers_.linearize(theta, S, X, n, Y, tape, workspace);
  }
  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    layers_.pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
  }

  [[nodiscard]] Index offered_rows() const noexcept { return 0; }
  [[nodiscard]] Index trace_tape_size(Index n) const {
    Index size = Slices<Scalar>::size(width(last()) * n);
    for (std::size_t l = 0; l <= last(); ++l) size += 3 * Slices<Scalar>::size(width(l) * n);
    return last() == 0 ? size : size + Slices<Scalar>::size(width(1) * width(0));
  }

  /// Z (d × n) to Y ((d+1) × n): f, then tr ∂f/∂z. S is s × 1 or s × n.
  void evaluate_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    const Index n = Z.cols(), d = in_rows();
    TraceTape at = trace_tape(tape, n);
    for (std::size_t l = 0; l <= last(); ++l) {
      Hidden& hidden = at.hidden(l);
      if (l == 0)
        affine_[0].apply(slice(theta, 0), S, Z, n, hidden.value, workspace);
      else
        affine_[1].apply(slice(theta, 1), S, at.first.value, n, hidden.value, workspace);
      activate<Usable>(hidden.value.size(), hidden.value.data(), hidden.value.data(), hidden.slope.data(),
                       hidden.curvature.data());
    }
    affine_.back().apply(slice(theta, last() + 1), S, at.hidden(last()).value, n, Y.topRows(d), workspace);

    typename Workspace<Scalar>::Frame frame(workspace);
    if (last() == 0) {
      VectorMap<Scalar> diagonal = frame.vector(width(0));
      for (Index h = 0; h < width(0); ++h) diagonal(h) = W(theta.data(), 0).row(h).dot(W(theta.data(), 1).col(h));
      at.factor.colwise() = diagonal;
    } else {
      BatchMap<Scalar> C = frame.batch(width(1), width(0));
      detail::set_matrix_product<transposed, transposed, Scalar>(W(theta.data(), 2), W(theta.data(), 0), at.product);
      C = W(theta.data(), 1).cwiseProduct(at.product);
      detail::set_matrix_product<plain, plain, Scalar>(C, at.first.slope, at.factor);
    }
    for (Index j = 0; j < n; ++j) Y(d, j) = at.hidden(last()).slope.col(j).dot(at.factor.col(j));
  }

  /// Y_bar ((d+1) × n) is scratch afterwards; overwrites Z_bar, adds to S_bar and theta_bar.
  void pullback_with_trace(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> Z,
                           std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> Z_bar,
                           BatchRef<Scalar> S_bar, VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index n = Z.cols(), d = in_rows();
    TraceTape at = trace_tape(tape, n);
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> last_bar = frame.batch(width(last()), n);
    affine_.back().pullback(slice(theta, last() + 1), S, at.hidden(last()).value, n, Y_bar.topRows(d), last_bar, S_bar,
                            slice(theta_bar, last() + 1), workspace);
    pull_back(at.hidden(last()), at.factor, Y_bar, last_bar);
    if (last() == 0) {
      affine_[0].pullback(slice(theta, 0), S, Z, n, last_bar, Z_bar, S_bar, slice(theta_bar, 0), workspace);
      VectorMap<Scalar> diagonal_bar = frame.vector(width(0));
      diagonal_bar.setZero();
      for (Index j = 0; j < n; ++j) diagonal_bar += Y_bar(d, j) * at.first.slope.col(j);
      W(theta_bar.data(), 0) += diagonal_bar.asDiagonal() * W(theta.data(), 1).transpose();
      W(theta_bar.data(), 1) += W(theta.data(), 0).transpose() * diagonal_bar.asDiagonal();
      return;
    }
    BatchMap<Scalar> first_bar = frame.batch(width(0), n), first_factor = frame.batch(width(0), n),
                     weighted_slope = frame.batch(width(1), n), C = frame.batch(width(1), width(0)),
                     C_bar = frame.batch(width(1), width(0));
    affine_[1].pullback(slice(theta, 1), S, at.first.value, n, last_bar, first_bar, S_bar, slice(theta_bar, 1),
                        workspace);
    C = W(theta.data(), 1).cwiseProduct(at.product);
    detail::set_matrix_product<transposed, plain, Scalar>(C, at.second.slope, first_factor);
    pull_back(at.first, first_factor, Y_bar, first_bar);
    affine_[0].pullback(slice(theta, 0), S, Z, n, first_bar, Z_bar, S_bar, slice(theta_bar, 0), workspace);

    for (Index j = 0; j < n; ++j) weighted_slope.col(j) = Y_bar(d, j) * at.second.slope.col(j);
    detail::set_matrix_product<plain, transposed, Scalar>(weighted_slope, at.first.slope, C_bar);
    W(theta_bar.data(), 1) += C_bar.cwiseProduct(at.product);
    C_bar.array() *= W(theta.data(), 1).array();  // now the cotangent of (W_1 W_3)ᵀ
    detail::add_matrix_product<transposed, transposed, Scalar>(C_bar, W(theta.data(), 2), W(theta_bar.data(), 0));
    detail::add_matrix_product<transposed, transposed, Scalar>(W(theta.data(), 0), C_bar, W(theta_bar.data(), 2));
  }

 private:
  using enum detail::Factor;
  using Layers = Sequential<Repeat<Dense<Scalar, Usable>>, Linear<Scalar>>;

  /// What a hidden layer leaves: σ, σ' and σ'' (width × n).
  struct Hidden {
    BatchMap<Scalar> value, slope, curvature;
  };
  /// `factor` multiplies the last σ' in the trace, column by column; `product` is (W_1 W_3)ᵀ, empty with one layer.
  struct TraceTape {
    Hidden first, second;
    BatchMap<Scalar> factor, product;
    [[nodiscard]] Hidden& hidden(std::size_t l) { return l == 0 ? first : second; }
  };

  [[nodiscard]] TraceTape trace_tape(std::span<Scalar> tape, Index n) const {
    Slices<Scalar> slices(tape);
    const auto hidden = [&](Index rows) {
      // Braces evaluate in order.
      return Hidden{slices.batch(rows, n), slices.batch(rows, n), slices.batch(rows, n)};
    };
    const bool two = last() == 1;
    return TraceTape{hidden(width(0)), hidden(two ? width(1) : 0), slices.batch(width(last()), n),
                     slices.batch(two ? width(1) : 0, two ? width(0) : 0)};
  }

  /// a_bar holds the cotangent of σ(a) and becomes that of a; the row under the values of Y_bar is the trace's.
  void pull_back(const Hidden& hidden, const BatchMap<Scalar>& factor, ConstBatchRef<Scalar> Y_bar,
                 BatchRef<Scalar> a_bar) const {
    for (Index j = 0; j < a_bar.cols(); ++j)
      a_bar.col(j).array() = a_bar.col(j).array() * hidden.slope.col(j).array() +
                             Y_bar(in_rows(), j) * hidden.curvature.col(j).array() * factor.col(j).array();
  }

  static std::vector<Affine<Scalar>> affine_maps(Index dim, const std::vector<Index>& hidden, Index side) {
    if (hidden.size() != 1 && hidden.size() != 2)
      throw ArgumentError("ShallowMlp: number of hidden layers", hidden.size(), "1 or 2");
    std::vector<Affine<Scalar>> result;
    result.reserve(hidden.size() + 1);
    Index in = dim;
    for (const Index width : hidden) {
      result.emplace_back(in, width, side);
      in = width;
    }
    result.emplace_back(in, dim, side);
    return result;
  }
  static Layers layers_of(const std::vector<Affine<Scalar>>& affine) {
    std::vector<Dense<Scalar, Usable>> dense;
    dense.reserve(affine.size() - 1);
    for (std::size_t l = 0; l + 1 < affine.size(); ++l)
      dense.emplace_back(affine[l].in_rows(), affine[l].out_rows(), affine[l].side_rows());
    const Affine<Scalar>& back = affine.back();
    return Layers{Repeat<Dense<Scalar, Usable>>(affine.front().in_rows(), std::move(dense)),
                  Linear<Scalar>(back.in_rows(), back.out_rows(), back.side_rows())};
  }

  /// The last hidden layer, counted from 0.
  [[nodiscard]] std::size_t last() const noexcept { return affine_.size() - 2; }
  [[nodiscard]] Index width(std::size_t l) const noexcept { return affine_[l].out_rows(); }
  [[nodiscard]] Index offset(std::size_t l) const noexcept {
    Index sum = 0;
    for (std::size_t i = 0; i < l; ++i) sum += affine_[i].parameter_count();
    return sum;
  }
  template <class Theta>
  [[nodiscard]] auto slice(Theta&& theta, std::size_t l) const {
    return theta.segment(offset(l), affine_[l].parameter_count());
  }
  /// W_{l+1} in θ or its cotangent; U comes before it.
  template <class T>
  [[nodiscard]] auto W(T* theta, std::size_t l) const {
    using Matrix = std::conditional_t<std::is_const_v<T>, const Batch<Scalar>, Batch<Scalar>>;
    const Affine<Scalar>& map = affine_[l];
    return Eigen::Map<Matrix>(theta + offset(l) + map.out_rows() * map.side_rows(), map.out_rows(), map.in_rows());
  }

  std::vector<Affine<Scalar>> affine_;
  Layers layers_;
};

}  // namespace pathline
