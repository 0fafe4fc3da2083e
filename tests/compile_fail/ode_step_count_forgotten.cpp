// expect g++: no matching function for call to 'pathline::FixedSteps::FixedSteps(
// expect clang++: no matching constructor for initialization of 'const pathline::FixedSteps'
#include <pathline/ode.hpp>

const pathline::FixedSteps control{};
