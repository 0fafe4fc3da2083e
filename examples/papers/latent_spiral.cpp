/// \file
/// Chen et al. 2018, section 5.1, and STEER on it (Ghosh et al. 2020): a latent ODE continues noisy spirals that were
/// observed at irregular times, beside a recurrent network of as many parameters.
///
/// The spirals and the sizes of the networks are those of torchdiffeq's latent_ode.py, the measure that of the paper:
/// the root mean square error over the 100 times after the 100 among which the observations lie, here from the truth
/// without noise. Coordinates are about 10 across, the noise has 0.3.
#include <examples/papers/rows.hpp>
#include <examples/papers/setting.hpp>
#include <examples/papers/spirals.hpp>

#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>

#include <pathline/train/progress_line.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace examples::papers {

using namespace pathline;

namespace {

struct Data {
  Spirals train, validation, test;

  Data(Index count, Index observations, std::uint64_t seed) {
    Rng rng(seed);
    train = make_spirals(count, seen, observations, rng);
    validation = make_spirals(200, seen + ahead, observations, rng);
    test = make_spirals(200, seen + ahead, observations, rng);
  }
};

struct Errors {
  std::vector<double> within{}, beyond{}, seconds{};
};

template <class Model>
std::vector<Batch<float>> learn(Model& model, const Data& data, const SpiralTraining& training, Errors& errors) {
  const double start = processor_seconds();
  model.train(data.train, training);
  errors.seconds.push_back(processor_seconds() - start);
  std::vector<Batch<float>> prediction = model.predict(data.test);
  errors.within.push_back(root_mean_square(prediction, data.test.truth, 0, seen));
  errors.beyond.push_back(root_mean_square(prediction, data.test.truth, seen, seen + ahead));
  return prediction;
}

/// Who says nothing but the last observation.
[[nodiscard]] double error_of_the_last(const Spirals& spirals) {
  std::vector<Batch<float>> last(spirals.truth.size(), Batch<float>(2, spirals.count()));
  for (Batch<float>& all : last)
    for (Index j = 0; j < spirals.count(); ++j)
      all.col(j) = spirals.noisy[std::size_t(spirals.observed[std::size_t(j)].back())].col(j);
  return root_mean_square(last, spirals.truth, seen, seen + ahead);
}

[[nodiscard]] Eigen::MatrixXd path(const std::vector<Batch<float>>& states, Index spiral) {
  Eigen::MatrixXd points(2, Index(states.size()));
  for (std::size_t k = 0; k < states.size(); ++k) points.col(Index(k)) = states[k].col(spiral).cast<double>();
  return points;
}

/// A few spirals of the test: truth, observations and what each model makes of them.
void draw(const Setting& setting, const Spirals& spirals, const std::vector<std::vector<Batch<float>>>& predictions,
          const std::vector<std::string>& names) {
  std::vector<plot::Panel> row;
  for (const Index j : {0, 1, 2, 3}) {
    plot::Panel panel;
    panel.outline = {path(spirals.truth, j), "truth"};
    Eigen::MatrixXd dots(2, spirals.observations());
    for (Index k = 0; k < spirals.observations(); ++k)
      dots.col(k) = spirals.noisy[std::size_t(spirals.observed[std::size_t(j)][std::size_t(k)])].col(j).cast<double>();
    panel.discs = {{dots, "observed"}};
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      Eigen::MatrixXd curve = path(predictions[i], j);
      Index first = 0;
      while (std::isnan(curve(0, first))) ++first;
      panel.curves.push_back({curve.rightCols(curve.cols() - first), names[i]});
    }
    row.push_back(panel);
  }
  setting.picture("latent_spiral.png", [&](const std::filesystem::path& png) {
    plot::sheet(
        png, {row},
        {.style = {.title = "Spirals continued from " + std::to_string(spirals.observations()) + " observations",
                   .width = 600,
                   .height = 420},
         .x = {-9.5, 9.5},
         .y = {-7, 7},
         .x_label = "x",
         .y_label = "y",
         .disc_size = 0.9,
         .black_outlines = true});
  });
}

}  // namespace

void latent_spiral(int argc, char** argv) {
  Setting setting;
  setting.seeds = 8;  // of three the mean is decided by one that goes badly
  Index iterations = 0;
  CommandLine line("Chen et al. 2018: a latent ODE on spirals observed at irregular times.");
  setting.add_to(line);
  line.add("--iterations", iterations, "of each model; 0: 12000, with --full 40000").within(0, 1'000'000);
  setting.parse(line, argc, argv);

  if (iterations == 0) iterations = setting.length<Index>(4, 12'000, 40'000);
  const Index count = setting.length<Index>(100, 1000, 1000);
  const std::vector<Index> observations = setting.full ? std::vector<Index>{30, 50, 100} : std::vector<Index>{30};
  const std::vector<std::string> names{"latent ODE", "autoregressive, value", "autoregressive, increment"};
  std::vector<std::vector<Batch<float>>> predictions;
  Spirals drawn;
  for (const Index m : observations) {
    std::optional<ProgressLine> progress(std::in_place, std::cerr, std::to_string(m) + " observations, all iterations",
                                         long(setting.all_seeds().size() * names.size()) * long(iterations));
    long done = 0;
    std::vector<Errors> all(names.size());
    std::vector<Index> parameters(names.size());
    std::vector<double> last;
    for (const std::uint64_t seed : setting.all_seeds()) {
      const Data data(count, m, seed);
      last.push_back(error_of_the_last(data.test));
      const bool keep = predictions.size() < names.size();
      if (keep) drawn = data.test;
      const auto one = [&](auto model, std::size_t i) {
        const SpiralTraining training{.iterations = iterations, .seed = seed, .on_iteration = [&](double loss) {
                                        progress->update(++done, names[i] + "  loss " + number_text(loss, 1));
                                      }};
        std::vector<Batch<float>> prediction = learn(model, data, training, all[i]);
        if (keep) predictions.push_back(std::move(prediction));
        parameters[i] = model.parameters();
      };
      one(LatentOde(seed), 0);
      one(Autoregressive(seed, Autoregressive::Output::value), 1);
      one(Autoregressive(seed, Autoregressive::Output::increment), 2);
    }
    progress.reset();  // its line ends
    if (m == observations.front())
      std::printf("root mean square error on the truth of 200 spirals\n%14s %28s %12s %22s %24s %20s\n", "observations",
                  "", "parameters", "within", "beyond", "training / CPU s");
    for (std::size_t i = 0; i < names.size(); ++i)
      std::printf("%10td/100 %28s %12td %22s %24s %20s\n", m, names[i].c_str(), parameters[i],
                  i == 0 ? spread(all[i].within, 3).c_str() : "", spread(all[i].beyond, 3).c_str(),
                  spread(all[i].seconds, 0).c_str());
    std::printf("%10td/100 %28s %12s %22s %24s\n", m, "last observation", "", "", spread(last, 3).c_str());
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::printf("%s beyond, median %s, seed by seed", names[i].c_str(),
                  number_text(median(all[i].beyond), 3).c_str());
      for (const double error : all[i].beyond) std::printf(" %s", number_text(error, 3).c_str());
      std::printf("\n");
    }
    std::cout << std::flush;
  }
  draw(setting, drawn, predictions, names);
}

void steer_series(int argc, char** argv) {
  Setting setting;
  Index iterations = 0, observations = 30;
  CommandLine line("Ghosh et al. 2020: STEER on a latent ODE of spirals observed at irregular times.");
  setting.add_to(line, false);
  line.add("--iterations", iterations, "of each training; 0: 12000, with --full 40000").within(0, 1'000'000);
  line.add("--observations", observations, "of each spiral").within(2, 100);
  setting.parse(line, argc, argv);

  if (iterations == 0) iterations = setting.length<Index>(4, 12'000, 40'000);
  const Index count = setting.length<Index>(100, 1000, 1000);
  const std::vector<double> widths = setting.brief ? std::vector<double>{0, 0.5} : std::vector<double>{0, 0.5, 0.99};
  std::vector<Errors> all(widths.size());
  std::vector<std::vector<double>> validation(widths.size()), evaluations(widths.size());
  std::vector<double> chosen, gains;
  std::optional<ProgressLine> progress(std::in_place, std::cerr, "iterations of all",
                                       long(setting.all_seeds().size() * widths.size()) * long(iterations));
  long done = 0;
  for (const std::uint64_t seed : setting.all_seeds()) {
    const Data data(count, observations, seed);
    std::size_t best = 0;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      LatentOde model(seed, widths[i]);
      const SpiralTraining training{
          .iterations = iterations, .seed = seed, .on_iteration = [&](double loss) {
            progress->update(++done, "b = " + number_text(widths[i], 2) + "  loss " + number_text(loss, 1));
          }};
      (void)learn(model, data, training, all[i]);
      // What a user has: later values with noise, of other spirals.
      validation[i].push_back(
          root_mean_square(model.predict(data.validation), data.validation.noisy, seen, seen + ahead));
      evaluations[i].push_back(model.evaluations());
      if (validation[i].back() < validation[best].back()) best = i;
    }
    chosen.push_back(widths[best]);
    gains.push_back(all[best].beyond.back() - all[0].beyond.back());
  }
  progress.reset();  // its line ends
  std::printf("root mean square error, %td observations\n%10s %24s %24s %24s %16s %20s\n", observations, "b / step",
              "beyond, validation", "within, test", "beyond, test", "evaluations", "training / CPU s");
  for (std::size_t i = 0; i < widths.size(); ++i)
    std::printf("%10.2f %24s %24s %24s %16s %20s\n", widths[i], spread(validation[i], 3).c_str(),
                spread(all[i].within, 3).c_str(), spread(all[i].beyond, 3).c_str(), spread(evaluations[i], 0).c_str(),
                spread(all[i].seconds, 0).c_str());
  std::printf("b by validation %s; test error beyond, less that without STEER %s\n", spread(chosen, 2).c_str(),
              spread(gains, 3).c_str());
}

}  // namespace examples::papers
