/// \file
/// Data and their context as one batch: what a conditional flow takes.
#pragma once

#include <pathline/core/data_ref.hpp>
#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

namespace pathline {

/// Data (d × n) above their context (c × n), as conditional flows take them.
/// \throws ShapeError when the columns differ.
template <class X, class C>
[[nodiscard]] Batch<typename X::Scalar> with_context(const Eigen::MatrixBase<X>& data,
                                                     const Eigen::MatrixBase<C>& context) {
  if (context.cols() != data.cols())
    throw ShapeError("with_context: context", "columns", context.cols(), data.cols(),
                     context.rows() == data.cols() ? "it has a column per sample, as the data: give transpose()" : "");
  Batch<typename X::Scalar> both(data.rows() + context.rows(), data.cols());
  both.topRows(data.rows()) = data;
  both.bottomRows(context.rows()) = detail::in_scalar<typename X::Scalar>(context);
  return both;
}

}  // namespace pathline
