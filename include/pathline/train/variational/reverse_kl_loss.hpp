/// \file
/// The loss of variational inference at the end of a chunk's way from base points to data: log q - log p̃ of each
/// sample, and its cotangents. docs/maths.md, (15.1) to (15.4).
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/message.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/likelihood.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/math/view_loops.hpp>
#include <pathline/train/variational/target_density.hpp>
#include <pathline/train/variational/transform_gradient.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>

namespace pathline::detail {

/// Throws unless log p̃ and its score are finite numbers at each of the samples X (d × n) that is.
template <Real Scalar>
void require_target(View<const Scalar> X, View<const Scalar> log_p, View<const Scalar> score) {
  for (Index j = 0; j < X.cols(); ++j) {
    if (std::isfinite(log_p(0, j)) && all_finite<Scalar>(score.col(j))) continue;
    if (!all_finite<Scalar>(X.col(j))) continue;  // the flow has diverged: no fault of the target's
    std::string at;
    for (Index i = 0; i < X.rows() && i < 6; ++i) at += message({i > 0 ? ", " : "", double(X(i, j))});
    if (X.rows() > 6) at += ", ...";
    throw DataError(
        message({"VariationalInference: the target's ", std::isfinite(log_p(0, j)) ? "score" : "log-density",
                 " is no finite number at the flow's sample (", at,
                 "). The reverse divergence needs a target that is positive, and differentiable, wherever "
                 "the flow is: give the flow a data transform onto the support (Log, Logit)"}));
  }
}

/// What the samples of a mini-batch are; kept from iteration to iteration. Each chunk writes its own columns.
template <Real DataScalar>
struct ReverseKlMemory {
  Batch<DataScalar> X, score;      ///< d × n.
  Batch<DataScalar> of_transform;  ///< d × 3n: scratch, without a transform empty.
  Row<DataScalar> log_p, log_det;

  void resize(Index d, Index n, bool transforms) {
    for (Batch<DataScalar>* one : {&X, &score}) one->resize(d, n);
    of_transform.resize(d, transforms ? 3 * n : 0);
    log_p.resize(n);
    log_det.resize(n);
  }
};

/// A loss for `FlowTraining` of `SamplingParts`. Refers to what it is given.
/// \tparam path_derivative  Whether the cotangent is that of the path alone, by the score that the state carries.
template <class Parts, class Target, bool path_derivative>
class ReverseKlLoss {
  using Scalar = typename Parts::Scalar;
  using DataScalar = typename Parts::DataScalar;
  static constexpr bool raw = std::same_as<typename Parts::Transform, NoTransform>;
  static_assert(TransformWithPullback<typename Parts::Transform, DataScalar>,
                "VariationalInference: the data transform needs pullback(X, Z_bar, X_bar), see "
                "flow/transform/transform.hpp");

 public:
  using Memory = ReverseKlMemory<DataScalar>;
  static constexpr bool transforms = !raw;

  /// \param ids      Of the whole mini-batch.
  /// \param context  c × n, raw, of the whole mini-batch.
  ReverseKlLoss(const Parts& parts, const Target& target, std::span<const Index> ids, View<const DataScalar> context,
                Memory& memory)
      : parts_(parts), target_(target), ids_(ids), context_(context), memory_(memory) {}

  /// \param Y         States at the data's time, rows × n: z, log-determinant, with a path derivative the score, costs.
  /// \param log_base  log ν of the base points, 1 × n.
  /// \return          The chunk's share of the mean of log q - log p̃.
  double operator()(View<const Scalar> Y, View<Scalar> Y_bar, View<const Scalar> log_base,
                    const LossRows<Scalar>& rows) const {
    const Index d = parts_.field.dim(), n = Y.cols(), first = rows.ids.data() - ids_.data();
    const auto columns = [&](auto& batch) { return View<DataScalar>(batch).middleCols(first, n); };
    const View<DataScalar> X = columns(memory_.X), log_p = columns(memory_.log_p), score = columns(memory_.score);
    const View<DataScalar> log_det = columns(memory_.log_det);
    set_samples(Y.topRows(d), X, log_det, first);
    evaluate_target<Target, DataScalar>(target_, X, log_p, score,
                                        {rows.ids, context_.middleCols(first, context_.rows() > 0 ? n : 0)});
    require_target<DataScalar>(X, log_p, score);
    set_gradients(X, score, first);
    const double batch = double(ids_.size());
    double sum = 0;
    for (Index j = 0; j < n; ++j) {
      const double weight = rows.weights.empty() ? 1 : double(rows.weights[std::size_t(j)]);
      const double log_q = double(log_base(0, j)) - double(Y(d, j)) + double(log_det(0, j));
      if (weight == 0) continue;
      sum += weight * (log_q - double(log_p(0, j)));
      const double factor = weight / batch * parts_.likelihood_weight.weight;
      for (Index i = 0; i < d; ++i) {
        double bar = double(score(i, j));
        if constexpr (path_derivative) bar += double(Y(d + 1 + i, j));
        Y_bar(i, j) = Scalar(factor * bar);
      }
      if constexpr (!path_derivative) Y_bar(d, j) = Scalar(-factor);
    }
    return sum / batch;
  }

 private:
  // Raw samples of coordinates Z, and the transform's log-determinants there.
  void set_samples(View<const Scalar> Z, View<DataScalar> X, View<DataScalar> log_det, Index first) const {
    if constexpr (raw) {
      convert<Scalar, DataScalar>(Z, X);
      fill<DataScalar>(log_det, 0);
    } else {
      const View<DataScalar> scratch = of_transform(first, Z.cols()).leftCols(Z.cols());
      convert<Scalar, DataScalar>(Z, scratch);
      const Eigen::Ref<const Batch<DataScalar>> coordinates = View<const DataScalar>(scratch);
      BatchRef<DataScalar> samples = X;
      parts_.transform.invert(coordinates, samples);
      const Eigen::Ref<const Batch<DataScalar>> of = View<const DataScalar>(X);
      BatchRef<DataScalar> back = scratch;
      RowRef<DataScalar> log_dets = log_det;
      parts_.transform.apply(of, back, log_dets);
    }
  }

  // In place of the target's score: the gradient of log |det ∂z/∂x| - log p̃ by z.
  void set_gradients(View<const DataScalar> X, View<DataScalar> score, Index first) const {
    scale<DataScalar>(-1, score);
    if constexpr (!raw)
      gradient_by_coordinates<typename Parts::Transform, DataScalar>(parts_.transform, X, score,
                                                                     of_transform(first, X.cols()));
  }

  [[nodiscard]] View<DataScalar> of_transform(Index first, Index n) const {
    return View<DataScalar>(memory_.of_transform).middleCols(3 * first, 3 * n);
  }

  const Parts& parts_;
  const Target& target_;
  std::span<const Index> ids_;
  View<const DataScalar> context_;
  Memory& memory_;
};

}  // namespace pathline::detail
