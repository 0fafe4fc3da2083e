/// \file
/// Ghosh et al. 2020 (STEER, arXiv 2006.10711): a neural ODE learns a stiff equation, where the end of each training
/// solve is drawn at random.
///
/// y' = -r y + 3r - 2r exp(-t), y(0) = 0, r = 1000. As the authors' code has it: 120 values of y in [0, 15], of which
/// pairs of neighbours are learned, 20 a mini-batch, from the one to the other in the time between two, Δ = 0.126, from
/// t = 0 on wherever the pair comes from; f(t, y) is a network 2-500-500-1; the mean absolute error; RMSprop with a
/// rate of 1e-4; 3000 steps. Judged by the trajectory from y(0) = 0. STEER solves up to T ~ U(Δ - b, Δ + b) instead;
/// their b is Δ - 0.001. Here b is chosen by the error on [0, 15], between the times that training knows; the test is
/// (15, 25]. All errors are means over the last tenth of training. The width is 200, with `--full` 500.
///
/// The network learns at times from 0 to T and is judged at times up to 25. To tell what STEER does about that from
/// what it does else, all is repeated with the times that the pairs have, and with a network that does not read the
/// time. Takes a minute on one core.
#include <examples/papers/ode.hpp>
#include <examples/papers/rows.hpp>
#include <examples/papers/setting.hpp>

#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>

#include <pathline/flow/end_time/steer.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/progress_line.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace examples::papers {

using namespace pathline;

namespace {

constexpr Index count = 120;
constexpr double last_time = 15, test_end = 25, spacing = last_time / double(count - 1);

/// The exact solution.
struct Stiff {
  double ratio;
  [[nodiscard]] double at(double t) const {
    const double slow = 2 * ratio / (ratio - 1);
    return 3 - slow * std::exp(-t) - (3 - slow) * std::exp(-ratio * t);
  }
};

using Field = Mlp<float, Tanh>;

/// What the network reads as the time in training.
enum class Time { from_zero, own, none };

/// Weights N(0, 0.1²), biases 0. The first layer alone reads the time, in two rows whose weights are the same: the time
/// of the solve and, as context, where its pair begins. See tie().
[[nodiscard]] Field network(Index width, Rng& rng) {
  using Hidden = Dense<float, Tanh>;
  const std::vector<Hidden> hidden{Hidden(1, width, 2), Hidden(width, width, 0)};
  Vector<float> theta = Vector<float>::Zero(3 * width + width + width * width + width + width + 1);
  Batch<float> noise(1, theta.size());
  fill<Gaussian>(rng.draw(), 0, noise);
  Index at = 0;
  for (const auto& [weights, biases] :
       {std::pair(3 * width, width), std::pair(width * width, width), std::pair(width, Index(1))}) {
    theta.segment(at, weights) = 0.1F * noise.middleCols(at, weights).transpose();
    at += weights + biases;
  }
  return Field(Field::Layers{Repeat<Hidden>(1, hidden), Linear<float>(width, 1, 0)}, theta);
}

/// Two rows with equal weights read the sum of both; none reads neither. Of the network or a gradient.
void tie(Vector<float>& theta, Index width, Time time) {
  theta.head(width) =
      time == Time::none ? Vector<float>::Zero(width) : Vector<float>(theta.head(width) + theta.segment(width, width));
  theta.segment(width, width) = theta.head(width);
}

/// θ ← θ - rate g / (√v + ε), with v a mean of g² that begins at 0, as in PyTorch.
struct RmsProp {
  Vector<float> mean{};
  void step(double rate, const Vector<float>& gradient, Vector<float>& theta) {
    if (mean.size() == 0) mean.setZero(theta.size());
    mean = 0.99F * mean + 0.01F * gradient.cwiseAbs2();
    theta.array() -= float(rate) * gradient.array() / (mean.array().sqrt() + 1e-8F);
  }
};

struct Plan {
  Index steps, width, test_every;
  Stiff truth;
};

struct Outcome {
  double validation = 0, test = 0, all = 0;  ///< Mean absolute errors on [0, 15], (15, 25] and [0, 25].
  double evaluations = 0, seconds = 0;       ///< Of a training solve, and of the processor.
  Eigen::MatrixXd path{2, 0};
};

/// \param b  Over the time between two values.
[[nodiscard]] Outcome train(double b, Time time, const Plan& plan, std::uint64_t seed, ProgressLine& progress,
                            long& done) {
  Rng rng(seed);
  Field field = network(plan.width, rng);
  Vector<float> theta = field.parameters();
  theta.segment(plan.width, plan.width).setZero();
  tie(theta, plan.width, time);
  field.parameters() = theta;
  Ode ode(field, Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-6}, Backpropagation<>{}, Threads{1}, ChunkWidth{});
  const Steer steer{.half_width = b};
  RmsProp optimizer;
  Ode::Memory memory;
  ValueAndGradient<float> result;

  // Where the trajectory is judged: between the values of training, and beyond them.
  std::vector<double> judged{0};
  for (Index k = 0; k + 1 < count; ++k) judged.push_back((double(k) + 0.5) * spacing);
  for (double t = last_time + spacing / 2; t < test_end; t += spacing) judged.push_back(t);
  Outcome outcome;
  Index judgements = 0;
  for (Index step = 1; step <= plan.steps; ++step) {
    const double before = processor_seconds();
    const std::vector<Index> order = permutation(rng.draw(), count - 2);
    Batch<float> from(1, 20), to(1, 20), begin = Batch<float>::Zero(1, 20);
    for (Index j = 0; j < 20; ++j) {
      from(j) = float(plan.truth.at(double(order[std::size_t(j)]) * spacing));
      if (time == Time::own) begin(j) = float(double(order[std::size_t(j)]) * spacing);
      to(j) = float(plan.truth.at(double(order[std::size_t(j)] + 1) * spacing));
    }
    const double end = b > 0 ? steer.training_end(rng.draw(), 0, spacing) : spacing;
    const auto loss = [&](const States& states, States& bars) {
      const Batch<float> difference = states[1] - to;
      bars[1] = difference.cwiseSign() / 20.F;
      return difference.cwiseAbs().mean();
    };
    value_and_gradient(ode, from, {0, end}, loss, memory, result, begin);
    tie(result.parameters, plan.width, time);
    theta = ode.parameters();
    optimizer.step(1e-4, result.parameters, theta);
    ode.parameters() = theta;
    outcome.evaluations += double(result.forward.evaluations) / double(plan.steps);
    outcome.seconds += processor_seconds() - before;

    if ((step % plan.test_every == 0 && 10 * step > 9 * plan.steps) || step == plan.steps) {
      const auto states = solve(ode, Batch<float>::Zero(1, 1), judged, Batch<float>::Zero(1, 1));
      double inside = 0, beyond = 0;
      outcome.path.resize(2, Index(judged.size()));
      for (std::size_t k = 0; k < judged.size(); ++k) {
        const double error = std::abs(double(states[k](0)) - plan.truth.at(judged[k]));
        (judged[k] <= last_time ? inside : beyond) += error;
        outcome.path.col(Index(k)) << judged[k], double(states[k](0));
      }
      const auto known = double(count - 1), far = double(judged.size()) - double(count);
      outcome.validation += inside / known;
      outcome.test += beyond / far;
      outcome.all += (inside + beyond) / (known + far);
      ++judgements;
    }
    progress.update(++done, "b = " + number_text(b, 2) + "  loss " + number_text(double(result.value), 4));
  }
  for (double* value : {&outcome.validation, &outcome.test, &outcome.all}) *value /= double(judgements);
  return outcome;
}

/// Prints the errors for each b, and what validation gains. \return The b of validation of the first seed.
[[nodiscard]] std::size_t report(const char* name, const std::vector<double>& widths,
                                 const std::vector<std::vector<Outcome>>& all) {
  const auto column = [](const std::vector<Outcome>& outcomes, double Outcome::*figure) {
    std::vector<double> values;
    for (const Outcome& outcome : outcomes) values.push_back(outcome.*figure);
    return values;
  };
  std::printf("%s; mean absolute errors of the trajectory\n%8s %26s %26s %26s %20s %20s\n", name, "b / Δ",
              "[0, 15], validation", "(15, 25], test", "[0, 25]", "evaluations", "training / CPU s");
  for (std::size_t i = 0; i < widths.size(); ++i)
    std::printf("%7.3f %26s %26s %26s %20s %20s\n", widths[i], spread(column(all[i], &Outcome::validation), 3).c_str(),
                spread(column(all[i], &Outcome::test), 3).c_str(), spread(column(all[i], &Outcome::all), 3).c_str(),
                spread(column(all[i], &Outcome::evaluations), 1).c_str(),
                spread(column(all[i], &Outcome::seconds), 1).c_str());
  std::size_t first = 0;
  std::vector<double> chosen, gains;
  for (std::size_t j = 0; j < all[0].size(); ++j) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (all[i][j].validation < all[best][j].validation) best = i;
    if (j == 0) first = best;
    chosen.push_back(widths[best]);
    gains.push_back(all[best][j].test - all[0][j].test);
  }
  std::printf("b / Δ by validation %s; test error less that without STEER %s\n\n", spread(chosen, 2).c_str(),
              spread(gains, 3).c_str());
  std::cout << std::flush;
  return first;
}

}  // namespace

void steer_stiff(int argc, char** argv) {
  Setting setting;
  double ratio = 1000;
  Index width = 0, steps = 0;
  CommandLine line("Ghosh et al. 2020: STEER on a stiff equation.");
  setting.add_to(line);
  line.add("--ratio", ratio, "r, how stiff the equation is").within(2., 1e6);
  line.add("--width", width, "of the network; 0: 200, with --full the paper's 500").within(0, 10'000);
  line.add("--steps", steps, "of training; 0: 3000").within(0, 1'000'000);
  setting.parse(line, argc, argv);

  if (width == 0) width = setting.length<Index>(16, 200, 500);
  if (steps == 0) steps = setting.length<Index>(40, 3000, 3000);
  const Plan plan{steps, width, setting.length<Index>(2, 20, 20), Stiff{ratio}};
  const std::vector<double> widths{0, 0.25, 0.5, 1 - 0.001 / spacing};
  struct Reading {
    Time time;
    const char *name, *label;
  };
  const std::vector<Reading> readings{{Time::from_zero, "time from 0 for each pair, as in the authors' code", "from 0"},
                                      {Time::own, "the times that the pairs have", "own times"},
                                      {Time::none, "a network that does not read the time", "no time"}};
  std::optional<ProgressLine> progress(
      std::in_place, std::cerr, "steps of all",
      long(setting.all_seeds().size() * widths.size() * readings.size()) * long(steps));
  long done = 0;
  std::vector<std::vector<std::vector<Outcome>>> outcomes;  // by reading, b and seed
  for (const Reading& reading : readings) {
    std::vector<std::vector<Outcome>>& all = outcomes.emplace_back(widths.size());
    for (const std::uint64_t seed : setting.all_seeds())
      for (std::size_t i = 0; i < widths.size(); ++i)
        all[i].push_back(train(widths[i], reading.time, plan, seed, *progress, done));
  }
  progress.reset();  // its line ends
  std::vector<plot::Points> curves;
  for (std::size_t k = 0; k < readings.size(); ++k) {
    const std::string label = readings[k].label;
    const std::size_t best = report(readings[k].name, widths, outcomes[k]);
    curves.push_back({outcomes[k][0][0].path, label});
    if (best > 0) curves.push_back({outcomes[k][best][0].path, label + ", b = " + number_text(widths[best], 2) + " Δ"});
  }

  Eigen::MatrixXd truth(2, 1000);
  for (Index k = 0; k < 1000; ++k)
    truth.col(k) << test_end * double(k) / 999, plan.truth.at(test_end * double(k) / 999);
  const std::string r = number_text(ratio, 0);
  setting.picture("steer_stiff.png", [&](const std::filesystem::path& png) {
    plot::graph(png, curves,
                {.style = {.title = "y' = -r y + 3r - 2r exp(-t), r = " + r + ", learned on [0, 15], first seed",
                           .height = 800},
                 .x_label = "t",
                 .y_label = "y",
                 .outline = {truth, "exact solution"},
                 .shaded = {0, last_time},
                 .shaded_label = "training"});
  });
}

}  // namespace examples::papers
