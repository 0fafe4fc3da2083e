// expect: DifferentiableEvent: the reset must take (t, y, p, y_new) and write y_new[i], for numbers of any type
#include <pathline/gradient/event/differentiable_event.hpp>

using Doubles = pathline::Numbers<const double>;
const pathline::DifferentiableEvent ground([](const auto&, const auto& y, const auto&) { return y[0]; }, {},
                                           [](double, const Doubles& y, const Doubles&, auto& y_new) {
                                             y_new[1] = -y[1];
                                           });
