/// \file
/// What a field reads beside the sample: time, and context that stays constant along the path.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>

namespace pathline {

/// The side inputs S of a chunk: t alone (1 × 1, shared), or [t; C] (1 + c rows, a column a sample) with context C.
/// Context counts as parameters of its own: its cotangent lies behind θ's, c · n numbers column by column.
template <Real Scalar>
class SideInputs {
 public:
  using Context = Eigen::Map<const Batch<Scalar>, 0, Eigen::OuterStride<>>;
  using Frame = typename Workspace<Scalar>::Frame;

  /// Time alone.
  SideInputs() : context_(nullptr, 0, 0, Eigen::OuterStride<>(0)) {}
  /// \param context  c × n; refers to the caller's memory. No rows: time alone.
  explicit SideInputs(const Context& context) : context_(context) {}

  [[nodiscard]] Index rows() const noexcept { return 1 + context_.rows(); }
  [[nodiscard]] Index context_size() const noexcept { return context_.size(); }

  /// S at time t.
  [[nodiscard]] BatchMap<Scalar> at(double t, Frame& frame) const {
    BatchMap<Scalar> S = zero(frame);
    S.row(0).setConstant(Scalar(t));
    if (context_.rows() > 0) S.bottomRows(context_.rows()) = context_;
    return S;
  }

  /// [S S'] at time t for n samples: values, then their derivative in time, (1, 0 …), as packed side inputs.
  [[nodiscard]] BatchMap<Scalar> with_derivative(double t, Index n, Frame& frame) const {
    BatchMap<Scalar> S = frame.batch(rows(), 2 * n);
    S.setZero();
    S.row(0).head(n).setConstant(Scalar(t));
    S.row(0).tail(n).setOnes();
    if (context_.rows() > 0) S.bottomRows(context_.rows()).leftCols(n) = context_;
    return S;
  }

  /// Of the shape of S.
  [[nodiscard]] BatchMap<Scalar> zero(Frame& frame) const {
    BatchMap<Scalar> S = frame.batch(rows(), context_.rows() > 0 ? context_.cols() : 1);
    S.setZero();
    return S;
  }

  /// Adds the cotangent of S (its value columns, where it is packed) to those of t and of θ and context.
  void pullback(ConstBatchRef<Scalar> S_bar, VectorRef<Scalar> theta_and_context_bar, Scalar& t_bar) const {
    const Index n = context_.rows() > 0 ? context_.cols() : S_bar.cols();
    t_bar += S_bar.row(0).head(n).sum();
    if (context_.rows() > 0)
      BatchMap<Scalar>(theta_and_context_bar.data() + theta_and_context_bar.size() - context_.size(), context_.rows(),
                       n) += S_bar.bottomRows(context_.rows()).leftCols(n);
  }

 private:
  Context context_;
};

}  // namespace pathline
