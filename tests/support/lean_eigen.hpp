/// \file
/// Eigen 3.4 without `A(rows, columns)` by lists of indices. These overloads are declared anew for every type of
/// expression, and g++ looks each of them up among those of all the types before, whose hashes are equal: a third of
/// the time of a unit with 600 types of expressions. To be included before any header of Eigen.
#pragma once
#pragma GCC system_header  // #import is not of the standard

#if __has_include(<Eigen/src/plugins/IndexedViewMethods.h>)
#ifdef EIGEN_CORE_H
#error "support/lean_eigen.hpp comes before Eigen"
#endif
#define EIGEN_PARSED_BY_DOXYGEN  // then the file has two declarations only
namespace pathline::detail {
struct IndexedViewMethods {
  using IndexedView_or_Block = void;
  using IndexedView_or_VectorBlock = void;
#import <Eigen/src/plugins/IndexedViewMethods.h>  // it is not read a second time
};
}  // namespace pathline::detail
#undef EIGEN_PARSED_BY_DOXYGEN
#endif
