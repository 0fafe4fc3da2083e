/// \file
/// A ball that bounces: events on the dense output, each with a new state.
///
/// Between two bounces the ball falls freely, y'' = -g. A bounce is a zero of the height, met from above; there the
/// velocity turns round and keeps a part of itself. No step needs to end at a bounce: the solver steps over it, the
/// zero is found on the step's polynomial, and the solve starts anew from there. In a vacuum the times of all bounces
/// are known, so that their errors are printed; in air, with a drag that grows with the square of the velocity, they
/// are not. Prints both, and writes bouncing_ball.png.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/ode.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <tuple>
#include <vector>

using namespace pathline;
using Eigen::Vector2d;

namespace {

constexpr double gravity = 9.81;  // m/s²
constexpr double slowest = 1e-2;  // m/s; a slower bounce is none: they would follow each other without number

struct Settings {
  double height = 1, restitution = 0.8, drag = 0.4;  // m, of the velocity, 1/m
  double seconds = 3.5;
};

auto drop(const Settings& of, double drag) {
  const auto fall = [drag](double, const Vector2d& y, Vector2d& dy) {
    if (y.isZero(0))
      dy.setZero();  // at rest the ground carries the ball
    else
      dy << y(1), -gravity - drag * y(1) * std::abs(y(1));
  };
  const double restitution = of.restitution;
  const Event bounce([](double, const Vector2d& y) { return y(0); }, {.crossing = Crossing::falling},
                     [restitution](double, Vector2d& y) {
                       const double up = -restitution * y(1);
                       y << 0, up < slowest ? 0 : up;
                     });
  return solve_events(fall, Vector2d(of.height, 0), 0, of.seconds, std::tuple(bounce), Dopri5{},
                      PiController{.rtol = 1e-9, .atol = 1e-9});
}

/// When a ball in a vacuum meets the ground for the k-th time, k = 0, 1, …: the first fall, then flights that shrink.
double bounce_in_vacuum(const Settings& of, int k) {
  const double first = std::sqrt(2 * of.height / gravity), e = of.restitution;
  return first + (e == 1 ? 2 * first * k : 2 * first * e * (1 - std::pow(e, k)) / (1 - e));
}

Eigen::MatrixXd heights(const Trajectory<Vector2d>& path) {
  constexpr Index points = 1500;
  Eigen::MatrixXd curve(2, points);
  for (Index i = 0; i < points; ++i) {
    const double t = path.t1() * double(i) / double(points - 1);
    curve.col(i) << t, path(t)(0);
  }
  return curve;
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  std::filesystem::path out = ".";
  examples::CommandLine line("A bouncing ball, in a vacuum and in air.");
  line.add("--height", settings.height, "from which it falls, m").positive();
  line.add("--restitution", settings.restitution, "part of the velocity that a bounce leaves").within(0.1, 1.0);
  line.add("--drag", settings.drag, "of the air, 1/m").not_negative();
  line.add("--seconds", settings.seconds, "to the end").positive();
  line.add("--out", out, "folder for the picture").type("DIR");
  line.parse(argc, argv);

  const auto vacuum = drop(settings, 0), air = drop(settings, settings.drag);
  std::printf("bounce   in a vacuum / s      error     in air / s\n");
  constexpr std::size_t lines = 10;
  for (std::size_t k = 0; k < std::min(lines, std::max(vacuum.hits.size(), air.hits.size())); ++k) {
    std::printf("%6zu", k + 1);
    if (k < vacuum.hits.size())
      std::printf("   %15.12f   %8.1e", vacuum.hits[k].t,
                  std::abs(vacuum.hits[k].t - bounce_in_vacuum(settings, int(k))));
    else
      std::printf("   %15s   %8s", "", "");
    if (k < air.hits.size()) std::printf("   %12.9f", air.hits[k].t);
    std::printf("\n");
  }
  const Statistics& spent = vacuum.trajectory.statistics;
  std::printf(
      "in a vacuum %zu bounces by t = %g s, %td steps, %td evaluations; in air %zu bounces, at rest after %.3f s\n",
      vacuum.hits.size(), settings.seconds, spent.accepted, spent.evaluations, air.hits.size(),
      air.hits.empty() ? 0 : air.hits.back().t);

  if (!examples::plot::gnuplot_available()) std::cout << examples::plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  examples::plot::graph(out / "bouncing_ball.png",
                        {{heights(vacuum.trajectory), "in a vacuum"}, {heights(air.trajectory), "in air"}},
                        {.style = {.title = "A ball that bounces"}, .x_label = "time / s", .y_label = "height / m"});
  std::cout << "picture: " << (out / "bouncing_ball.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
