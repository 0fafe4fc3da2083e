/// \file
/// What stands at the two ends of an exported flow, as text in C++17: the data transform with the context transform,
/// and the base density. What can be exported has a `DeviceTransform`, `DeviceContext` or `DeviceBase`.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/flow/base/base_density.hpp>
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/statistics/covariance.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/flow/transform/whiten.hpp>
#include <pathline/io/device/device_text.hpp>

#include <string>

namespace pathline::io::detail {

/// Description and code.
struct DevicePartText {
  std::string description, code;
};

/// The rows of a lower triangular matrix one after another, of the transpose as the library has it: d (d + 1) / 2.
template <Real Scalar, Real From>
[[nodiscard]] Vector<Scalar> packed_rows(const Batch<From>& transposed) {
  const Index d = transposed.cols();
  Vector<Scalar> packed(d * (d + 1) / 2);
  for (Index i = 0, at = 0; i < d; ++i)
    for (Index k = 0; k <= i; ++k) packed(at++) = Scalar(transposed(k, i));
  return packed;
}

/// Functions `to_coordinates(x, z)`, which returns log |det ∂z/∂x|, and `to_data(z, x)`.
template <class T>
struct DeviceTransform {
  static constexpr bool known = false;
};

template <>
struct DeviceTransform<NoTransform> {
  static constexpr bool known = true;
  template <Real Scalar>
  [[nodiscard]] static DevicePartText text(const NoTransform& /*transform*/) {
    return {"no data transform", R"code(
inline scalar to_coordinates(const data_scalar* x, scalar* z) noexcept {
  for (int i = 0; i < dim; ++i) z[i] = x[i];
  return scalar(0);
}
inline void to_data(const scalar* z, data_scalar* x) noexcept {
  for (int i = 0; i < dim; ++i) x[i] = z[i];
}
)code"};
  }
};

template <Real T>
struct DeviceTransform<Standardize<T>> {
  static constexpr bool known = true;
  template <Real Scalar>
  [[nodiscard]] static DevicePartText text(const Standardize<T>& transform) {
    const T log_det = T(-transform.deviation().array().log().sum());
    return {"Standardize", array_text<double>("double", "data_mean", transform.mean()) +
                               array_text<double>("double", "data_deviation", transform.deviation()) + R"code(
// In double, so that x - mean is formed before it is rounded.
inline scalar to_coordinates(const data_scalar* x, scalar* z) noexcept {
  for (int i = 0; i < dim; ++i) z[i] = scalar((double(x[i]) - data_mean[i]) / data_deviation[i]);
  return )code" + literal(Scalar(log_det)) +
                               R"code(;
}
inline void to_data(const scalar* z, data_scalar* x) noexcept {
  for (int i = 0; i < dim; ++i) x[i] = data_scalar(double(z[i]) * data_deviation[i] + data_mean[i]);
}
)code"};
  }
};

template <Real T>
struct DeviceTransform<Whiten<T>> {
  static constexpr bool known = true;
  template <Real Scalar>
  [[nodiscard]] static DevicePartText text(const Whiten<T>& transform) {
    const Batch<double>& L = transform.factor();
    const T log_det = T(-L.diagonal().array().log().sum());
    return {
        "Whiten", array_text<double>("double", "data_mean", transform.mean()) +
                      array_text<double>("double", "data_factor", packed_rows<double>(Batch<double>(L.transpose()))) +
                      array_text<double>("double", "data_inverse_factor",
                                         packed_rows<double>(pathline::detail::inverse_transposed(L))) +
                      R"code(
// z = L^-1 (x - mean), in double, so that x - mean is formed before it is rounded.
inline scalar to_coordinates(const data_scalar* x, scalar* z) noexcept {
  for (int i = 0, at = 0; i < dim; ++i) {
    double sum = 0;
    for (int k = 0; k <= i; ++k) sum += data_inverse_factor[at++] * (double(x[k]) - data_mean[k]);
    z[i] = scalar(sum);
  }
  return )code" + literal(Scalar(log_det)) +
                      R"code(;
}
inline void to_data(const scalar* z, data_scalar* x) noexcept {
  for (int i = 0, at = 0; i < dim; ++i) {
    double sum = 0;
    for (int k = 0; k <= i; ++k) sum += data_factor[at++] * double(z[k]);
    x[i] = data_scalar(sum + data_mean[i]);
  }
}
)code"};
  }
};

/// A function `read_context(c, s)` for raw context of either scalar.
template <class T>
struct DeviceContext {
  static constexpr bool known = false;
};

template <>
struct DeviceContext<NoContextTransform> {
  static constexpr bool known = true;
  [[nodiscard]] static DevicePartText text(const NoContextTransform& /*transform*/) {
    return {"", R"code(
template <class T>
inline void read_context(const T* c, scalar* s) noexcept {
  for (int i = 0; i < context_rows; ++i) s[i] = scalar(c[i]);
}
)code"};
  }
};

template <>
struct DeviceContext<StandardizeContext> {
  static constexpr bool known = true;
  [[nodiscard]] static DevicePartText text(const StandardizeContext& transform) {
    return {", StandardizeContext", array_text<double>("double", "context_mean", transform.mean()) +
                                        array_text<double>("double", "context_deviation", transform.deviation()) +
                                        R"code(
template <class T>
inline void read_context(const T* c, scalar* s) noexcept {
  for (int i = 0; i < context_rows; ++i) s[i] = scalar((double(c[i]) - context_mean[i]) / context_deviation[i]);
}
)code"};
  }
};

/// Functions `log_base(z)` and `noise_to_base(noise, z)`.
template <class B>
struct DeviceBase {
  static constexpr bool known = false;
};

template <>
struct DeviceBase<StandardNormal> {
  static constexpr bool known = true;
  template <Real Scalar>
  [[nodiscard]] static DevicePartText text(const StandardNormal& /*base*/, Index d) {
    return {"StandardNormal", R"code(
inline scalar log_base(const scalar* z) noexcept {
  scalar sum = scalar(0);
  for (int i = 0; i < dim; ++i) sum += z[i] * z[i];
  return scalar(-0.5) * sum - )code" +
                                  literal(Scalar(pathline::detail::log_sqrt_2_pi * double(d))) + R"code(;
}
inline void noise_to_base(const scalar* noise, scalar* z) noexcept {
  for (int i = 0; i < dim; ++i) z[i] = noise[i];
}
)code"};
  }
};

template <Real T>
struct DeviceBase<DiagonalGaussian<T>> {
  static constexpr bool known = true;
  template <Real Scalar>
  [[nodiscard]] static DevicePartText text(const DiagonalGaussian<T>& base, Index d) {
    const double constant =
        -base.deviation().template cast<double>().array().log().sum() - pathline::detail::log_sqrt_2_pi * double(d);
    return {"DiagonalGaussian", array_text<Scalar>("scalar", "base_mean", base.mean()) +
                                    array_text<Scalar>("scalar", "base_deviation", base.deviation()) + R"code(
inline scalar log_base(const scalar* z) noexcept {
  scalar sum = scalar(0);
  for (int i = 0; i < dim; ++i) {
    const scalar u = (z[i] - base_mean[i]) / base_deviation[i];
    sum += u * u;
  }
  return scalar(-0.5) * sum + )code" +
                                    literal(Scalar(constant)) + R"code(;
}
inline void noise_to_base(const scalar* noise, scalar* z) noexcept {
  for (int i = 0; i < dim; ++i) z[i] = base_mean[i] + base_deviation[i] * noise[i];
}
)code"};
  }
};

template <Real T>
struct DeviceBase<FullGaussian<T>> {
  static constexpr bool known = true;
  template <Real Scalar>
  [[nodiscard]] static DevicePartText text(const FullGaussian<T>& base, Index d) {
    const Batch<double> L = base.factor().template cast<double>();
    const double constant = -L.diagonal().array().log().sum() - pathline::detail::log_sqrt_2_pi * double(d);
    return {"FullGaussian",
            array_text<Scalar>("scalar", "base_mean", base.mean()) +
                array_text<Scalar>("scalar", "base_factor", packed_rows<Scalar>(Batch<double>(L.transpose()))) +
                array_text<Scalar>("scalar", "base_inverse_factor",
                                   packed_rows<Scalar>(pathline::detail::inverse_transposed(L))) +
                R"code(
inline scalar log_base(const scalar* z) noexcept {
  scalar sum = scalar(0);
  for (int i = 0, at = 0; i < dim; ++i) {
    scalar u = scalar(0);
    for (int k = 0; k <= i; ++k) u += base_inverse_factor[at++] * (z[k] - base_mean[k]);
    sum += u * u;
  }
  return scalar(-0.5) * sum + )code" +
                literal(Scalar(constant)) + R"code(;
}
inline void noise_to_base(const scalar* noise, scalar* z) noexcept {
  for (int i = 0, at = 0; i < dim; ++i) {
    scalar sum = base_mean[i];
    for (int k = 0; k <= i; ++k) sum += base_factor[at++] * noise[k];
    z[i] = sum;
  }
}
)code"};
  }
};

}  // namespace pathline::io::detail
