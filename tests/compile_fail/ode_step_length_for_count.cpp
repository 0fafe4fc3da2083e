// expect: FixedSteps: the argument is a number of steps, a whole number, and not the length of a step
#include <pathline/ode.hpp>

const pathline::FixedSteps control(0.01);
