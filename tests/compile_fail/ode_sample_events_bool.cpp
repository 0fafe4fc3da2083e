// expect: with PerSample an event's function must be callable as g(double t, const Column& y), with or without
#include <pathline/ode.hpp>

const auto decay = [](double, const auto& y, auto& dy) { dy = -y; };
const pathline::Event below([](double, const auto& y) { return y(0) < 0.5; });
const auto result = pathline::solve_events(decay, Eigen::MatrixXd::Ones(1, 2), 0, 1, std::tuple(below),
                                           pathline::Dopri5{}, pathline::PerSample(pathline::PiController{}));
