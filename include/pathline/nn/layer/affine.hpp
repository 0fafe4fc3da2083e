/// \file
/// The affine part of a layer, A = W X + U S + b, shared by `Linear` and `Dense`; docs/maths.md, (9.1) and (9.3).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/outer_product.hpp>
#include <pathline/math/packed_product.hpp>
#include <pathline/math/small_product.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer/narrow_product.hpp>
#include <pathline/nn/layer/side_product.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace pathline {

/// θ = [U | W | b]: U (out × s) reads the side inputs, W (out × in) the batch, column-major one after the other, as if
/// side inputs stood above the batch; then the bias (out).
template <Real Scalar>
class Affine {
 public:
  /// \throws ArgumentError when in or out is below 1, or side below 0.
  Affine(Index in, Index out, Index side) : in_(in), out_(out), side_(side) {
    if (in < 1) throw ArgumentError("Affine: number of inputs", in, "at least 1");
    if (out < 1) throw ArgumentError("Affine: number of outputs", out, "at least 1");
    if (side < 0) throw ArgumentError("Affine: number of side inputs", side, "at least 0");
  }

  [[nodiscard]] Index in_rows() const noexcept { return in_; }
  [[nodiscard]] Index out_rows() const noexcept { return out_; }
  [[nodiscard]] Index side_rows() const noexcept { return side_; }
  [[nodiscard]] Index parameter_count() const noexcept { return out_ * (side_ + in_ + 1); }

  /// Uniform on ±1/√(fan-in) for U, W and b: keeps the variance of a layer's output near a third of its input's.
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    const Scalar bound = Scalar(1) / std::sqrt(Scalar(side_ + in_));
    Eigen::Map<Batch<Scalar>> columns(theta.data(), out_, side_ + in_ + 1);
    fill<Uniform>(rng.draw(), 0, columns);
    detail::update<Scalar>(columns, [=](auto x) { return bound * (Scalar(2) * x - Scalar(1)); });
  }

  /// A (out × (1+k)n) = W X + U S, and b added to the first n columns; U S goes to the columns that S has: the values,
  /// and the tangents if the side inputs move (S packed). Starting from the bias instead of from zero saves a pass.
  /// Which product is taken depends on the layer's sizes alone, but for a single column (math/packed_product.hpp,
  /// nn/layer/narrow_product.hpp). W is copied into panels, once while the workspace knows that θ does not change.
  void apply(const View<const Scalar>& theta, const View<const Scalar>& S, const View<const Scalar>& X, Index n,
             const View<Scalar>& A, Workspace<Scalar>& workspace) const;

  /// Given A_bar (out × (1+k)n): overwrites X_bar, adds to S_bar and theta_bar.
  void pullback(const View<const Scalar>& theta, const View<const Scalar>& S, const View<const Scalar>& X, Index n,
                const View<const Scalar>& A_bar, const View<Scalar>& X_bar, const View<Scalar>& S_bar,
                const View<Scalar>& theta_bar, Workspace<Scalar>& workspace) const;

  /// U (out × s) in θ or in its cotangent.
  template <class Of>
  [[nodiscard]] View<Of> U(View<Of> theta) const {
    return View<Of>(theta.data(), out_, side_);
  }
  /// W (out × in) in θ or in its cotangent.
  template <class Of>
  [[nodiscard]] View<Of> W(View<Of> theta) const {
    return View<Of>(theta.data() + out_ * side_, out_, in_);
  }

 private:
  Index in_, out_, side_;
};

// Outside the class: a program can have them compiled once, by `extern template class pathline::Affine<double>`.
template <Real Scalar>
void Affine<Scalar>::apply(const View<const Scalar>& theta, const View<const Scalar>& S, const View<const Scalar>& X,
                           Index n, const View<Scalar>& A, Workspace<Scalar>& workspace) const {
  using detail::Factor;
  const View<const Scalar> b = theta.tail(out_), s = S.topRows(side_), weights = W(theta);
  const Index tangents = A.cols() - n;
  const bool narrow = out_ <= detail::narrow_rows, side_moves = side_ > 0 && S.cols() == A.cols();
  typename Workspace<Scalar>::Frame frame(workspace);
  const bool same_start = side_ == 0 || S.cols() == 1, in_panels = !narrow && A.cols() > 1;
  View<const Scalar> start = b;
  if (side_ > 0 && same_start) {
    const View<Scalar> column = frame.vector(out_);
    detail::copy<Scalar>(b, column);
    detail::add_matrix_vector<Factor::plain, Scalar>(U(theta), s, column);
    start = column;
  }
  if (narrow && same_start) return detail::set_narrow_product<Scalar>(weights, X, start, n, A);
  if (narrow || side_moves) detail::fill<Scalar>(A.rightCols(tangents), 0);  // else they need no zeros to start from
  if (!in_panels || !same_start) detail::set_columns<Scalar>(start, A.leftCols(n));  // else the product adds it
  if (!same_start) detail::add_matrix_product<Factor::plain, Factor::plain, Scalar>(U(theta), s, A.leftCols(S.cols()));
  if (narrow) return detail::add_narrow_product<Factor::plain, Scalar>(weights, X, A);
  if (!in_panels) return detail::add_matrix_vector<Factor::plain, Scalar>(weights, X, A);
  const auto panels = detail::panels<Factor::plain, Scalar>(weights, frame);
  if (same_start) return detail::set_panel_product<Scalar>(panels, X, start, n, A);
  const Index started = side_moves ? A.cols() : n;
  detail::add_panel_product<Scalar>(panels, X.leftCols(started), A.leftCols(started));
  if (started < A.cols()) detail::set_panel_product<Scalar>(panels, X.rightCols(tangents), A.rightCols(tangents));
}

template <Real Scalar>
void Affine<Scalar>::pullback(const View<const Scalar>& theta, const View<const Scalar>& S, const View<const Scalar>& X,
                              Index n, const View<const Scalar>& A_bar, const View<Scalar>& X_bar,
                              const View<Scalar>& S_bar, const View<Scalar>& theta_bar,
                              Workspace<Scalar>& workspace) const {
  if (std::min(in_, out_) <= detail::narrow_rows)
    detail::add_narrow_outer_product<Scalar>(A_bar, X, W(theta_bar));
  else
    add_outer_product<Scalar>(A_bar, X, W(theta_bar), workspace);
  typename Workspace<Scalar>::Frame frame(workspace);
  const View<Scalar> column = frame.vector(out_);
  detail::row_sums<Scalar>(A_bar.leftCols(n), column);
  detail::add<Scalar>(column, theta_bar.tail(out_));
  if (side_ > 0)
    detail::pull_back_side_product<Scalar>(U(theta), S.topRows(side_), A_bar, column, U(theta_bar),
                                           S_bar.topRows(side_));
  if (in_ <= detail::narrow_rows) {
    detail::set_narrow_transposed_product<Scalar>(W(theta), A_bar, X_bar);
  } else if (A_bar.cols() == 1) {
    detail::fill<Scalar>(X_bar, 0);
    detail::add_matrix_vector<detail::Factor::transposed, Scalar>(W(theta), A_bar, X_bar);
  } else {
    const auto panels = detail::panels<detail::Factor::transposed, Scalar>(W(theta), frame);
    detail::set_panel_product<Scalar>(panels, A_bar, X_bar);
  }
}

}  // namespace pathline
