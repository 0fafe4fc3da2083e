/// \file
/// Data as an argument of a flow or a neural ODE. Float and double are never mixed; what is not of the model's scalar
/// is refused in one line, which says what to write.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>

#include <concepts>
#include <type_traits>

namespace pathline {

namespace detail {

/// Asserts that data (or context, or a cotangent) of the scalar `Given` may be given where `Wanted` is meant.
template <class Given, class Wanted>
constexpr void require_same_scalar() {
  static_assert(!(std::same_as<Given, double> && std::same_as<Wanted, float>),
                "data are double, the flow or field float: give data.cast<float>()");
  static_assert(!(std::same_as<Given, float> && std::same_as<Wanted, double>),
                "data are float, the flow or field double: give data.cast<double>()");
  static_assert(std::same_as<Given, Wanted> || std::same_as<Given, float> || std::same_as<Given, double>,
                "data are neither float nor double: give data.cast<float>() or data.cast<double>(), as the field is");
}

/// `X` itself where it is of this scalar. Else the line above has been said, and what follows shall compile.
template <class Scalar, class Derived>
[[nodiscard]] decltype(auto) in_scalar(const Eigen::DenseBase<Derived>& X) {
  require_same_scalar<typename Derived::Scalar, Scalar>();
  if constexpr (std::same_as<typename Derived::Scalar, Scalar>)
    return X.derived();
  else
    return X.derived().template cast<Scalar>();
}

/// The same where it lies, as one type for matrices, maps and blocks of any kind: what it converts to is then compiled
/// once. An expression stays what it is.
template <class Scalar, class Derived>
[[nodiscard]] decltype(auto) where_it_lies(const Eigen::DenseBase<Derived>& X) {
  if constexpr (std::constructible_from<View<const Scalar>, const Derived&>)
    return View<const Scalar>(X.derived()).map();
  else
    return in_scalar<Scalar>(X);
}

}  // namespace detail

/// A view of a batch of any kind (a block, a map, rows known to the compiler), or the value of an expression. For
/// parameters of functions only, as `ConstBatchRef`.
template <Real Scalar>
class DataRef : public Eigen::Ref<const Batch<Scalar>> {
 public:
  template <class Derived>
  DataRef(const Eigen::DenseBase<Derived>& X)  // NOLINT(google-explicit-constructor): as Eigen::Ref
      : Eigen::Ref<const Batch<Scalar>>(detail::where_it_lies<Scalar>(X)) {}
};

template <class Scalar>
using ConstDataRef = const DataRef<std::type_identity_t<Scalar>>&;

}  // namespace pathline
