/// \file
/// What physics is worth: three models of a damped pendulum, learned from the same noisy angles.
///
/// A pendulum is released from rest at 2.2 rad and watched for four seconds, two swings; only its angle is measured,
/// with noise. Its law is angle'' = -9.81 sin(angle) - 0.25 angle'. Learned are
/// - the law, of which two constants are not known: a formula of one's own as a field, by `differentiable`;
/// - the law without friction, which nobody thought of, plus a small network for what the law leaves out: `Sum`;
/// - a network that knows nothing, not even that the angle's derivative is the velocity.
/// All three fit the four seconds. The picture shows what each says of the next sixteen, in which friction takes the
/// pendulum to slow and small swings that nobody has measured. Prints constants and errors beside the truth, and
/// writes learn_physics.png. Takes a few seconds.
#include <examples/command_line/command_line.hpp>
#include <examples/common/plot.hpp>

#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/differentiable.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit_sequences.hpp>
#include <pathline/train/print_progress.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;
using Eigen::Vector2d;

namespace {

/// y = (angle, angular velocity); p = (g over the length, friction), without friction where there is one constant.
struct Pendulum {
  template <class T, class Y, class P, class D>
  void operator()(const T& /*t*/, const Y& y, const P& p, D& dy) const {
    using std::sin;
    dy[0] = y[1];
    dy[1] = -p[0] * sin(y[0]);
    if (p.size() > 1) dy[1] -= p[1] * y[1];
  }
};

constexpr double release = 2.2;                        // rad
constexpr double true_g = 9.81, true_friction = 0.25;  // 1/s², 1/s

std::vector<double> equal_times(double end, int count) {
  std::vector<double> times;
  for (int k = 0; k < count; ++k) times.push_back(end * k / (count - 1));
  return times;
}

/// The angles by a field after the release. What is learned is solved as accurately as the truth.
template <class Field>
Row<double> angles_of(const Field& field, const std::vector<double>& times) {
  const NeuralOde ode(field, Tsit5{}, PiController{.rtol = 1e-9, .atol = 1e-9});
  const auto states = ode.solve(Vector2d(release, 0), times);
  Row<double> angles(Index(states.size()));
  for (std::size_t k = 0; k < states.size(); ++k) angles(Index(k)) = states[k](0);
  return angles;
}
Row<double> true_angles(const std::vector<double>& times) {
  return angles_of(differentiable(Pendulum{}, 2, Vector<double>{{true_g, true_friction}}), times);
}

/// What somebody measured, from a known start; the velocity is never seen.
Sequence<double> measure(double end, double noise, Rng& rng) {
  const std::vector<double> times = equal_times(end, 81);
  Batch<double> states = Batch<double>::Constant(2, 81, std::numeric_limits<double>::quiet_NaN()), gaussian(1, 81);
  fill<Gaussian>(rng.draw(), 0, gaussian);
  states.row(0) = true_angles(times) + noise * gaussian;
  return {.times = times, .states = states, .initial = Vector2d(release, 0), .context = {}};
}

double root_mean_square(const Row<double>& difference) {
  return std::sqrt(difference.squaredNorm() / double(difference.size()));
}

examples::plot::Points against_time(const std::vector<double>& times, const Row<double>& angles, std::string label) {
  Eigen::MatrixXd curve(2, angles.size());
  curve.row(0) = Eigen::Map<const Row<double>>(times.data(), angles.size());
  curve.row(1) = angles;
  return {curve, std::move(label)};
}

/// The field, trained.
template <class Field>
Field learn(Field field, const char* name, const Sequence<double>& path, Index epochs, double rate) {
  NeuralOde ode(field, Tsit5{}, PiController{.rtol = 1e-5, .atol = 1e-5},
                Backpropagation<>{.outputs = OutputTimes::interpolate});
  Rng rng(1);
  const FitReport report = fit(ode, std::vector{path}, {.epochs = epochs, .batch = 1, .validation_fraction = 0}, rng,
                               Adam{.learning_rate = rate}, Cosine{.final_rate = rate / 100}, ClipByNorm{}, KeepLast{},
                               PrintProgress{.what = name});
  std::printf("%-18s %4td parameters, %.3f rad from the measured angles (root mean square)\n", name,
              field.parameters().size(), std::sqrt(report.epochs.back().train_loss));
  field.parameters() = ode.parameters();
  return field;
}

}  // namespace

int main(int argc, char** argv) try {
  Index epochs = 5000;
  double noise = 0.05, watched = 4, end = 20;
  std::uint64_t seed = 1;
  std::filesystem::path out = ".";
  examples::CommandLine line("A damped pendulum learned by a formula, by a formula and a network, by a network.");
  line.add("--epochs", epochs, "of training of each model").within(1, 100'000);
  line.add("--noise", noise, "standard deviation of a measured angle, rad").within(0., 1.);
  line.add("--watched", watched, "time for which the angle is measured, s").within(1., 10.);
  line.add("--end", end, "of the prediction, s").within(1., 100.);
  line.add("--seed", seed, "of the noise and of the networks' first parameters");
  line.add("--out", out, "folder for the picture").type("DIR");
  line.parse(argc, argv);
  if (end <= watched) throw ArgumentError("--end", end, "a time after --watched");

  Rng rng(seed);
  const Sequence<double> path = measure(watched, noise, rng);

  const auto formula = learn(differentiable(Pendulum{}, 2, Vector<double>{{8, 0}}), "formula", path, epochs, 0.05);
  const auto hybrid = learn(Sum(differentiable(Pendulum{}, 2, Vector<double>{{8}}), Mlp<double, Tanh>(2, {16}, rng, 0)),
                            "formula + network", path, epochs, 0.02);
  const auto network = learn(Mlp<double, Tanh>(2, {32, 32}, rng, 0), "network", path, epochs, 0.02);

  const Vector<double>& p = formula.parameters();
  std::printf("\ng over the length: %.3f/s², in truth %.2f, error %+.2f %%\n", p(0), true_g, 100 * (p(0) / true_g - 1));
  std::printf("friction:          %.4f/s, in truth %.2f, error %+.2f %%\n\n", p(1), true_friction,
              100 * (p(1) / true_friction - 1));

  namespace plot = examples::plot;
  const std::vector<double> times = equal_times(end, 1001);
  const Row<double> truth = true_angles(times);
  const Index seen = std::upper_bound(times.begin(), times.end(), watched) - times.begin();
  std::vector<plot::Points> curves;
  const auto judge = [&](const std::string& name, const auto& field) {
    const Row<double> learned = angles_of(field, times), error = learned - truth;
    const double later = root_mean_square(error.tail(error.size() - seen));
    std::printf("%-18s off the truth by %.3f rad while it was watched, by %.3f rad later\n", name.c_str(),
                root_mean_square(error.head(seen)), later);
    char text[40];
    std::snprintf(text, sizeof text, ", later off by %.2g rad", later);
    curves.push_back(against_time(times, learned, name + text));
  };
  judge("formula", formula);
  judge("formula + network", hybrid);
  judge("network", network);

  if (!plot::gnuplot_available()) std::cout << plot::gnuplot_advice() << '\n';
  std::filesystem::create_directories(out);
  plot::GraphOptions options{.style = {.title = "A damped pendulum, learned while it was watched", .width = 1500},
                             .x_label = "time / s",
                             .y_label = "angle / rad",
                             .shaded = {0, watched},
                             .shaded_label = "watched"};
  options.dots.push_back(against_time(path.times, path.states.row(0), "measurements"));
  options.outline = against_time(times, truth, "truth");
  plot::graph(out / "learn_physics.png", curves, options);
  std::cout << "picture: " << (out / "learn_physics.png").string() << '\n';
} catch (const std::exception& error) {
  std::cerr << "learn_physics: " << error.what() << '\n';
  return 1;
}
