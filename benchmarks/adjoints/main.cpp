/// \file
/// The gradient of a path that contracts, by every continuous adjoint and by backpropagation: prints a table and draws
/// adjoints.png, of docs/gradients.md, in a few seconds: benchmarks/run adjoints docs/images.
///
/// The problem has two leaky neurons, one of which is the faster the further to the right. Errors are relative to
/// backpropagation through Dop853 at 1e-12. "Unchecked" is what `Adjoint` computes, without the comparison of the path
/// with the state that was kept: the same equations, written out here.
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/adjoint/adjoint_by.hpp>
#include <pathline/gradient/adjoint/interpolated_adjoint.hpp>
#include <pathline/gradient/backpropagation.hpp>
#include <pathline/gradient/explicit_step_pullback.hpp>
#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/ode/explicit/dormand_prince_853.hpp>
#include <pathline/ode/explicit/embedded_pairs.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/solve.hpp>

#include <support/leaky_neurons.hpp>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace pathline;
using test::LeakyNeurons;

namespace {

constexpr double tolerance = 1e-6, tight = 1e-10;

/// Out, and [z; a; the gradient] back from the end, by Dopri5 at this tolerance.
LeakyNeurons::Gradient unchecked(const LeakyNeurons& neurons, double at_tolerance) {
  Workspace<double> workspace;
  std::array<double, 2> tape{};
  LeakyNeurons::Gradient result;
  const PiController control{.rtol = at_tolerance, .atol = at_tolerance, .max_steps = 1'000'000};
  Index evaluations = 0;
  const auto field = [&](double t, const Vector<double>& z, Vector<double>& dz) {
    ++evaluations;
    neurons.evaluate(t, z, dz, tape, workspace);
  };
  const Vector<double> start{{1, -0.5}};
  Vector<double> w = Vector<double>::Zero(8);
  w.head(2) = solve(field, start, LeakyNeurons::times[0], LeakyNeurons::times[1], Dopri5{}, control);
  w(3) = 1;
  const auto adjoint = [&](double t, const Vector<double>& at, Vector<double>& dw) {
    ++evaluations;
    double unused = 0;
    const Batch<double> z = at.head(2), a = -at.segment(2, 2);
    Batch<double> f(2, 1), a_dot(2, 1);
    Vector<double> theta_dot = Vector<double>::Zero(4);
    neurons.evaluate(t, z, f, tape, workspace);
    neurons.pullback(t, tape, a, a_dot, theta_dot, unused, workspace);
    dw << f, a_dot, theta_dot;
  };
  result.value = solve(adjoint, w, LeakyNeurons::times[1], LeakyNeurons::times[0], Dopri5{}, control).tail(4);
  result.backward.evaluations = evaluations;
  return result;
}

struct Curve {
  std::string name, style;
  std::ostringstream points = {};

  template <class Compute>
  void add(double fast, const Eigen::Vector4d& exact, const Compute& compute) {
    double error = std::nan("");
    Index evaluations = 0;
    std::string said;
    try {
      const LeakyNeurons::Gradient gradient = compute();
      error = (gradient.value - exact).norm() / exact.norm();
      evaluations = gradient.forward.evaluations + gradient.backward.evaluations;
    } catch (const SolveError& failure) {
      said = std::string(failure.what()).substr(0, 70);
    }
    std::printf("  %-52s %9.2e %8ld  %s\n", name.c_str(), error, long(evaluations), said.c_str());
    if (!(error < 1e12)) return;
    points << fast << ' ' << error << ' ' << evaluations << '\n';
  }
};

void draw(const std::filesystem::path& folder, const std::vector<Curve>& curves, double refused_from,
          double tight_refused_from) {
  std::ofstream text(folder / "adjoints.gp");
  text << "# Draws adjoints.png from this folder.\n";
  for (std::size_t i = 0; i < curves.size(); ++i)
    text << "$curve" << i << " << EOD\n" << curves[i].points.str() << "EOD\n";
  text << "set encoding utf8\n"
          "set terminal pngcairo noenhanced size 1400,800 font 'DejaVu Sans,13' background '#ffffff' linewidth 1.2\n"
          "set output 'adjoints.png'\n"
          "set multiplot layout 1,2 title 'The gradient of two leaky neurons, one of them fast, at tolerance 1e-6' "
          "font 'DejaVu Sans,17' margins 0.085,0.98,0.25,0.9 spacing 0.08\n"
          "set border 3 linecolor '#555555'\nset tics nomirror out textcolor '#333333'\n"
          "set grid linecolor '#e3e3e3' linewidth 0.8 linetype 1\n"
          "set logscale xy\nset format xy '1e%T'\nset xrange [1:1000]\n"
          "set xlabel 'rate of the fast neuron (the time is 3)' textcolor '#222222'\n"
          "set key at screen 0.5,0.005 bottom center maxrows 4 samplen 3 textcolor '#222222'\n"
          "set yrange [1e-10:1e4]\nset ylabel 'relative error of the gradient' textcolor '#222222'\n"
       << "set arrow 1 from " << refused_from << ",1e-10 to " << refused_from << ",1e4 nohead dt 3 lw 2 lc '#c0392b'\n"
       << "set arrow 2 from " << tight_refused_from << ",1e-10 to " << tight_refused_from
       << ",1e4 nohead dt 3 lw 2 lc '#e08a3c'\n"
       << "set label 1 \"to the right of the dotted lines\\nAdjoint throws PathDriftError\" at "
       << tight_refused_from * 1.1 << ",1e3 textcolor '#c0392b'\n";
  const auto plot = [&](int column) {
    text << "plot ";
    for (std::size_t i = 0; i < curves.size(); ++i)
      text << (i > 0 ? ", " : "") << "$curve" << i << " using 1:" << column << " with linespoints " << curves[i].style
           << " ps 0.9 lw 2 title '" << curves[i].name << "'";
    text << '\n';
  };
  plot(2);
  text << "unset key\nunset arrow\nunset label\nset yrange [100:1e5]\n"
          "set ylabel 'evaluations of the field, out and back' textcolor '#222222'\n";
  plot(3);
  text << "unset multiplot\n";
  text.close();
  const std::string command = "cd '" + folder.string() + "' && gnuplot adjoints.gp";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("gnuplot could not draw adjoints.gp");
}

bool refuses(const LeakyNeurons& neurons, double at_tolerance) {
  try {
    (void)neurons.gradient(Adjoint{}, Dopri5{}, at_tolerance);
    return false;
  } catch (const SolveError&) {
    return true;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::vector<Curve> curves;
  curves.push_back({"Adjoint, unchecked", "lc '#c0392b' pt 7"});
  curves.push_back({"Adjoint, 1e-10 out and back, unchecked", "lc '#e08a3c' pt 5"});
  curves.push_back({"AdjointBy{Kvaerno5{}}", "lc '#8e44ad' pt 9"});
  curves.push_back({"InterpolatedAdjoint", "lc '#2471a3' pt 7"});
  curves.push_back({"Kvaerno5, InterpolatedAdjoint", "lc '#1e8449' pt 5"});
  curves.push_back({"Backpropagation", "lc '#7f8c8d' pt 6"});
  curves.push_back({"Kvaerno5, Backpropagation", "lc '#17202a' pt 4"});
  double refused_from = 1e9, tight_refused_from = 1e9;
  for (int i = 0; i <= 18; ++i) {
    const LeakyNeurons neurons{std::pow(10, i / 6.)};
    const Eigen::Vector4d exact = neurons.gradient(Backpropagation<>{}, Dop853{}, 1e-12).value;
    if (refuses(neurons, tolerance)) refused_from = std::min(refused_from, neurons.fast);
    if (refuses(neurons, tight)) tight_refused_from = std::min(tight_refused_from, neurons.fast);
    std::printf("rate %.3g: relative error, evaluations\n", neurons.fast);
    const auto add = [&](std::size_t curve, const auto& compute) { curves[curve].add(neurons.fast, exact, compute); };
    add(0, [&] { return unchecked(neurons, tolerance); });
    add(1, [&] { return unchecked(neurons, tight); });
    add(2, [&] { return neurons.gradient(AdjointBy{Kvaerno5{}}, Dopri5{}, tolerance); });
    add(3, [&] { return neurons.gradient(InterpolatedAdjoint{}, Dopri5{}, tolerance); });
    add(4, [&] { return neurons.gradient(InterpolatedAdjoint{}, Kvaerno5{}, tolerance); });
    add(5, [&] { return neurons.gradient(Backpropagation<>{}, Dopri5{}, tolerance); });
    add(6, [&] { return neurons.gradient(Backpropagation<>{}, Kvaerno5{}, tolerance); });
  }
  std::printf("PathDriftError from rate %.3g on, with tight tolerances from %.3g on\n", refused_from,
              tight_refused_from);
  draw(argc > 1 ? argv[1] : ".", curves, refused_from, tight_refused_from);
} catch (const std::exception& error) {
  std::cerr << "adjoints: " << error.what() << '\n';
  return EXIT_FAILURE;
}
