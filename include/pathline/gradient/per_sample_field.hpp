/// \file
/// A vector field as PerSample calls it, a time for each sample:
/// ```
/// const auto result = try_solve(PerSampleField(field), Y0, 0, 1, Dopri5{}, PerSample(PiController{}));
/// ```
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace pathline {

/// z' = f(t_j, z; θ), with the context of sample j, for every column of the batch at once. Refers to the field, which
/// must outlive it; holds scratch of its own, so that threads need one each.
template <VectorField F>
class PerSampleField {
 public:
  using Scalar = typename F::Scalar;

  /// \param context  c × n, a column for each sample of the whole batch; kept as a copy.
  /// \throws ShapeError when the field reads another number of context rows; a call, when it is of more samples.
  explicit PerSampleField(const F& field, ConstDataRef<Scalar> context = Batch<Scalar>())
      : field_(field), context_(context) {
    require_batch_rows("PerSampleField: context", context.rows(), context.cols(),
                       std::max<Index>(field.side_rows() - 1, 0));
  }

  /// \param t, y, dy  1 × n, d × n and d × n.
  /// \param samples   Which columns of the context the n columns read, counted from 0.
  void operator()(const Row<detail::Double<F>>& t, const Batch<Scalar>& y, Batch<Scalar>& dy,
                  std::span<const Index> samples) {
    const Index n = y.cols();
    require_rows("PerSampleField: y", y.rows(), field_.dim());
    typename Workspace<Scalar>::Frame frame(workspace_);
    BatchMap<Scalar> S = frame.batch(1 + context_.rows(), n);
    S.row(0) = t.template cast<Scalar>();
    if (context_.rows() > 0)  // samples are numbered from 0
      require_columns("PerSampleField: context", context_.cols(),
                      std::max(context_.cols(), *std::max_element(samples.begin(), samples.end()) + 1));
    for (Index j = 0; j < n && context_.rows() > 0; ++j)
      S.col(j).tail(context_.rows()) = context_.col(samples[std::size_t(j)]);
    field_.linearize(S, y, n, dy, frame.scalars(field_.tape_size(n, 0)), workspace_);
  }

 private:
  const F& field_;
  Batch<Scalar> context_;
  Workspace<Scalar> workspace_;
};

}  // namespace pathline
