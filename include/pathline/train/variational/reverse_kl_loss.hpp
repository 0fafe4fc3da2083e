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

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

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

/// Solves A x = b in place of b by elimination with partial pivoting; A (d × d) is overwritten. For the d of a
/// posterior; an Eigen decomposition allocates, and compiles longer.
template <Real Scalar>
void solve_in_place(View<Scalar> A, Scalar* b) {
  const Index d = A.rows();
  for (Index k = 0; k < d; ++k) {
    Index pivot = k;
    for (Index i = k + 1; i < d; ++i)
      if (std::abs(A(i, k)) > std::abs(A(pivot, k))) pivot = i;
    if (pivot != k) {
      for (Index j = k; j < d; ++j) std::swap(A(k, j), A(pivot, j));
      std::swap(b[k], b[pivot]);
    }
    for (Index i = k + 1; i < d; ++i) {
      const Scalar factor = A(i, k) / A(k, k);
      if (factor == Scalar(0)) continue;
      for (Index j = k + 1; j < d; ++j) A(i, j) -= factor * A(k, j);
      b[i] -= factor * b[k];
    }
  }
  for (Index k = d; k-- > 0;) {
    for (Index j = k + 1; j < d; ++j) b[k] -= A(k, j) * b[j];
    b[k] /= A(k, k);
  }
}

/// What the samples of a mini-batch are; kept from iteration to iteration. Each chunk writes its own columns.
template <Real Scalar, Real DataScalar>
struct ReverseKlMemory {
  Batch<DataScalar> X, Z, score, log_det_score, jacobian;  ///< d × n, the last d × dn.
  Row<DataScalar> log_p, log_det;
  Row<Scalar> log_q;  ///< nats of the raw data.

  void resize(Index d, Index n, bool with_jacobian) {
    for (Batch<DataScalar>* one : {&X, &score}) one->resize(d, n);
    log_p.resize(n);
    log_q.resize(n);
    log_det.resize(n);
    if (!with_jacobian) return;
    for (Batch<DataScalar>* one : {&Z, &log_det_score}) one->resize(d, n);
    jacobian.resize(d, d * n);
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
  using Memory = ReverseKlMemory<Scalar, DataScalar>;
  static constexpr bool needs_jacobian = !raw;

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
      memory_.log_q(first + j) = Scalar(log_q);
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
      const View<DataScalar> scratch = View<DataScalar>(memory_.Z).middleCols(first, Z.cols());
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
    if constexpr (!raw) {
      const Index d = X.rows(), n = X.cols();
      const View<DataScalar> unit = View<DataScalar>(memory_.Z).middleCols(first, n),
                             of_log_det = View<DataScalar>(memory_.log_det_score).middleCols(first, n);
      const auto pull_back = [&](View<DataScalar> out) {
        const Eigen::Ref<const Batch<DataScalar>> of = X, bar = View<const DataScalar>(unit);
        BatchRef<DataScalar> result = out;
        parts_.transform.pullback(of, bar, result);
      };
      fill<DataScalar>(unit, 0);
      pull_back(of_log_det);
      add<DataScalar>(of_log_det, score);
      // Column i of (∂z/∂x)ᵀ of sample j is column i·n + j of this part of the memory.
      const View<DataScalar> J = View<DataScalar>(memory_.jacobian).middleCols(first * d, n * d);
      for (Index i = 0; i < d; ++i) {
        fill<DataScalar>(unit.row(i), 1);
        pull_back(J.middleCols(i * n, n));
        axpy<DataScalar>(-1, of_log_det, J.middleCols(i * n, n));
        fill<DataScalar>(unit.row(i), 0);
      }
      for (Index j = 0; j < n; ++j)
        solve_in_place<DataScalar>(View<DataScalar>(J.data() + j * d, d, d, n * d), score.data() + j * score.stride());
    }
  }

  const Parts& parts_;
  const Target& target_;
  std::span<const Index> ids_;
  View<const DataScalar> context_;
  Memory& memory_;
};

}  // namespace pathline::detail
