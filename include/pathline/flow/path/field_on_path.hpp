/// \file
/// A field with its divergence along a path, in one of two ways with the same five functions: by tangents, which
/// works for every field and every estimator, or in closed form where the field has one. docs/maths.md, (8.1).
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>
#include <pathline/nn/traced.hpp>

#include <span>

namespace pathline {

/// f and tr J ≈ Σ_j w_j v_jᵀ J v_j along tangents V that are fixed for the whole solve: noise drawn anew at each
/// evaluation would make the right-hand side no function of t and y, and step control would chase it.
template <VectorField F>
class FieldByTangents {
 public:
  using Scalar = typename F::Scalar;
  static constexpr bool has_tangents = true;

  /// \param V  d × kn, contiguous.
  /// \param weights  w_1 … w_k. Refers to all of them.
  FieldByTangents(const F& field, View<const Scalar> V, const Scalar* weights, Index columns)
      : field_(field), V_(V), weights_(weights), n_(columns), k_(V.cols() / columns) {}
  /// Without tangents: the exact trace of a field that knows it, for evaluation alone.
  FieldByTangents(const F& field, Index columns) requires detail::MayKnowExactTrace<F>
      : field_(field), V_(nullptr, field.dim(), 0), weights_(nullptr), n_(columns), k_(0) {}

  [[nodiscard]] const F& field() const noexcept { return field_; }
  [[nodiscard]] Index columns() const noexcept { return n_; }
  [[nodiscard]] Index tape_size() const { return packed_size() + Slices<Scalar>::size(field_.tape_size(n_, k_)); }
  /// Where no pullback follows.
  [[nodiscard]] Index evaluation_tape_size() const { return tape_optional<F> ? packed_size() : tape_size(); }

  /// For some samples, or copies of them, with their tangents in the frame.
  [[nodiscard]] FieldByTangents of_samples(std::span<const Index> samples,
                                           typename Workspace<Scalar>::Frame& frame) const {
    const Index n = Index(samples.size());
    const View<Scalar> V = frame.batch(field_.dim(), k_ * n);
    for (Index j = 0; j < k_; ++j)
      for (Index i = 0; i < n; ++i) detail::copy<Scalar>(V_.col(j * n_ + samples[std::size_t(i)]), V.col(j * n + i));
    return {field_, V, weights_, n};
  }
  /// For so many samples, for the sizes of their tapes.
  [[nodiscard]] FieldByTangents of_width(Index columns) const {
    return {field_, View<const Scalar>(nullptr, field_.dim(), k_ * columns), weights_, columns};
  }

  /// Writes dy's top d + 1 rows: f and the trace.
  void evaluate(View<const Scalar> S, View<const Scalar> Z, View<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    if constexpr (detail::MayKnowExactTrace<F>)
      if (without_tangents()) return detail::ExactTraceOf<F>::evaluate(field_, S, Z, dy, workspace);
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    detail::copy<Scalar>(Z, parts.X.leftCols(n_));
    detail::copy<Scalar>(V_, parts.X.rightCols(k_ * n_));
    field_.linearize(S, parts.X, n_, parts.FJ, parts.field, workspace);
    detail::copy<Scalar>(parts.FJ.leftCols(n_), dy.topRows(d));
    for (Index i = 0; i < n_; ++i) {
      Scalar trace(0);
      for (Index j = 0; j < k_; ++j) {
        const Index v = ((1 + j) * n_ + i) * d;
        trace += weights_[j] * detail::dot(parts.X.data() + v, parts.FJ.data() + v, d);
      }
      dy(d, i) = trace;
    }
  }

  /// What was computed, to be read by policies.
  [[nodiscard]] PathPoint<Scalar> point(double t, std::span<Scalar> tape) const {
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    const auto block = [d](const Scalar* data, Index columns) {
      return typename PathPoint<Scalar>::Block(data, d, columns, Eigen::OuterStride<>(d));
    };
    return {.t = t,
            .Z = block(parts.X.data(), n_),
            .F = block(parts.FJ.data(), n_),
            .V = block(parts.X.data() + d * n_, n_ * k_),
            .JV = block(parts.FJ.data() + d * n_, n_ * k_),
            .weights = weights_};
  }

  /// Scalars of the buffer that takes cotangents between start_pullback and pullback.
  [[nodiscard]] Index bar_size() const { return field_.dim() * n_ * (1 + k_); }

  /// Cotangents of f and of the trace (dy_bar's top d + 1 rows) as a start for policies to add to; Z is not set.
  [[nodiscard]] PathPointBar<Scalar> start_pullback(View<const Scalar> dy_bar, Scalar* bar) const {
    eigen_assert(!without_tangents() && "for evaluation alone");
    const Index d = field_.dim();
    detail::copy<Scalar>(dy_bar.topRows(d), View<Scalar>(bar, d, n_));
    Scalar* JV_bar = bar + d * n_;
    const Scalar* v = V_.data();
    for (Index j = 0; j < k_; ++j)
      for (Index i = 0; i < n_; ++i) {
        const Scalar factor = weights_[j] * dy_bar(d, i);
        for (Index row = 0; row < d; ++row) *JV_bar++ = factor * *v++;
      }
    const auto block = [d](Scalar* data, Index columns) {
      return typename PathPointBar<Scalar>::Block(data, d, columns, Eigen::OuterStride<>(d));
    };
    return {.Z = block(nullptr, 0), .F = block(bar, n_), .JV = block(bar + d * n_, n_ * k_)};
  }

  /// Overwrites Z_bar (d × n), adds to S_bar and theta_bar; `bar` is scratch afterwards.
  void pullback(View<const Scalar> S, std::span<Scalar> tape, Scalar* bar, View<Scalar> Z_bar, View<Scalar> S_bar,
                View<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> FJ_bar(bar, d, n_ * (1 + k_)), X_bar = frame.batch(d, n_ * (1 + k_));
    field_.pullback(S, parts.X, n_, parts.field, FJ_bar, X_bar, S_bar, theta_bar, workspace);
    detail::copy<Scalar>(X_bar.leftCols(n_), Z_bar);
  }

 private:
  [[nodiscard]] bool without_tangents() const noexcept { return weights_ == nullptr; }
  [[nodiscard]] Index packed_size() const { return 2 * Slices<Scalar>::size(field_.dim() * n_ * (1 + k_)); }

  // The tape: the packed input [Z V], the packed output [F JV], and the field's own, which may be missing.
  struct Parts {
    Parts(const FieldByTangents& at, std::span<Scalar> tape) : Parts(at, Slices<Scalar>(tape)) {}
    Parts(const FieldByTangents& at, Slices<Scalar> slices)
        : X(slices.batch(at.field_.dim(), at.n_ * (1 + at.k_))),
          FJ(slices.batch(at.field_.dim(), at.n_ * (1 + at.k_))),
          field(slices.empty() ? std::span<Scalar>{} : slices.scalars(at.field_.tape_size(at.n_, at.k_))) {}
    View<Scalar> X, FJ;
    std::span<Scalar> field;
  };

  const F& field_;
  View<const Scalar> V_;
  const Scalar* weights_;
  Index n_, k_;
};

/// f, tr J and what the field offers, as it knows them (`TracedField`). No tangents, no noise.
template <TracedField F>
class FieldInClosedForm {
 public:
  using Scalar = typename F::Scalar;
  static constexpr bool has_tangents = false;

  FieldInClosedForm(const F& field, Index columns) : field_(field), n_(columns) {}

  [[nodiscard]] const F& field() const noexcept { return field_; }
  [[nodiscard]] Index columns() const noexcept { return n_; }
  [[nodiscard]] FieldInClosedForm of_samples(std::span<const Index> samples,
                                             typename Workspace<Scalar>::Frame& /*frame*/) const {
    return of_width(Index(samples.size()));
  }
  [[nodiscard]] FieldInClosedForm of_width(Index columns) const { return {field_, columns}; }
  [[nodiscard]] Index tape_size() const {
    return Slices<Scalar>::size(field_.dim() * n_) + Slices<Scalar>::size(out_rows() * n_) +
           Slices<Scalar>::size(field_.trace_tape_size(n_));
  }
  [[nodiscard]] Index evaluation_tape_size() const { return tape_size(); }

  void evaluate(View<const Scalar> S, View<const Scalar> Z, View<Scalar> dy, std::span<Scalar> tape,
                Workspace<Scalar>& workspace) const {
    const Parts parts(*this, tape);
    detail::copy<Scalar>(Z, parts.Z);
    field_.evaluate_with_trace(S, parts.Z, parts.Y, parts.field, workspace);
    detail::copy<Scalar>(parts.Y.topRows(field_.dim() + 1), dy.topRows(field_.dim() + 1));
  }

  [[nodiscard]] PathPoint<Scalar> point(double t, std::span<Scalar> tape) const {
    using Point = PathPoint<Scalar>;
    const Index d = field_.dim();
    const Parts parts(*this, tape);
    const Eigen::OuterStride<> stride(out_rows());
    Point at{.t = t,
             .Z = typename Point::Block(parts.Z.data(), d, n_, Eigen::OuterStride<>(d)),
             .F = typename Point::Block(parts.Y.data(), d, n_, stride),
             .V = Point::none(),
             .JV = Point::none(),
             .weights = nullptr};
    if constexpr (PotentialField<F>)
      new (&at.potential_rate) typename Point::Block(parts.Y.data() + d + 1, 1, n_, stride);
    return at;
  }

  [[nodiscard]] Index bar_size() const { return out_rows() * n_; }

  [[nodiscard]] PathPointBar<Scalar> start_pullback(View<const Scalar> dy_bar, Scalar* bar) const {
    using Bar = PathPointBar<Scalar>;
    const Index d = field_.dim();
    const View<Scalar> Y_bar(bar, out_rows(), n_);
    detail::fill<Scalar>(Y_bar, 0);  // all of it: that is one run of memory
    detail::copy<Scalar>(dy_bar.topRows(d + 1), Y_bar.topRows(d + 1));
    const Eigen::OuterStride<> stride(out_rows());
    Bar result{.Z = Bar::none(), .F = typename Bar::Block(bar, d, n_, stride), .JV = Bar::none()};
    if constexpr (PotentialField<F>) new (&result.potential_rate) typename Bar::Block(bar + d + 1, 1, n_, stride);
    return result;
  }

  void pullback(View<const Scalar> S, std::span<Scalar> tape, Scalar* bar, View<Scalar> Z_bar, View<Scalar> S_bar,
                View<Scalar> theta_bar, Workspace<Scalar>& workspace) const {
    const Parts parts(*this, tape);
    const View<Scalar> Y_bar(bar, out_rows(), n_);
    field_.pullback_with_trace(S, parts.Z, parts.field, Y_bar, Z_bar, S_bar, theta_bar, workspace);
  }

 private:
  struct Parts {
    Parts(const FieldInClosedForm& at, std::span<Scalar> tape) : Parts(at, Slices<Scalar>(tape)) {}
    Parts(const FieldInClosedForm& at, Slices<Scalar> slices)
        : Z(slices.batch(at.field_.dim(), at.n_)),
          Y(slices.batch(at.out_rows(), at.n_)),
          field(slices.scalars(at.field_.trace_tape_size(at.n_))) {}
    View<Scalar> Z, Y;
    std::span<Scalar> field;
  };

  [[nodiscard]] Index out_rows() const { return field_.dim() + 1 + field_.offered_rows(); }

  const F& field_;
  Index n_;
};

}  // namespace pathline
