/// \file
/// What a step control takes for the error of a step, put on top of any controller:
/// ```
/// const WithNorm control(PiController{.rtol = 1e-6}, MaxSampleNorm{});
/// const WithTolerances control(PiController{}, Eigen::Vector3d(1e-4, 1e-8, 1e-4), Eigen::Vector3d(1e-8, 1e-14, 1e-6));
/// const WithDomain control(PiController{}, [](const auto& y) { return (y.array() >= 0).all(); });
/// ```
/// They nest, each once. Off, they cost nothing.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/ode/control/error_norm.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

namespace pathline {

namespace detail {

template <class Control>
concept HasRowTolerances = requires(const Control& control) {
  { control.row_rtol() } -> std::same_as<const Eigen::VectorXd&>;
  { control.row_atol() } -> std::same_as<const Eigen::VectorXd&>;
};

template <class Control>
concept HasNorm = requires(const Control& control) {
  control.norm;
};

/// A norm of its own: RmsNorm by name is what all others have.
template <class Control>
concept HasOtherNorm = HasNorm<Control> && !requires(const Control& control) {
  requires std::same_as<std::remove_cvref_t<decltype(control.norm)>, RmsNorm>;
};

template <class Control>
concept HasDomain = requires(const Control& control) {
  control.inside;
};

}  // namespace detail

/// Judges a step by `norm` instead of RmsNorm.
///
/// norm(scaled) of an Eigen array expression, the errors of the counted rows (rows × columns) in units of their
/// tolerances, returns a double; a step is accepted at 1 or below. RmsNorm, MaxSampleNorm, TopRowsSeminorm or your own:
/// a lambda over `const auto& scaled` will do. It must not hide a NaN.
template <class Control, class Norm>
struct WithNorm : Control {
  static_assert(AdaptiveControl<Control>, "WithNorm: the control must meet AdaptiveControl, as PiController does");
  static_assert(!detail::HasNorm<Control>, "WithNorm: the control has a norm already");
  WithNorm(const Control& control, Norm error_norm) : Control(control), norm(std::move(error_norm)) {}
  Norm norm;
};

/// Tolerances for each row that counts for the error. `rtol` and `atol` of the controller then apply only to the rows
/// that an implicit method solves for without counting them.
template <class Control>
struct WithTolerances : Control {
  static_assert(AdaptiveControl<Control>,
                "WithTolerances: the control must meet AdaptiveControl, as PiController does");
  static_assert(!detail::HasRowTolerances<Control>, "WithTolerances: the control has tolerances of rows already");

  /// \param row_rtol, row_atol  One number per row that counts for the error (all rows of a plain right-hand side), at
  ///                            least 0, not both 0 in one row.
  /// \throws ShapeError unless both have the same length, ArgumentError for numbers that are not tolerances.
  WithTolerances(const Control& control, const Eigen::VectorXd& row_rtol, const Eigen::VectorXd& row_atol)
      : Control(control), row_rtol_(row_rtol), row_atol_(row_atol) {
    require_rows("WithTolerances: row_atol", row_atol.size(), row_rtol.size());
    for (Index i = 0; i < row_rtol.size(); ++i) {
      const auto check = [i](const char* name, double tolerance) {
        if (!(tolerance >= 0 && std::isfinite(tolerance)))
          throw ArgumentError("WithTolerances: " + std::string(name) + "[" + std::to_string(i) + "]", tolerance,
                              "0 or a positive number");
      };
      check("row_rtol", row_rtol(i));
      check("row_atol", row_atol(i));
      if (row_rtol(i) + row_atol(i) == 0)
        throw ArgumentError("WithTolerances: row_rtol + row_atol, row " + std::to_string(i), "0", "a positive number");
    }
  }

  [[nodiscard]] const Eigen::VectorXd& row_rtol() const { return row_rtol_; }
  [[nodiscard]] const Eigen::VectorXd& row_atol() const { return row_atol_; }
  /// Multiplies them all by a positive factor; `rtol` and `atol` of the controller stay.
  void scale_tolerances(double factor) {
    row_rtol_ *= factor;
    row_atol_ *= factor;
  }

 private:
  Eigen::VectorXd row_rtol_, row_atol_;
};

/// Refuses a step that ends outside of a domain, as if its error were infinite: the step shrinks by min_factor and is
/// tried again. For states that must stay positive or bounded.
///
/// inside(y) is called with the whole state, at the start of the solve and at the end of every trial step; stages in
/// between may leave the domain. A solution that truly leaves it ends in StepSizeError.
template <class Control, class Inside>
struct WithDomain : Control {
  static_assert(AdaptiveControl<Control>, "WithDomain: the control must meet AdaptiveControl, as PiController does");
  static_assert(!detail::HasDomain<Control>, "WithDomain: the control has a domain already; ask for both in one");
  WithDomain(const Control& control, Inside is_inside) : Control(control), inside(std::move(is_inside)) {}
  Inside inside;
};

namespace detail {

/// Whether the control knows what the rows of the state mean: such a control cannot be used for a state that contains
/// the user's and more, as the adjoint's does.
template <class Control>
inline constexpr bool knows_rows = HasRowTolerances<Control> || HasNorm<Control> || HasDomain<Control>;

/// Tolerance of an entry of row i and of this magnitude.
template <AdaptiveControl Control>
[[nodiscard]] double tolerance(const Control& control, Index i, double magnitude) {
  if constexpr (HasRowTolerances<Control>)
    return control.row_atol()(i) + control.row_rtol()(i) * magnitude;
  else
    return control.atol + control.rtol * magnitude;
}

/// E² as this control measures E, of arguments of one shape.
template <AdaptiveControl Control, class Error, class Y, class YNext>
[[nodiscard]] EIGEN_ALWAYS_INLINE double measured_square(const Control& control, const Eigen::MatrixBase<Error>& error,
                                                         const Eigen::MatrixBase<Y>& y,
                                                         const Eigen::MatrixBase<YNext>& y_next) {
  const auto square = [&](const auto& scaled) {
    if constexpr (HasOtherNorm<Control>) {
      const double norm = double(control.norm(scaled));
      return norm * norm;
    } else {
      return mean_square(scaled);
    }
  };
  if constexpr (HasRowTolerances<Control>) {
    using Scalar = typename Error::Scalar;
    using Scales = Eigen::Array<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
    const double* const row_rtol = control.row_rtol().data();
    const double* const row_atol = control.row_atol().data();
    // A generator: a broadcast of a vector of another scalar would allocate.
    const auto scaled = [&](Index i, Index j) {
      using std::abs;
      const Scalar magnitude = std::max(abs(y(i, j)), abs(y_next(i, j)));
      const Scalar scale = Scalar(row_atol[i]) + Scalar(row_rtol[i]) * magnitude;
      return error(i, j) / std::max(scale, std::numeric_limits<Scalar>::min());
    };
    return square(Scales::NullaryExpr(error.rows(), error.cols(), scaled));
  } else {
    if constexpr (HasOtherNorm<Control>)
      return square(scaled_error(error, y, y_next, control.rtol, control.atol));
    else
      return mean_square_of_scaled_error(error, y, y_next, control.rtol, control.atol);
  }
}

/// E as this control measures it, of arguments of one shape.
template <AdaptiveControl Control, class Error, class Y, class YNext>
[[nodiscard]] EIGEN_ALWAYS_INLINE double measured_error(const Control& control, const Eigen::MatrixBase<Error>& error,
                                                        const Eigen::MatrixBase<Y>& y,
                                                        const Eigen::MatrixBase<YNext>& y_next) {
  return std::sqrt(measured_square(control, error, y, y_next));
}

/// \throws ShapeError when the control has tolerances for another number of rows; ArgumentError for a seminorm of more
///         rows than there are, or of none.
template <AdaptiveControl Control>
void require_rows_of_control(const Control& control, Index counted_rows) {
  if constexpr (requires { control.norm.rows; })
    if (control.norm.rows < 1 || control.norm.rows > counted_rows)
      throw ArgumentError("solve: rows of the seminorm", control.norm.rows,
                          "from 1 to the rows that count, " + std::to_string(counted_rows));
  if constexpr (HasRowTolerances<Control>)
    require_rows("solve: WithTolerances", control.row_rtol().size(), counted_rows);
}

}  // namespace detail
}  // namespace pathline
