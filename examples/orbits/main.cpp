/// \file
/// A planet around its sun for hundreds of turns, by four methods that may call the force equally often, or nearly so.
///
/// The orbit closes: q'' = -q/|q|³ with energy -½ has period 2π, so that every error is seen at once. Runge and Kutta's
/// method loses a little energy in every turn, always with the same sign, and the planet spirals inwards. A symplectic
/// method solves a nearby system exactly, with an energy of its own that it keeps: the error swings, and does not grow.
/// What remains is that the ellipse turns slowly. Prints a table, and writes orbits.png (the last turns beside the
/// exact ellipse) and orbits_energy.png.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/ode.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <numbers>
#include <string>
#include <vector>

using namespace pathline;
using Eigen::Vector2d, Eigen::Vector4d;

namespace {

struct Settings {
  double eccentricity = 0.5;
  int turns = 300, evaluations = 336;  // of the force in a turn
};

/// Position and velocity at `per_turn` times in each turn.
struct Orbit {
  std::string method;
  Index steps = 0;  ///< In a turn.
  std::vector<Vector2d> q, p;
};

constexpr int per_turn = 42;

Vector2d gravity(const Vector2d& q) { return -q / std::pow(q.norm(), 3); }

template <class Method>
Orbit symplectic(std::string name, const Settings& of, const Vector2d& q0, const Vector2d& p0,
                 const std::vector<double>& times) {
  const Index steps = of.evaluations / (per_turn * Index(Method::weights.size()));
  const auto force = [](double, const Vector2d& q) { return gravity(q); };
  auto path = solve_second_order(force, q0, p0, times, FixedSteps(steps), Method{});
  return {std::move(name), steps * per_turn, std::move(path.q), std::move(path.p)};
}

Orbit runge_kutta(const Settings& of, const Vector2d& q0, const Vector2d& p0, const std::vector<double>& times) {
  const Index steps = of.evaluations / (per_turn * 4);
  Vector4d start;
  start << q0, p0;
  const auto rhs = [](double, const Vector4d& y, Vector4d& dy) { dy << y.tail<2>(), gravity(y.head<2>()); };
  const auto path = solve(rhs, start, times, Rk4{}, FixedSteps(steps));
  Orbit orbit{"RK4", steps * per_turn, {}, {}};
  for (const Vector4d& y : path.states) {
    orbit.q.emplace_back(y.head<2>());
    orbit.p.emplace_back(y.tail<2>());
  }
  return orbit;
}

/// What the energy, -½ in the beginning, has gained in parts of itself; a loss is below zero.
double energy_change(const Vector2d& q, const Vector2d& p) { return 2 * (p.squaredNorm() / 2 - 1 / q.norm() + 0.5); }

/// The last turns. Between two saved states stands a cubic through positions and velocities: near the sun the planet
/// flies so fast that straight lines show as a polygon.
Eigen::MatrixXd last_turns(const Orbit& orbit, int turns) {
  constexpr int pieces = 8;
  const double h = 2 * std::numbers::pi / per_turn;
  const std::size_t first = orbit.q.size() - 1 - std::size_t(turns * per_turn);
  Eigen::MatrixXd path(2, turns * per_turn * pieces + 1);
  for (Index i = 0; i < path.cols(); ++i) {
    const std::size_t k = std::min(first + std::size_t(i / pieces), orbit.q.size() - 2);
    const double s = double(i - Index(k - first) * pieces) / pieces, r = 1 - s;
    path.col(i) = r * r * ((1 + 2 * s) * orbit.q[k] + s * h * orbit.p[k]) +
                  s * s * ((1 + 2 * r) * orbit.q[k + 1] - r * h * orbit.p[k + 1]);
  }
  return path;
}

/// The orbit that closes: half axes 1 and √(1 - e²), with the sun in the right focus.
Eigen::MatrixXd ellipse(double e) {
  Eigen::MatrixXd result(2, 361);
  for (Index i = 0; i < result.cols(); ++i) {
    const double angle = double(i) * std::numbers::pi / 180;
    result.col(i) << std::cos(angle) - e, std::sqrt(1 - e * e) * std::sin(angle);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  std::filesystem::path out = ".";
  examples::CommandLine line(
      "Kepler's problem by symplectic methods and by one that is not, at the same number of evaluations.");
  line.add("--eccentricity", settings.eccentricity, "0 is a circle").within(0.0, 0.8);
  line.add("--turns", settings.turns, "around the sun").within(5, 100000);
  line.add("--evaluations", settings.evaluations, "of the force in a turn, as near as whole steps come")
      .within(294, 1000000);
  line.add("--out", out, "folder for the pictures").type("DIR");
  line.parse(argc, argv);

  const double e = settings.eccentricity;
  const Vector2d q0(1 - e, 0), p0(0, std::sqrt((1 + e) / (1 - e)));
  std::vector<double> times;
  for (int i = 0; i <= settings.turns * per_turn; ++i) times.push_back(2 * std::numbers::pi * i / per_turn);

  const std::vector<Orbit> orbits{runge_kutta(settings, q0, p0, times),
                                  symplectic<Verlet>("Verlet", settings, q0, p0, times),
                                  symplectic<Yoshida4>("Yoshida 4", settings, q0, p0, times),
                                  symplectic<Yoshida6>("Yoshida 6", settings, q0, p0, times)};

  std::printf("%-10s %14s   largest relative error of the energy in\n%-10s %14s %13s %13s %22s\n", "method",
              "steps a turn", "", "", "first turn", "last turn", "position, at the end");
  std::vector<examples::plot::Points> curves;
  std::vector<std::vector<examples::plot::Panel>> rows(2);
  const examples::plot::SheetOptions sheet{
      .style = {.title = "The last 3 of " + std::to_string(settings.turns) + " turns, at most " +
                         std::to_string(settings.evaluations) + " evaluations of the force in each",
                .width = 520,
                .height = 520},
      .x = {-1.3 - e, 1.3 - e},
      .y = {-1.2, 1.4},
      .x_label = "x / half of the long axis",
      .y_label = "y / half of the long axis"};
  for (const Orbit& orbit : orbits) {
    Eigen::MatrixXd curve(2, settings.turns);
    for (int turn = 0; turn < settings.turns; ++turn) {
      double worst = 0;
      for (int i = 0; i < per_turn; ++i) {
        const auto at = std::size_t(turn * per_turn + i + 1);
        worst = std::max(worst, std::abs(energy_change(orbit.q[at], orbit.p[at])));
      }
      curve.col(turn) << turn + 1, std::log10(worst);
    }
    std::printf("%-10s %14td %13.2e %13.2e %22.2e\n", orbit.method.c_str(), orbit.steps, std::pow(10, curve(1, 0)),
                std::pow(10, curve(1, settings.turns - 1)), (orbit.q.back() - q0).norm());
    curves.push_back({curve, orbit.method});
    const double energy = energy_change(orbit.q.back(), orbit.p.back());
    std::array<char, 80> note{};
    std::snprintf(note.data(), note.size(), "%s: the energy has changed by %+.2g %%", orbit.method.c_str(),
                  100 * energy);
    rows[rows[0].size() < 2 ? 0 : 1].push_back(
        {.outline = {ellipse(e), "exact orbit"},
         .curves = {{last_turns(orbit, 3), "computed orbit"}},
         .discs = {{Eigen::Vector2d::Zero(), "sun"}, {orbit.q.back(), "planet at the end"}},
         .note = note.data()});
  }
  if (!examples::plot::gnuplot_available()) std::cout << examples::plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  examples::plot::sheet(out / "orbits.png", rows, sheet);
  examples::plot::losses(
      out / "orbits_energy.png", curves,
      {.style = {.title = "Energy over " + std::to_string(settings.turns) + " turns: RK4 loses some in each"},
       .x_label = "turn",
       .y_label = "log10 of the largest relative error of the energy in the turn"});
  std::cout << "pictures: " << (out / "orbits.png").string() << ", " << (out / "orbits_energy.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
