/// \file
/// A ball that bounces: events on the dense output, each with a new state.
///
/// Between two bounces the ball falls freely, y'' = -g. A bounce is a zero of the height, met from above; there the
/// velocity turns round and keeps a part of itself. No step needs to end at a bounce: the solver steps over it, the
/// zero is found on the step's polynomial, and the solve starts anew from there. In a vacuum the times of all bounces
/// are known, so that their errors are printed; in air, with a drag that grows with the square of the velocity, they
/// are not. Prints both, and writes bouncing_ball.png.
///
/// Then the other way round: a microphone hears the ball in air bounce, and nobody has seen it. How high was it
/// dropped, how much of its velocity does a bounce leave, and how much does the air take? The time of each bounce is
/// differentiated through all events before it (learn.cpp), and the three numbers are learned from the times by least
/// squares. They are judged by the truth, and by bounces after the last one heard. Writes bouncing_ball_learned.png.
#include <examples/bouncing_ball/learn.hpp>

#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/core/random.hpp>
#include <pathline/ode.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <tuple>
#include <vector>

using namespace pathline;
using Eigen::Vector2d;

namespace {

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
    const double t = std::min(path.t1() * double(i) / double(points - 1), path.t1());
    curve.col(i) << t, path(t)(0);
  }
  return curve;
}

struct Listening {
  int bounces = 8, iterations = 10;
  double noise = 2e-3;  // s, standard deviation
  std::uint64_t seed = 1;
};

/// Learns what the ball in air is, from what the microphone heard, and draws it.
void listen(const Settings& settings, const Listening& to, const std::filesystem::path& png) {
  const Ball truth{settings.height, settings.restitution, settings.drag}, guess{2, 0.6, 0};
  constexpr int later = 3;
  const std::vector<double> times = bounce_times(truth, to.bounces + later);
  if (times.size() < std::size_t(to.bounces + later)) {
    std::printf("\nin air the ball comes to rest after %zu bounces: too few to learn from %d and to predict %d more\n",
                times.size(), to.bounces, later);
    return;
  }
  std::vector<double> heard(times.begin(), times.begin() + to.bounces);
  Batch<double> gaussian(1, to.bounces);
  Rng rng(to.seed);
  fill<Gaussian>(rng.draw(), 0, gaussian);
  for (std::size_t k = 0; k < heard.size(); ++k) heard[k] += to.noise * gaussian(0, Index(k));

  std::printf("\n%d bounces heard, to %.1f ms\niteration   off by / ms   height / m   restitution   drag / (1/m)\n",
              to.bounces, 1e3 * to.noise);
  const auto print = [](int iteration, double off, const Ball& ball) {
    std::printf("%9d   %11.2f   %10.4f   %11.4f   %12.4f\n", iteration, 1e3 * off, ball.height, ball.restitution,
                ball.drag);
  };
  const Ball learned = learn(heard, guess, to.iterations, print);
  const auto off = [](const std::vector<double>& a, const std::vector<double>& b, std::size_t first, std::size_t end) {
    double sum = 0;
    for (std::size_t k = first; k < end; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]) / double(end - first);
    return std::sqrt(sum);
  };
  const std::vector<double> predicted = bounce_times(learned, to.bounces + later);
  std::printf("    truth   %11s   %10.4f   %11.4f   %12.4f\n", "", truth.height, truth.restitution, truth.drag);
  std::printf("the next %d bounces, which nobody heard, are predicted to %.1f ms\n", later,
              1e3 * off(predicted, times, heard.size(), times.size()));

  const auto path = [&](const Ball& ball) {
    Settings as = settings;
    as.height = ball.height, as.restitution = ball.restitution, as.seconds = times.back() + 0.1;
    return heights(drop(as, ball.drag).trajectory);
  };
  namespace plot = examples::plot;
  plot::GraphOptions options{.style = {.title = "A ball that was heard, not seen"},
                             .x_label = "time / s",
                             .y_label = "height / m",
                             .shaded = {0, heard.back()},
                             .shaded_label = "heard"};
  Eigen::MatrixXd dots = Eigen::MatrixXd::Zero(2, to.bounces);
  for (std::size_t k = 0; k < heard.size(); ++k) dots(0, Index(k)) = heard[k];
  options.dots.push_back({dots, "bounces heard"});
  options.outline = {path(truth), "truth"};
  plot::graph(png, {{path(guess), "first guess"}, {path(learned), "learned"}}, options);
  std::cout << "picture: " << png.string() << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  std::filesystem::path out = ".";
  examples::CommandLine line("A bouncing ball, in a vacuum and in air, and what its sound tells of it.");
  line.add("--height", settings.height, "from which it falls, m").positive();
  line.add("--restitution", settings.restitution, "part of the velocity that a bounce leaves").within(0.1, 1.0);
  line.add("--drag", settings.drag, "of the air, 1/m").not_negative();
  line.add("--seconds", settings.seconds, "to the end").positive();
  Listening listening;
  line.add("--bounces", listening.bounces, "that are heard").within(3, 12);
  line.add("--noise", listening.noise, "standard deviation of the time at which a bounce is heard, s").within(0., 0.1);
  line.add("--iterations", listening.iterations, "of learning").within(1, 100'000);
  line.add("--seed", listening.seed, "of the noise");
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
  listen(settings, listening, out / "bouncing_ball_learned.png");
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
