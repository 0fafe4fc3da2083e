/// \file
/// Steps of its own for every sample of a batch:
/// ```
/// const Eigen::MatrixXd Y = solve(rhs, Y0, 0, 1, Dopri5{}, PerSample(PiController{.rtol = 1e-8, .atol = 1e-8}));
/// ```
/// A step that all samples share is as short as the hardest one needs, or too long for it where the norm hides it
/// among the others. Here each column has its own t, step, error and end, and a column that has arrived is no longer
/// evaluated.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/concepts.hpp>

#include <algorithm>
#include <concepts>
#include <span>
#include <type_traits>

namespace pathline {

namespace detail {

/// A multiple of `multiple`, and no less than three of it; of 1, the samples themselves.
[[nodiscard]] constexpr Index padded_columns(Index samples, Index multiple) {
  if (multiple <= 1) return samples;
  return std::max(3 * multiple, (samples + multiple - 1) / multiple * multiple);
}

/// A time for each column of a state, 1 × n.
template <class State>
struct TimesOf {
  using type = Row<double>;
};

}  // namespace detail

/// A controller, applied to each sample by itself; norms and tolerances on top of it (error_control.hpp) see one
/// column. `max_steps` holds for each sample.
///
/// A sample's result does not depend on its neighbours, their number or their order, bit for bit, if the right-hand
/// side's does not. Matrix products may sum in another order for the last few columns, and for few columns altogether;
/// so the batch is filled up with copies of columns. With a multiple of 1 nothing is added.
///
/// Implicit methods solve one sample after another: their linear systems are separate for each sample anyway.
template <class Control>
struct PerSample {
  static_assert(AdaptiveControl<Control>, "PerSample: the control must meet AdaptiveControl, as PiController does");
  /// \throws ArgumentError for a multiple below 1 or above 4096: calls have three times as many columns at least.
  explicit PerSample(const Control& controller, Index multiple = 8) : control(controller), column_multiple(multiple) {
    if (multiple < 1 || multiple > 4096) throw ArgumentError("PerSample: column_multiple", multiple, "from 1 to 4096");
  }
  static constexpr bool each_sample = true;  ///< Controls the steps of each sample, not of a batch.
  Control control;
  Index column_multiple;  ///< The right-hand side is called with a multiple of this, and with no less than three.

  /// Columns of the calls for this many samples.
  [[nodiscard]] constexpr Index padded(Index samples) const { return detail::padded_columns(samples, column_multiple); }
};

/// PerSample, around whatever controller.
template <class C>
concept EachSampleControl = requires {
  requires C::each_sample;
};

/// rhs(t, y, dy) with a time for each column, t: 1 × n. How a batch with steps of its own is evaluated at once.
template <class Rhs, class State>
concept SampleTimesRightHandSide = requires(Rhs& rhs, const typename detail::TimesOf<State>::type& t, const State& y,
                                            State& dy) {
  rhs(t, y, dy);
};

/// rhs(t, y, dy, samples) also reads which sample each column is, by its number in the batch: for a context of its own.
template <class Rhs, class State>
concept SampleIdsRightHandSide = requires(Rhs& rhs, const typename detail::TimesOf<State>::type& t, const State& y,
                                          State& dy, std::span<const Index> samples) {
  rhs(t, y, dy, samples);
};

/// What PerSample can call: with a time for each column, or as any other right-hand side, rhs(double t, y, dy), which
/// is then called with one column after another: a vector, or a matrix of one column.
template <class Rhs, class State>
concept PerSampleRightHandSide = SampleIdsRightHandSide<Rhs, State> || SampleTimesRightHandSide<Rhs, State> ||
    RightHandSide<Rhs, State> || RightHandSide<Rhs, Eigen::Matrix<typename State::Scalar, State::RowsAtCompileTime, 1>>;

namespace detail {

/// A right-hand side of one sample, in the form that it has.
template <class Rhs, class State>
using SingleState =
    std::conditional_t<RightHandSide<Rhs, Eigen::Matrix<typename State::Scalar, State::RowsAtCompileTime, 1>>,
                       Eigen::Matrix<typename State::Scalar, State::RowsAtCompileTime, 1>, State>;

}  // namespace detail
}  // namespace pathline
