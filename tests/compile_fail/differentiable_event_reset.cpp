// expect: DifferentiableEvent: the reset must take (t, y, p, y_new) and write y_new[i], for numbers of any type
#include <pathline/gradient/event/differentiable_event.hpp>

const pathline::DifferentiableEvent ground([](const auto&, const auto& y, const auto&) { return y[0]; }, {},
                                           [](double, auto& y) { y[1] = -y[1]; });
