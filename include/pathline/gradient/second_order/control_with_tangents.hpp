/// \file
/// What a step control becomes for the solve of a state and of its derivatives, one above the other.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/error_control.hpp>

namespace pathline::detail {

/// A control whose domain is one of the state y, for [y; derivatives]: these may have any sign and size.
template <HasDomain Control>
struct DomainOfState : Control {
  struct Inside {
    decltype(Control::inside) of_state;
    Index rows;
    template <class All>
    [[nodiscard]] bool operator()(const All& all) const {
      return of_state(all.topRows(rows));
    }
  };
  DomainOfState(const Control& control, Index rows) : Control(control), inside{control.inside, rows} {}
  Inside inside;  // hides that of the control
};

/// \param rows  Those of the state alone.
template <class Control>
[[nodiscard]] auto control_with_tangents(const Control& control, [[maybe_unused]] Index rows) {
  if constexpr (EachSampleControl<Control>)
    return PerSample(control_with_tangents(control.control, rows), control.column_multiple);
  else if constexpr (HasDomain<Control>)
    return DomainOfState<Control>(control, rows);
  else
    return control;
}

}  // namespace pathline::detail
