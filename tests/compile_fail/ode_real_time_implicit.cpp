// expect: RealTimeSolver: the method must be explicit, such as Rk4
#include <pathline/ode.hpp>

pathline::RealTimeSolver<pathline::Sdirk2, Eigen::Vector2d> solver(Eigen::Vector2d::Zero(), 3);
