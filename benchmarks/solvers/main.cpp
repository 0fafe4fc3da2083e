/// \file
/// pathline's solvers beside those of SUNDIALS and Boost.odeint.
///
///     solvers steps            steps of stiff problems at equal tolerances, a table
///     solvers pictures DIR     work against the error reached, pictures by gnuplot
#include <benchmarks/solvers/odeint.hpp>
#include <benchmarks/solvers/picture.hpp>
#include <benchmarks/solvers/solves.hpp>
#include <support/stiff_problems.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

using namespace pathline;

namespace {

void print(const char* problem, double rtol, const char* method, const Work& work, const Work& cvode) {
  std::printf("| %s | %.0e | %s | %ld | %.2f | %ld | %ld | %ld | %.1e | %.3f |\n", problem, rtol, method, work.accepted,
              double(work.accepted) / double(cvode.accepted), work.rejected, work.evaluations, work.jacobians,
              work.error, 1e3 * work.seconds);
}

/// \param floor  atol / rtol, in the unit of the state.
template <class Problem>
void steps(const char* name, double floor) {
  for (const double rtol : {1e-4, 1e-6, 1e-8}) {
    const Work cvode = by_sundials<Problem>(sundials::Method::cvode_bdf, rtol, floor);
    print(name, rtol, "CVODE, BDF", cvode, cvode);
    print(name, rtol, "TrBdf2", by_pathline<TrBdf2, Problem>(rtol, floor), cvode);
    print(name, rtol, "Kvaerno3", by_pathline<Kvaerno3, Problem>(rtol, floor), cvode);
    print(name, rtol, "Kvaerno5", by_pathline<Kvaerno5, Problem>(rtol, floor), cvode);
    print(name, rtol, "RadauIia5", by_pathline<RadauIia5, Problem>(rtol, floor), cvode);
    print(name, rtol, "Rodas4", by_pathline<Rodas4, Problem>(rtol, floor), cvode);
  }
}

/// A satellite between earth and moon, back where it started after one period. Hairer, Nørsett & Wanner I, equations
/// II.0.1 and II.0.2 (Arenstorf 1963).
struct Arenstorf {
  static constexpr double t_end = 17.0652165601579625588917206249;
  static constexpr std::array<double, 4> y0{.994, 0, 0, -2.00158510637908252240537862224};
  static constexpr std::array<double, 4> y_end = y0;

  // Inlined everywhere: which of the many copies the compiler leaves a call decides on a third of the time.
  template <class State, class Slope>
  EIGEN_ALWAYS_INLINE void operator()(double, const State& y, Slope& dy) const {
    constexpr double moon = .012277471, earth = 1 - moon;
    const double x = y(0) + moon, other = y(0) - earth, y2 = y(1) * y(1);
    const double r1 = x * x + y2, r2 = other * other + y2;
    const double pull1 = earth / (r1 * std::sqrt(r1)), pull2 = moon / (r2 * std::sqrt(r2));
    dy(0) = y(2);
    dy(1) = y(3);
    dy(2) = y(0) + 2 * y(3) - pull1 * x - pull2 * other;
    dy(3) = y(1) - 2 * y(2) - (pull1 + pull2) * y(1);
  }
};

/// The work at a row of tolerances, from 1e-3 down by halves of a power of ten.
Curve curve(const std::string& name, Library library, double least_rtol, const std::function<Work(double)>& solve) {
  Curve result{.name = name, .library = library};
  for (double exponent = -3; std::pow(10, exponent) >= 0.99 * least_rtol; exponent -= 0.5) {
    const Work work = solve(std::pow(10, exponent));
    if (work.error < 1) result.points.push_back(work);
  }
  std::printf("%s: %zu points\n", name.c_str(), result.points.size());
  return result;
}

template <class Method, class Problem>
Curve of_pathline(const std::string& name, double floor, double least_rtol) {
  return curve(name, Library::pathline, least_rtol,
               [=](double rtol) { return by_pathline<Method, Problem>(rtol, floor); });
}
template <class Problem>
Curve of_sundials(const std::string& name, sundials::Method method, double floor, double least_rtol) {
  return curve(name, Library::sundials, least_rtol,
               [=](double rtol) { return by_sundials<Problem>(method, rtol, floor); });
}

void draw_nonstiff(const std::filesystem::path& folder) {
  using P = Arenstorf;
  const double floor = 1;
  draw(folder / "work_precision_arenstorf.png", "Arenstorf's orbit, one period: explicit methods",
       {of_pathline<Dopri5, P>("pathline Dopri5", floor, 1e-12), of_pathline<Tsit5, P>("pathline Tsit5", floor, 1e-12),
        of_pathline<Dop853, P>("pathline Dop853", floor, 1e-14),
        curve("odeint dopri5", Library::odeint, 1e-12,
              [=](double rtol) { return by_odeint<OdeintDopri5, P>(rtol, floor); }),
        curve("odeint fehlberg78", Library::odeint, 1e-14,
              [=](double rtol) { return by_odeint<OdeintFehlberg78, P>(rtol, floor); }),
        of_sundials<P>("CVODE Adams", sundials::Method::cvode_adams, floor, 1e-13),
        of_sundials<P>("ARKODE Dormand-Prince", sundials::Method::arkode_dormand_prince, floor, 1e-12)});
}

template <class P>
void draw_stiff(const std::filesystem::path& png, const std::string& title, double floor) {
  draw(png, title,
       {of_pathline<TrBdf2, P>("pathline TrBdf2", floor, 1e-7),
        of_pathline<Kvaerno3, P>("pathline Kvaerno3", floor, 1e-8),
        of_pathline<Kvaerno5, P>("pathline Kvaerno5", floor, 1e-11),
        of_pathline<RadauIia5, P>("pathline RadauIia5", floor, 1e-11),
        of_pathline<Rodas4, P>("pathline Rodas4", floor, 1e-9),
        of_sundials<P>("CVODE BDF", sundials::Method::cvode_bdf, floor, 1e-12),
        of_sundials<P>("ARKODE Kvaerno 5(4)", sundials::Method::arkode_kvaerno, floor, 1e-11)});
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "steps") {
    std::puts("| problem | rtol | method | steps | of CVODE's | rejected | evaluations | Jacobians | error | ms |");
    std::puts("|---|---|---|---|---|---|---|---|---|---|");
    steps<Robertson>("Robertson to 1e11", 1e-6);
    steps<VanDerPol>("van der Pol, 1000", 1);
    steps<Hires>("HIRES", 1e-4);
    steps<Oregonator>("Oregonator", 1e-4);
  } else if (task == "pictures" && argc > 2) {
    const std::filesystem::path folder = argv[2];
    std::filesystem::create_directories(folder);
    draw_nonstiff(folder);
    draw_stiff<Hires>(folder / "work_precision_hires.png", "HIRES, eight species: implicit methods", 1e-4);
    draw_stiff<VanDerPol>(folder / "work_precision_van_der_pol.png",
                          "Van der Pol's equation, mu = 1000: implicit methods", 1);
  } else {
    std::cerr << "usage: solvers steps | solvers pictures FOLDER\n";
    return 2;
  }
} catch (const std::exception& error) {
  std::cerr << "solvers: " << error.what() << '\n';
  return 1;
}
