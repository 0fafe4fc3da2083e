/// \file
/// A planet around its sun for hundreds of turns, by four methods that may call the force equally often, or nearly so.
///
/// The orbit closes: q'' = -q/|q|³ with energy -½ has period 2π, so that every error is seen at once. Runge and Kutta's
/// method loses a little energy in every turn, always with the same sign, and the planet spirals inwards. A symplectic
/// method solves a nearby system exactly, with an energy of its own that it keeps: the error swings, and does not grow.
/// What remains is that the ellipse turns slowly. Prints a table, and writes orbits.png and orbits_energy.png.
#include <examples/common/plot.hpp>

#include <pathline/ode.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
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

/// Relative error of the energy, -½.
double energy_error(const Vector2d& q, const Vector2d& p) {
  return 2 * std::abs(p.squaredNorm() / 2 - 1 / q.norm() + 0.5);
}

/// The path of turns `from` to `to`, as a panel takes it.
std::vector<Eigen::MatrixXd> turns(const Orbit& orbit, int from, int to) {
  return {orbit.q.begin() + from * per_turn, orbit.q.begin() + to * per_turn + 1};
}

}  // namespace

int main(int argc, char** argv) try {
  Settings settings;
  std::filesystem::path out = ".";
  CLI::App app("Kepler's problem by symplectic methods and by one that is not, at the same number of evaluations.");
  app.add_option("--eccentricity", settings.eccentricity, "0 is a circle")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.8));
  app.add_option("--turns", settings.turns, "around the sun")->capture_default_str()->check(CLI::Range(5, 100000));
  app.add_option("--evaluations", settings.evaluations, "of the force in a turn, as near as whole steps come")
      ->capture_default_str()
      ->check(CLI::Range(294, 1000000));
  app.add_option("--out", out, "folder for the pictures")->capture_default_str()->type_name("DIR");
  CLI11_PARSE(app, argc, argv);

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
  std::vector<std::vector<examples::plot::Panel>> rows;
  examples::plot::SheetOptions sheet{.style = {.title = "A planet around its sun: at most " +
                                                        std::to_string(settings.evaluations) + " evaluations a turn",
                                               .width = 420,
                                               .height = 420},
                                     .x = {-1.8, 1.8},
                                     .y = {-1.8, 1.8},
                                     .columns = {"first turns", "last turns"}};
  for (const Orbit& orbit : orbits) {
    Eigen::MatrixXd curve(2, settings.turns);
    for (int turn = 0; turn < settings.turns; ++turn) {
      double worst = 0;
      for (int i = 0; i < per_turn; ++i) {
        const auto at = std::size_t(turn * per_turn + i + 1);
        worst = std::max(worst, energy_error(orbit.q[at], orbit.p[at]));
      }
      curve.col(turn) << turn + 1, std::log10(worst);
    }
    std::printf("%-10s %14td %13.2e %13.2e %22.2e\n", orbit.method.c_str(), orbit.steps, std::pow(10, curve(1, 0)),
                std::pow(10, curve(1, settings.turns - 1)), (orbit.q.back() - q0).norm());
    curves.push_back({curve, orbit.method});
    rows.push_back({{.states = turns(orbit, 0, 3)}, {.states = turns(orbit, settings.turns - 3, settings.turns)}});
    sheet.rows.push_back(orbit.method);
  }
  if (!examples::plot::gnuplot_available()) std::cout << examples::plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  examples::plot::sheet(out / "orbits.png", rows, sheet);
  examples::plot::losses(out / "orbits_energy.png", curves,
                         {.style = {.title = "Energy over " + std::to_string(settings.turns) + " turns"},
                          .x_label = "turn",
                          .y_label = "log10 of the largest relative error of the energy"});
  std::cout << "pictures: " << (out / "orbits.png").string() << ", " << (out / "orbits_energy.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
