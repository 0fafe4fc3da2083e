// expect: an observer needs keep_first_stage, discard, accept, output: derive from NoObserver
#include <pathline/ode.hpp>

struct Printer {
  void output(pathline::Index, const Eigen::Vector2d&) {}
};
void watch(Eigen::Vector2d& y, std::span<const double> times, Printer& printer) {
  auto decay = [](double, const auto& at, auto& dy) { dy = -at; };
  pathline::Stepper<pathline::Dopri5, Eigen::Vector2d> stepper;
  pathline::integrate(pathline::Dopri5{}, pathline::PiController{}, decay, y, times, stepper, printer);
}
