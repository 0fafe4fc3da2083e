/// \file
/// An activation applied to a packed batch, and what its pullback needs; `Dense` puts an affine map before it.
#pragma once

#include <pathline/core/view.hpp>
#include <pathline/math/activate.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

namespace pathline::detail {

/// A run of σ', σ'', a tangent and two cotangents stays in the first-level cache: 5 × 512 doubles are 20 KiB.
inline constexpr Index longest_run = 512;

/// work(size, offset into the tape, pointer) for all of a block: in runs where it is contiguous, else by columns.
template <Real Scalar, class Work>
void for_runs(View<Scalar> Y, Work&& work) {
  const bool contiguous = Y.stride() == Y.rows();
  const Index length = contiguous ? Y.size() : Y.rows();
  for (Index j = 0; j * length < Y.size(); ++j)
    for (Index i = 0; i < length; i += longest_run)
      work(std::min(longest_run, length - i), j * length + i, Y.data() + j * Y.stride() + i);
}

/// σ' and σ'', named as in a `Jet`.
template <class P>
struct Slopes {
  P first, second;
};

/// Turns Y_bar, contiguous or a block of columns, into the cotangent of [A B], in place. Entry i of the n columns of A
/// has the derivatives(at, i), `Slopes` or a `Jet`; its tangents lie one after another, rows × n each, from
/// `B` on. This is the one place where σ'' appears.
template <Real Scalar, class Derivatives>
void pull_back_activation(View<Scalar> Y_bar, Index n, const Scalar* B, Derivatives derivatives) {
  const Index entries = Y_bar.rows() * n, tangents = Y_bar.cols() / n - 1, to_next = n * Y_bar.stride();
  for_runs<Scalar>(Y_bar.leftCols(n), [&](Index size, Index offset, Scalar* y_bar) {
    for_packs<Scalar>(size, [&](auto at, Index i) {
      using At = decltype(at);
      const auto sigma = derivatives(at, offset + i);
      auto a_bar = At::load(y_bar + i) * sigma.first;
      if (tangents > 0) {
        const Scalar* b = B + offset + i;
        Scalar* to = y_bar + i;
        for (Index j = 0; j < tangents; ++j, b += entries) {
          const auto b_bar = At::load(to += to_next);
          a_bar = a_bar + sigma.second * At::load(b) * b_bar;
          At::store(b_bar * sigma.first, to);
        }
      }
      At::store(a_bar, y_bar + i);
    });
  });
}

/// The tape of an activation: σ' (rows × n), and where there are tangents the pre-activation (rows × (1+k)n), whose
/// first n columns give way to σ'' once σ is computed. Without tangents σ'' is never read, and σ' overwrites A itself.
template <class Sigma, Real Scalar>
class ActivationTape {
 public:
  ActivationTape(std::span<Scalar> tape, Index rows, Index n, Index k)
      : ActivationTape(Slices<Scalar>(tape), rows, n, k) {}

  [[nodiscard]] static Index size(Index rows, Index n, Index k) noexcept {
    return Slices<Scalar>::size(rows * n) + (k > 0 ? Slices<Scalar>::size(rows * n * (1 + k)) : 0);
  }

  /// Where the caller writes the pre-activation [A B] (rows × (1+k)n).
  [[nodiscard]] BatchMap<Scalar> pre() { return pre_; }

  /// Y = [σ(A), σ'(A) ⊙ B]. Y is contiguous or a block of columns.
  void linearize(View<Scalar> Y) {
    const Index n = first_.cols();
    for_runs<Scalar>(Y.leftCols(n), [&](Index size, Index offset, Scalar* y) {
      if (pre_.cols() == n)
        pathline::activate<Sigma>(size, pre_.data() + offset, y, first_.data() + offset);
      else
        pathline::activate<Sigma>(size, pre_.data() + offset, y, first_.data() + offset, pre_.data() + offset);
    });
    const View<Scalar> pre = pre_;
    for (Index j = n; j < pre.cols(); j += n)
      update<Scalar>(
          Y.middleCols(j, n), [](auto, auto first, auto b) { return first * b; }, first_, pre.middleCols(j, n));
  }

  /// [A B] to [σ(A), σ'(A) ⊙ B] in place, with nothing left for a pullback. Y is contiguous or a block of columns.
  static void apply(View<Scalar> Y, Index n) {
    for_runs<Scalar>(Y.leftCols(n), [&](Index size, Index /*offset*/, Scalar* y) {
      if (Y.cols() == n) return pathline::activate<Sigma>(size, y, y);
      alignas(64) std::array<Scalar, std::size_t(longest_run)> first;
      pathline::activate<Sigma>(size, y, y, first.data());
      for (Index j = n; j < Y.cols(); j += n)
        update<Scalar>(
            View<Scalar>(y + j * Y.stride(), size, 1), [](auto b, auto slope) { return b * slope; },
            View<const Scalar>(first.data(), size, 1));
    });
  }

  /// Turns Y_bar into the cotangent of [A B], in place. Y_bar as Y above.
  void pullback(View<Scalar> Y_bar) const {
    const Scalar *const slopes = first_.data(), *const curvatures = pre_.data();
    pull_back_activation<Scalar>(Y_bar, first_.cols(),
                                 pre_.data() + first_.size(),  // without tangents there is no B, and no σ'' is used
                                 [=](auto at, Index i) {
                                   using At = decltype(at);
                                   return Slopes<typename At::Value>{At::load(slopes + i), At::load(curvatures + i)};
                                 });
  }

 private:
  ActivationTape(Slices<Scalar> slices, Index rows, Index n, Index k)
      : first_(slices.batch(rows, n)), pre_(k > 0 ? slices.batch(rows, n * (1 + k)) : first_) {}

  BatchMap<Scalar> first_, pre_;
};

/// The tape of an activation whose output is kept and tells its derivatives: the tangents B (rows × kn) alone.
template <class Sigma, Real Scalar>
class TangentTape {
 public:
  TangentTape(std::span<Scalar> tape, Index rows, Index n, Index k) : B_(Slices<Scalar>(tape).batch(rows, n * k)) {}

  [[nodiscard]] static Index size(Index rows, Index n, Index k) noexcept { return Slices<Scalar>::size(rows * n * k); }

  /// [A B] to [σ(A), σ'(A) ⊙ B] in place. Y is contiguous or a block of columns.
  void linearize(View<Scalar> Y, Index n) {
    const Index entries = Y.rows() * n, tangents = Y.cols() / n - 1;
    for_runs<Scalar>(Y.leftCols(n), [&](Index size, Index offset, Scalar* y) {
      pathline::activate<Sigma>(size, y, y);
      if (tangents == 0) return;
      for_packs<Scalar>(size, [&](auto at, Index i) {
        using At = decltype(at);
        const auto slope = Sigma::of_value(At::load(y + i)).first;
        Scalar *from = y + i, *to = B_.data() + offset + i;
        for (Index j = 0; j < tangents; ++j, to += entries) {
          const auto b = At::load(from += n * Y.stride());
          At::store(b, to);
          At::store(slope * b, from);
        }
      });
    });
  }

  /// Turns Y_bar into the cotangent of [A B], in place. Y has the values σ(A) in its first n columns, without gaps.
  void pullback(View<const Scalar> Y, Index n, View<Scalar> Y_bar) const {
    eigen_assert(Y.stride() == Y.rows());
    const Scalar* const values = Y.data();
    pull_back_activation<Scalar>(Y_bar, n, B_.data(),
                                 [=](auto at, Index i) { return Sigma::of_value(decltype(at)::load(values + i)); });
  }

 private:
  BatchMap<Scalar> B_;
};

}  // namespace pathline::detail
