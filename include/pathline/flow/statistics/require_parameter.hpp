/// \file
/// What the constructors of base densities and data transforms ask of their numbers.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>

#include <string>

namespace pathline::detail {

/// Throws ArgumentError unless all numbers of a parameter (`DiagonalGaussian: mean`) are finite and, if asked,
/// positive.
template <class Derived>
void require_parameter(const char* what, const Eigen::MatrixBase<Derived>& A, bool positive = false) {
  for (Index j = 0; j < A.cols(); ++j)
    for (Index i = 0; i < A.rows(); ++i)
      if (!(A(i, j) - A(i, j) == 0) || (positive && !(A(i, j) > 0))) {
        const std::string column = A.cols() == 1 ? "" : ", " + std::to_string(j);
        throw ArgumentError(std::string(what) + "(" + std::to_string(i) + column + ")", double(A(i, j)),
                            positive ? "a positive finite number" : "a finite number");
      }
}

/// Stored numbers (`Standardize: mean`), a column or a row, as a column of doubles.
/// \throws ShapeError when they are a matrix: a batch where its mean is meant, say.
template <class Derived>
[[nodiscard]] Vector<double> stored_numbers(const char* what, const Eigen::MatrixBase<Derived>& numbers) {
  if (numbers.rows() != 1 && numbers.cols() != 1)
    throw ShapeError(what, "columns", numbers.cols(), 1, "it is a vector, with a number for each component");
  return numbers.template cast<double>().reshaped();
}

/// Throws ShapeError or ArgumentError unless lower and upper (`UniformBox: lower`, say) are the ends of a box with a
/// volume.
template <class Scalar>
void require_box(const std::string& what, const Vector<Scalar>& lower, const Vector<Scalar>& upper) {
  require_rows((what + ": upper").c_str(), upper.size(), lower.size());
  require_parameter((what + ": lower").c_str(), lower);
  require_parameter((what + ": upper").c_str(), upper);
  for (Index i = 0; i < lower.size(); ++i)
    if (!(lower(i) < upper(i)))
      throw ArgumentError(what + ": upper(" + std::to_string(i) + ")", double(upper(i)),
                          "above lower, " + number(double(lower(i))));
}

}  // namespace pathline::detail
