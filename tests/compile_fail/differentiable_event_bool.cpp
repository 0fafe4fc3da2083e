// expect: DifferentiableEvent: the function must take (t, y, p) and give a number, not a bool, for numbers of any type
#include <pathline/gradient/event/differentiable_event.hpp>

const pathline::DifferentiableEvent below([](const auto&, const auto& y, const auto&) { return y[0] < 0.5; });
