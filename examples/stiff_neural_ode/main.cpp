/// \file
/// A stiff neural ODE: Robertson's reaction learned from fifty measurements over ten decades of time.
///
/// Three substances, of which B lives for milliseconds while A and C take days (stiff_chemistry has the equations).
/// Whatever learns from the data must be as stiff as they are, so it is trained through an implicit method, Kvaerno5.
/// Kim et al. 2021, "Stiff neural ordinary differential equations" (arXiv 2103.15341), posed the problem with these
/// data and found what it takes to solve it: scales. Here too
/// - states are in units of each substance's largest amount (B never exceeds 4e-5), and so is the loss,
/// - each substance has a time scale of its own, a thousandth of a second for B and 1e6 s for A and C.
/// A network of 183 parameters says where the substances u tend to: u' = rate sinh(network(u) - u). The hyperbolic
/// sine takes the speed of A from 0.04/s at the start to 2e-7/s at the end while its argument stays between 0 and 12.
/// (The paper has one time scale and no such form, six hidden layers instead of two, and trains for 50,000 iterations.)
///
/// Prints the loss, the largest error and the time of an iteration, and writes stiff_neural_ode.png. Takes about ten
/// seconds. The same run by diffrax is benchmarks/peers/stiff_neural_ode_jax.py.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/gradient/implicit_step_pullback.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/implicit/diagonally_implicit/diagonally_implicit_methods.hpp>
#include <pathline/ode/implicit/fully_implicit/fully_implicit_methods.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/print_progress.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

using namespace pathline;
using Eigen::Vector3d;

namespace {

/// A → B slowly, B + B → C + B very fast, B + C → A + C fast.
struct Robertson {
  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& /*none*/, D& dy) const {
    const T slow = 0.04 * y[0], back = 1e4 * y[1] * y[2], fast = 3e7 * y[1] * y[1];
    dy[0] = back - slow;
    dy[1] = slow - back - fast;
    dy[2] = fast;
  }
};

/// rate_i sinh(-z_i) of z = u - network(u).
struct Rates {
  template <class T, class Z, class P, class D>
  void operator()(const T& /*t*/, const Z& z, const P& /*none*/, D& dz) const {
    using std::sinh;
    constexpr double rate[] = {1e-6, 1e3, 1e-6};  // 1/s
    for (Index i = 0; i < 3; ++i) dz[i] = -rate[i] * sinh(z[i]);
  }
};

/// 0 and `count` times from 1e-5 to 1e5 s, equally far apart on a logarithmic axis.
std::vector<double> logarithmic_times(int count) {
  std::vector<double> times{0};
  for (int k = 0; k < count; ++k) times.push_back(std::pow(10., -5 + 10. * k / (count - 1)));
  return times;
}

/// The states at these times, 3 × m.
Batch<double> joined(const std::vector<Batch<double>>& states) {
  Batch<double> result(3, Index(states.size()));
  for (std::size_t k = 0; k < states.size(); ++k) result.col(Index(k)) = states[k];
  return result;
}

}  // namespace

int main(int argc, char** argv) try {
  Index epochs = 3000;
  double rate = 4e-2;
  std::uint64_t seed = 1;
  std::filesystem::path out = ".", save;
  examples::CommandLine line("A stiff neural ODE learns Robertson's reaction over ten decades of time.");
  line.add("--epochs", epochs, "of training, an iteration each").within(1, 1'000'000);
  line.add("--rate", rate, "of learning, at the start").positive();
  line.add("--seed", seed, "of the network's first parameters");
  line.add("--out", out, "folder for the picture").type("DIR");
  line.add("--save", save, "text file for what was learned, W and b of each layer").type("FILE").without_default();
  line.parse(argc, argv);

  // The measurements, in units of each substance's largest amount.
  const std::vector<double> times = logarithmic_times(50);
  const Batch<double> start = Vector3d(1, 0, 0);
  const NeuralOde reaction(differentiable(Robertson{}, 3, Vector<double>()), RadauIia5{},
                           PiController{.rtol = 1e-10, .atol = 1e-14});
  const Batch<double> amounts = joined(reaction.solve(start, times));
  const Vector3d largest = amounts.rowwise().maxCoeff();
  const Batch<double> data = largest.cwiseInverse().asDiagonal() * amounts;

  Rng rng(seed);
  Network field(Sequential(Residual(Mlp<double, Tanh>::layers(3, {10, 10}, 0), -1),
                           FunctionLayer<Rates, double>(Rates{}, 3, Vector<double>())),
                rng);
  NeuralOde ode(field, Kvaerno5{}, PiController{.rtol = 1e-5, .atol = 1e-6});
  const std::vector<Sequence<double>> path{{.times = times, .states = data}};
  std::printf("50 measurements from 1e-5 to 1e5 s, a network of %td parameters, %td iterations\n",
              field.parameters().size(), epochs);
  const FitReport report =
      fit(ode, path, {.epochs = epochs, .batch = 1, .validation_fraction = 0}, rng, Adam{.learning_rate = rate},
          Cosine{.final_rate = rate / 400}, ClipByNorm{}, KeepLast{}, PrintProgress{});

  const Batch<double> error = joined(ode.solve(start, times)) - data;
  double seconds = 0;
  for (const EpochReport& epoch : report.epochs) seconds += epoch.seconds;
  std::printf("mean square error %.2e; largest error of A, B and C: %.2f, %.2f and %.2f %% of the largest amount\n",
              error.rightCols(50).squaredNorm() / 150, 100 * error.row(0).lpNorm<Eigen::Infinity>(),
              100 * error.row(1).lpNorm<Eigen::Infinity>(), 100 * error.row(2).lpNorm<Eigen::Infinity>());
  const Statistics& last = report.epochs.back().forward;
  std::printf("%.1f s of training, %.2f ms an iteration: a solve of %td steps, its gradient, Adam\n", seconds,
              1e3 * seconds / double(epochs), last.accepted + last.rejected);

  if (!save.empty() && !(std::ofstream(save) << std::setprecision(17) << ode.parameters() << std::endl))
    throw FileError("--save: cannot write " + save.string() + "; is its folder there and writable?");

  namespace plot = examples::plot;
  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  const std::vector<double> fine = logarithmic_times(500);
  const Batch<double> learned = joined(ode.solve(start, fine));
  const auto curve = [](const std::vector<double>& at, const Batch<double>& states, Index i, double unit) {
    Eigen::MatrixXd points(2, states.cols());
    points.row(0) = Eigen::Map<const Row<double>>(at.data(), states.cols());
    points.row(1) = unit * states.row(i);
    return points;
  };
  const Vector3d unit = Vector3d(1, 1e4, 1).cwiseProduct(largest);
  std::vector<plot::Points> curves;
  plot::GraphOptions options{.style = {.title = "Robertson's reaction, learned by a neural ODE through Kvaerno5"},
                             .x_label = "time / s",
                             .y_label = "amount, in units of A at the start",
                             .log_x = true};
  const char* const names[] = {"A, learned", "10000 B, learned", "C, learned"};
  for (const Index i : {0, 1, 2}) {
    curves.push_back({curve(fine, learned, i, unit(i)), names[i]});
    options.dots.push_back({curve(times, data, i, unit(i)), i == 0 ? "measurements" : ""});
  }
  std::filesystem::create_directories(out);
  plot::graph(out / "stiff_neural_ode.png", curves, options);
  std::cout << "picture: " << (out / "stiff_neural_ode.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "stiff_neural_ode: " << error.what() << '\n';
  return 1;
}
