/// \file
/// Two layers, from one to the other as time goes by.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/layer/gate.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace pathline {

/// y = y₀(x) + t (y₁(x) - y₀(x)), t being the first side input; θ = [θ₀ | θ₁]. With two `Linear` that read no side
/// inputs it is the `BlendLinear` of the code of Grathwohl et al. 2019 (FFJORD). docs/maths.md, section 9.
template <Layer L>
class Blend {
 public:
  using Scalar = typename L::Scalar;

  /// \throws ShapeError when the layers have not the same inputs and outputs.
  Blend(L first, L second) : first_(std::move(first)), second_(std::move(second)) {
    require_rows("Blend: input of layer 2", second_.in_rows(), first_.in_rows());
    require_rows("Blend: output of layer 2", second_.out_rows(), first_.out_rows());
  }

  [[nodiscard]] const L& first() const noexcept { return first_; }
  [[nodiscard]] const L& second() const noexcept { return second_; }
  [[nodiscard]] Index in_rows() const { return first_.in_rows(); }
  [[nodiscard]] Index out_rows() const { return first_.out_rows(); }
  [[nodiscard]] Index side_rows() const {
    return std::max({Index(1), Index(first_.side_rows()), Index(second_.side_rows())});
  }
  [[nodiscard]] Index widest() const { return std::max(Index(first_.widest()), Index(second_.widest())); }
  [[nodiscard]] Index parameter_count() const { return first_.parameter_count() + second_.parameter_count(); }
  /// Those of the layers, and y₁ - y₀.
  [[nodiscard]] Index tape_size(Index n, Index k) const {
    return Slices<Scalar>::size(first_.tape_size(n, k)) + Slices<Scalar>::size(second_.tape_size(n, k)) +
           Slices<Scalar>::size(out_rows() * n * (1 + k));
  }
  void initialize(VectorRef<Scalar> theta, Rng& rng) const {
    first_.initialize(theta.head(first_.parameter_count()), rng);
    second_.initialize(theta.tail(second_.parameter_count()), rng);
  }

  void linearize(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                 BatchRef<Scalar> Y, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    Parts parts(*this, tape, n, X.cols());
    first_.linearize(theta.head(first_.parameter_count()), S, X, n, Y, parts.first, workspace);
    second_.linearize(theta.tail(second_.parameter_count()), S, X, n, parts.difference, parts.second, workspace);
    parts.difference -= Y;
    detail::Gate<Scalar>(S.topRows(1), n).add_product(parts.difference, Y);
  }

  void pullback(ConstVectorRef<Scalar> theta, ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n,
                std::span<Scalar> tape, BatchRef<Scalar> Y_bar, BatchRef<Scalar> X_bar, BatchRef<Scalar> S_bar,
                VectorRef<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parts parts(*this, tape, n, X.cols());
    typename Workspace<Scalar>::Frame frame(workspace);
    BatchMap<Scalar> difference_bar = frame.batch(out_rows(), X.cols()), t_bar = frame.batch(1, S.cols());
    BatchMap<Scalar> second_X_bar = frame.batch(in_rows(), X.cols());
    difference_bar = Y_bar;
    detail::Gate<Scalar>(S.topRows(1), n).pullback(parts.difference, difference_bar, t_bar);
    S_bar.row(0) += t_bar;
    Y_bar -= difference_bar;
    first_.pullback(theta.head(first_.parameter_count()), S, X, n, parts.first, Y_bar, X_bar, S_bar,
                    theta_bar.head(first_.parameter_count()), workspace);
    second_.pullback(theta.tail(second_.parameter_count()), S, X, n, parts.second, difference_bar, second_X_bar, S_bar,
                     theta_bar.tail(second_.parameter_count()), workspace);
    X_bar += second_X_bar;
  }

 private:
  /// What the tape holds.
  struct Parts {
    Parts(const Blend& layer, std::span<Scalar> tape, Index n, Index columns)
        : Parts(layer, Slices<Scalar>(tape), n, columns) {}
    std::span<Scalar> first, second;
    BatchMap<Scalar> difference;

   private:
    Parts(const Blend& layer, Slices<Scalar> slices, Index n, Index columns)
        : first(slices.scalars(layer.first_.tape_size(n, columns / n - 1))),
          second(slices.scalars(layer.second_.tape_size(n, columns / n - 1))),
          difference(slices.batch(layer.out_rows(), columns)) {}
  };

  L first_, second_;
};

}  // namespace pathline
