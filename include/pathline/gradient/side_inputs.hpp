/// \file
/// What a field reads beside the sample: time, and context that stays constant along the path.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace pathline {

/// The side inputs S of a chunk: t alone (1 × 1, shared), or [t; C] (1 + c rows, a column a sample) with context C.
/// Context counts as parameters of its own: its cotangent comes after θ's, c · n numbers column by column. Samples
/// whose paths start at different times have a time each, start_j + t.
template <Real Scalar>
class SideInputs {
 public:
  using Context = Eigen::Map<const Batch<Scalar>, 0, Eigen::OuterStride<>>;
  using Frame = typename Workspace<Scalar>::Frame;

  /// Time alone.
  SideInputs() : context_(nullptr, 0, 0, Eigen::OuterStride<>(0)) {}
  /// \param context  c × n; refers to the caller's memory. No rows: time alone.
  /// \param starts   A time for each sample, which is added to t; none: 0 for all. Refers to the caller's memory.
  explicit SideInputs(const Context& context, std::span<const double> starts = {})
      : context_(context), starts_(starts) {}

  [[nodiscard]] Index rows() const noexcept { return 1 + context_.rows(); }
  [[nodiscard]] Index context_size() const noexcept { return context_.size(); }
  [[nodiscard]] const Context& context() const noexcept { return context_; }
  /// What is added to t for sample j.
  [[nodiscard]] double start(Index j) const { return starts_.empty() ? 0 : starts_[std::size_t(j)]; }

  /// Whether all samples are at the same time.
  [[nodiscard]] bool share_time() const noexcept { return starts_.empty(); }
  /// Those of some samples, or copies of them, each at a time of its own, from which t counts. Refers to the frame and
  /// to the times.
  [[nodiscard]] SideInputs of_samples(std::span<const double> times, std::span<const Index> samples,
                                      Frame& frame) const {
    eigen_assert(share_time());
    const Index c = context_.rows(), n = c > 0 ? Index(samples.size()) : 0;
    BatchMap<Scalar> chosen = frame.batch(c, n);
    for (Index j = 0; j < n; ++j) std::copy_n(context_.col(samples[std::size_t(j)]).data(), c, chosen.data() + j * c);
    return SideInputs(Context(chosen.data(), c, n, Eigen::OuterStride<>(c)), times);
  }

  /// S at time t.
  [[nodiscard]] BatchMap<Scalar> at(double t, Frame& frame) const {
    BatchMap<Scalar> S = frame.batch(rows(), columns());
    for (Index j = 0; j < S.cols(); ++j) {
      S(0, j) = Scalar(starts_.empty() ? t : starts_[std::size_t(j)] + t);
      for (Index i = 0; i < context_.rows(); ++i) S(1 + i, j) = context_(i, j);
    }
    return S;
  }

  /// [S S'] at time t for n samples: values, then their derivative in time, (1, 0 …), as packed side inputs.
  [[nodiscard]] BatchMap<Scalar> with_derivative(double t, Index n, Frame& frame) const {
    const Scalar one(1);
    return with_tangents(t, n, std::span<const Scalar>(&one, 1), frame);
  }
  /// The same with the tangents (times_1, 0 …), (times_2, 0 …), … of all samples.
  [[nodiscard]] BatchMap<Scalar> with_tangents(double t, Index n, std::span<const Scalar> times, Frame& frame) const {
    const Index c = context_.rows();
    BatchMap<Scalar> S = frame.batch(rows(), (1 + Index(times.size())) * n);
    for (Index j = 0; j < S.cols(); ++j) {
      const bool value = j < n;
      S(0, j) = !value            ? times[std::size_t(j / n - 1)]
                : starts_.empty() ? Scalar(t)
                                  : Scalar(starts_[std::size_t(j)] + t);
      for (Index i = 0; i < c; ++i) S(1 + i, j) = value ? context_(i, j) : Scalar(0);
    }
    return S;
  }

  /// Zeros of the shape of S.
  [[nodiscard]] BatchMap<Scalar> zero(Frame& frame) const {
    BatchMap<Scalar> S = frame.batch(rows(), columns());
    std::fill_n(S.data(), S.size(), Scalar(0));
    return S;
  }

  /// Adds the cotangent of S (its value columns, where it is packed) to those of t and of θ and context.
  void pullback(ConstBatchRef<Scalar> S_bar, VectorRef<Scalar> theta_and_context_bar, Scalar& t_bar) const {
    const Index c = context_.rows(), n = c > 0 ? context_.cols() : S_bar.cols();
    Scalar sum(0);
    for (Index j = 0; j < n; ++j) sum += S_bar(0, j);
    t_bar += sum;
    Scalar* to = theta_and_context_bar.data() + theta_and_context_bar.size() - context_.size();
    for (Index j = 0; j < n && c > 0; ++j)
      for (Index i = 0; i < c; ++i) *to++ += S_bar(1 + i, j);
  }

 private:
  /// 1 where samples share S.
  [[nodiscard]] Index columns() const noexcept {
    return context_.rows() > 0 ? context_.cols() : std::max<Index>(1, Index(starts_.size()));
  }

  Context context_;
  std::span<const double> starts_;
};

}  // namespace pathline
