#include <pathline/gradient/event/event_path.hpp>

#include <support/catch.hpp>

#include <string>
#include <type_traits>

using namespace pathline;

static_assert(std::is_base_of_v<Error, GrazingEventError>);
static_assert(std::is_base_of_v<ValueAndGradient<float>, EventValueAndGradient<float>>);

TEST_CASE("A path and the derivatives by it begin with nothing", "[gradient][events]") {
  const EventPath<double> path;
  CHECK_FALSE(path.terminated);
  CHECK(path.t == 0);
  CHECK(path.hits.empty());
  const EventPathBar<double> bar;
  CHECK(bar.t == 0);
  CHECK(EventPathBar<double>::Hit{}.t == 0);
}

TEST_CASE("An event without a derivative is named, with its time and its slope", "[gradient][events][errors]") {
  const GrazingEventError error(2, 0.75, -1e-3, "it only touches 0");
  CHECK(error.event == 2);
  CHECK(error.t == 0.75);
  CHECK(error.rate == -1e-3);
  CHECK(std::string(error.what()) ==
        "value_and_gradient_with_events: event 2 at t = 0.75 has no derivative, since it only touches 0 (d/dt g = "
        "-0.001); give an event's function that crosses 0 with a slope");
}
