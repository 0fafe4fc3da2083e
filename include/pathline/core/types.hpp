/// \file
/// Scalars, batches and the names for passing them about.
///
/// A batch is a d × n matrix, column-major, one column per sample, so that a layer is one matrix product. Rows may be
/// known to the compiler (`Batch<float, 2>`), columns never are. Time is `double` whatever the scalar.
#pragma once

#include <pathline/core/optimization_note.hpp>

#include <Eigen/Core>

#include <concepts>
#include <type_traits>

namespace pathline {

using Index = Eigen::Index;

/// The scalars of the library. They are never mixed silently.
template <class T>
concept Real = std::same_as<T, float> || std::same_as<T, double>;

/// d × n, a column per sample. An owning value.
template <Real Scalar, int Rows = Eigen::Dynamic>
using Batch = Eigen::Matrix<Scalar, Rows, Eigen::Dynamic>;

/// A column of parameters, or one sample.
template <Real Scalar>
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// 1 × n: one number per sample.
template <Real Scalar>
using Row = Eigen::Matrix<Scalar, 1, Eigen::Dynamic>;

namespace detail {

template <class T>
struct DoubleIn {
  using type = double;
};
/// double, in a template with the parameter T. What does not depend on a parameter, compilers instantiate where they
/// read the template: an expression of `Vector<double>` would be compiled by everyone who includes the header, one of
/// `Vector<Double<T>>` where it is used.
template <class T>
using Double = typename DoubleIn<T>::type;

}  // namespace detail

/// Views for parameters of functions only: a `const Ref&` kept as a member refers to a dead temporary. They do not
/// deduce their scalar (another argument or the class fixes it), so that any block or map of the right kind converts.
template <class Scalar>
using BatchRef = Eigen::Ref<Batch<std::type_identity_t<Scalar>>>;
template <class Scalar>
using ConstBatchRef = const Eigen::Ref<const Batch<std::type_identity_t<Scalar>>>&;
template <class Scalar>
using VectorRef = Eigen::Ref<Vector<std::type_identity_t<Scalar>>>;
template <class Scalar>
using ConstVectorRef = const Eigen::Ref<const Vector<std::type_identity_t<Scalar>>>&;
/// A row of a batch is not contiguous, hence the stride; without it the row would be copied to the heap.
template <class Scalar>
using RowRef = Eigen::Ref<Row<std::type_identity_t<Scalar>>, 0, Eigen::InnerStride<>>;
template <class Scalar>
using ConstRowRef = const Eigen::Ref<const Row<std::type_identity_t<Scalar>>, 0, Eigen::InnerStride<>>&;

/// Contiguous views that may be kept.
template <Real Scalar>
using BatchMap = Eigen::Map<Batch<Scalar>>;
template <Real Scalar>
using ConstBatchMap = Eigen::Map<const Batch<Scalar>>;
template <Real Scalar>
using VectorMap = Eigen::Map<Vector<Scalar>>;
template <Real Scalar>
using ConstVectorMap = Eigen::Map<const Vector<Scalar>>;

}  // namespace pathline
