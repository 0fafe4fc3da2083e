#include <pathline/gradient/second_order/control_with_tangents.hpp>

#include <pathline/core/types.hpp>
#include <pathline/ode/batch/per_sample.hpp>
#include <pathline/ode/control/error_control.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <support/catch.hpp>

#include <concepts>

using namespace pathline;

TEST_CASE("A control's domain is one of the state alone, whatever derivatives stand below it",
          "[gradient][second_order]") {
  const WithDomain positive(PiController{.rtol = 1e-5}, [](const auto& y) { return (y.array() > 0).all(); });
  const auto control = detail::control_with_tangents(positive, 2);
  CHECK(control.rtol == 1e-5);
  Batch<double> all{{1, 2}, {3, 4}, {-1, 0}, {-2, 1}};
  CHECK(control.inside(all));
  all(1, 1) = -1;
  CHECK_FALSE(control.inside(all));
  static_assert(std::same_as<decltype(detail::control_with_tangents(PiController{}, 2)), PiController>);
  const auto each = detail::control_with_tangents(PerSample(positive), 1);
  CHECK(each.control.inside(all));  // of the first row
}
