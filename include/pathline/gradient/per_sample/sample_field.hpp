/// \file
/// A field at a time for each column, with its pullback: what the solves of samples with steps of their own call.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/gradient/per_sample/sample_columns.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/nn/layer.hpp>

#include <cstddef>
#include <span>

namespace pathline::detail {

/// z' = f(t_j, c_j, z_j; θ) for the columns j of a batch, each of which is one of the samples of a chunk, or a copy.
template <VectorField F>
class SampleField {
 public:
  using Scalar = typename F::Scalar;

  /// \param context  c × samples of the chunk. Refers to both.
  SampleField(const F& field, const View<const Scalar>& context) : field_(&field), context_(context) {}

  [[nodiscard]] const F& field() const { return *field_; }
  [[nodiscard]] const View<const Scalar>& context() const { return context_; }
  [[nodiscard]] Index dim() const { return field_->dim(); }
  [[nodiscard]] const Vector<Scalar>& parameters() const { return field_->parameters(); }
  /// Of a field that leaves rows out of the error norm.
  [[nodiscard]] Index error_rows() const requires requires(const F& field) { field.error_rows(); }
  { return field_->error_rows(); }
  [[nodiscard]] Index tape_size(Index columns) const { return field_->tape_size(columns, 0); }
  /// The same where no pullback follows.
  [[nodiscard]] Index evaluation_tape_size(Index columns) const { return tape_optional<F> ? 0 : tape_size(columns); }

  /// dY = f, d × n. \param samples  Which of the samples each column is.
  void evaluate(std::span<const double> t, std::span<const Index> samples, const View<const Scalar>& Y,
                const View<Scalar>& dY, std::span<Scalar> tape, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    field_->linearize(side_inputs(t, samples, frame), Y, Y.cols(), dY, tape, workspace);
  }

  /// Overwrites Y_bar and, as scratch, dY_bar (d × n); adds to theta_bar and to context_bar (c × samples of the chunk).
  void pullback(std::span<const double> t, std::span<const Index> samples, const View<const Scalar>& Y,
                std::span<Scalar> tape, const View<Scalar>& dY_bar, const View<Scalar>& Y_bar,
                const View<Scalar>& theta_bar, const View<Scalar>& context_bar, Workspace<Scalar>& workspace) const {
    typename Workspace<Scalar>::Frame frame(workspace);
    const View<Scalar> S = side_inputs(t, samples, frame), S_bar = frame.batch(S.rows(), S.cols());
    fill<Scalar>(S_bar, 0);
    field_->pullback(S, Y, Y.cols(), tape, dY_bar, Y_bar, S_bar, theta_bar, workspace);
    for (Index j = 0; j < S.cols(); ++j)
      for (Index i = 0; i < context_.rows(); ++i) context_bar(i, samples[std::size_t(j)]) += S_bar(1 + i, j);
  }

 private:
  [[nodiscard]] View<Scalar> side_inputs(std::span<const double> t, std::span<const Index> samples,
                                         typename Workspace<Scalar>::Frame& frame) const {
    const View<Scalar> S = frame.batch(1 + context_.rows(), Index(t.size()));
    for (Index j = 0; j < S.cols(); ++j) {
      S(0, j) = Scalar(t[std::size_t(j)]);
      for (Index i = 0; i < context_.rows(); ++i) S(1 + i, j) = context_(i, samples[std::size_t(j)]);
    }
    return S;
  }

  const F* field_;
  View<const Scalar> context_;
};

/// The right-hand side that SampleSolver calls: the field without a record.
/// \tparam F  A SampleField, or what has its functions.
template <class F>
class SampleRightHandSide {
  using Scalar = typename F::Scalar;

 public:
  /// Refers to both.
  void refer_to(const F& field, Workspace<Scalar>& workspace) {
    field_ = &field;
    workspace_ = &workspace;
    calls_ = 0;
  }
  void operator()(const ColumnTimes<Scalar>& t, const SampleColumns<Scalar>& y, SampleColumns<Scalar>& dy,
                  std::span<const Index> samples) {
    ++calls_;
    typename Workspace<Scalar>::Frame frame(*workspace_);
    field_->evaluate(t.all(), samples, y.view(), dy.view(), frame.scalars(field_->evaluation_tape_size(y.cols())),
                     *workspace_);
  }
  [[nodiscard]] Index error_rows() const requires requires(const F& field) { field.error_rows(); }
  { return field_->error_rows(); }
  [[nodiscard]] Index calls() const { return calls_; }

 private:
  const F* field_ = nullptr;
  Workspace<Scalar>* workspace_ = nullptr;
  Index calls_ = 0;
};

}  // namespace pathline::detail
