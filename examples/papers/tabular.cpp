/// \file
/// The row `tabular`: densities of tables in 6, 21 and 43 dimensions by FFJORD (Grathwohl 2019), RNODE (Finlay 2020)
/// and OT-Flow (Onken 2021), against a Gaussian and a mixture, and what they cost where they are equally good.
///
/// Costs are processor time, so that other work on the machine counts little. Flows are compared at equal likelihood:
/// of the parameters after each epoch, each flow is judged by the first that reach the validation likelihood which
/// the worst of them reaches at its best.
#include <examples/common/mixture.hpp>
#include <examples/common/number_text.hpp>
#include <examples/common/plot.hpp>
#include <examples/papers/rows.hpp>
#include <examples/papers/setting.hpp>
#include <examples/papers/tabular_flow.hpp>

#include <pathline/train/progress_line.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace examples::papers {

namespace {

/// What the row can be told of the estimates; RNODE with weight 0 is FFJORD by fixed steps.
struct Choices {
  std::vector<std::string> estimates{"mixture", "FFJORD", "RNODE", "OT-Flow"};
  bool paper_widths = false;  ///< Of FFJORD and RNODE, in training as short as ever.
  double ffjord_rtol = 1e-5, ffjord_atol = 1e-5;
  Index rnode_steps = 4;
  double rnode_weight = 0.01;

  [[nodiscard]] bool has(const std::string& name) const {
    return std::find(estimates.begin(), estimates.end(), name) != estimates.end();
  }
  [[nodiscard]] Index flows() const { return Index(has("FFJORD")) + Index(has("RNODE")) + Index(has("OT-Flow")); }
};

/// With `--full` and `--paper-widths` the hidden layers of FFJORD and RNODE are as wide and as many as in FFJORD's code
/// for POWER (d = 6: three of 10 d), HEPMASS (21: two of 10 d) and MINIBOONE (43: two of 20 d), but of one block where
/// that has 5, 10 and 1; with `--full` OT-Flow's are as wide as in its paper. Otherwise FFJORD's and RNODE's are so at
/// d = 6, and all others are narrower.
[[nodiscard]] std::array<Recipe, 3> recipes(const TabularSet& set, const Setting& setting, const Choices& choices) {
  const bool six = set.dim() == 6, large = set.dim() > 21;
  const Index epochs = setting.length<Index>(2, six ? 10 : 6, 100), batch = setting.brief ? 64 : 128;
  const Index of_paper = large ? 20 : 10, in_minutes = six ? 10 : large ? 4 : 5;
  const Index factor = choices.paper_widths ? of_paper : setting.length<Index>(1, in_minutes, of_paper);
  const Index width = setting.length<Index>(8, six ? 32 : 64, six ? 128 : 256);
  const std::vector<Index> hidden(six ? 3 : 2, factor * set.dim());
  return {{{.hidden = hidden,
            .rtol = choices.ffjord_rtol,
            .atol = choices.ffjord_atol,
            .epochs = epochs,
            .batch = batch,
            .learning_rate = 1e-2},
           {.hidden = hidden,
            .steps = choices.rnode_steps,
            .weight = choices.rnode_weight,
            .epochs = epochs,
            .batch = batch,
            .learning_rate = 1e-2},
           {.hidden = {width}, .steps = six ? 8 : 6, .epochs = epochs, .batch = batch, .learning_rate = 3e-2}}};
}

/// A flow where it is as good as those that it is compared with.
struct Equal {
  double seconds = 0;  ///< Of training up to there.
  Judgement judgement;
};

/// What one seed gave for a set.
struct Run {
  std::vector<std::pair<std::string, Values>> log_prob;  ///< Of each estimate at the test rows, in the table's units.
  std::optional<Values> truth;
  double gaussian = 0;    ///< Its mean NLL of the validation rows, in their coordinates.
  double components = 0;  ///< Of the mixture, where there is one.
  std::vector<TrainedFlow> flows;
  std::vector<Equal> equal;  ///< Each where it is as good as the others.
};

[[nodiscard]] std::vector<Equal> at_equal_likelihood(const std::vector<TrainedFlow>& flows) {
  double target = -std::numeric_limits<double>::infinity();
  for (const TrainedFlow& flow : flows) target = std::max(target, flow.best().validation_nll);
  std::vector<Equal> result;
  for (const TrainedFlow& flow : flows) {
    const Snapshot& snapshot = flow.first_at(target);
    result.push_back({snapshot.seconds, flow.judge(snapshot)});
  }
  return result;
}

/// Components of the mixtures that are tried.
[[nodiscard]] std::vector<Index> mixture_sizes(const Setting& setting) {
  return setting.brief ? std::vector<Index>{2} : std::vector<Index>{5, 20, 60, 120};
}

/// The mixture of greatest validation likelihood. Calls on_fit(components, NLL of the validation rows) after each.
template <class OnFit>
[[nodiscard]] GaussianComponents mixture(const TabularSet& set, const Setting& setting, const OnFit& on_fit) {
  const pathline::Draw start = pathline::Rng(5).draw();
  std::optional<GaussianComponents> best;
  double best_nll = 0;
  for (const Index components : mixture_sizes(setting)) {
    GaussianComponents candidate(set.train, components, start, {.prior = 10, .max_iterations = 40, .tolerance = 1e-3});
    const double nll = mean_nll(candidate.log_prob(set.validation));
    if (!best || nll < best_nll) {
      best_nll = nll;
      best.emplace(std::move(candidate));
    }
    on_fit(components, nll);
  }
  return *std::move(best);
}

[[nodiscard]] Run run(const TabularSet& set, const Setting& setting, const Choices& choices, std::uint64_t seed,
                      pathline::ProgressLine& progress, long& done) {
  Run result;
  result.truth = set.log_prob;
  const FittedGaussian gaussian(set.train);
  result.gaussian = mean_nll(gaussian.log_prob(set.validation));
  const auto tell = [&](const std::string& name, double nll) {
    progress.update(++done, "seed " + std::to_string(seed) + "  " + name + " " + number_text(result.gaussian - nll, 2) +
                                " nats over the Gaussian");
  };
  result.log_prob.emplace_back("Gaussian", gaussian.log_prob(set.test) + set.log_det);
  if (choices.has("mixture")) {
    const GaussianComponents components =
        mixture(set, setting, [&](Index count, double nll) { tell("mixture of " + std::to_string(count), nll); });
    result.log_prob.emplace_back("mixture of Gaussians", components.log_prob(set.test) + set.log_det);
    result.components = double(components.weights().size());
  }

  auto recipe = recipes(set, setting, choices);
  const std::array names{"FFJORD", "RNODE", "OT-Flow"};
  const std::array trainers{train_ffjord, train_rnode, train_ot_flow};
  for (std::size_t k = 0; k < recipe.size(); ++k) {
    recipe[k].on_epoch = [&, k](double nll) { tell(names[k], nll); };
    if (choices.has(names[k])) result.flows.push_back(trainers[k](set, recipe[k], seed));
  }
  for (const TrainedFlow& flow : result.flows)
    result.log_prob.emplace_back(flow.name, flow.judge(flow.best()).log_prob);
  result.equal = at_equal_likelihood(result.flows);
  return result;
}

/// Mean and range over the seeds of a figure of each.
[[nodiscard]] std::string over_seeds(const std::vector<Run>& runs, int decimals,
                                     const std::function<double(const Run&)>& figure) {
  std::vector<double> values;
  for (const Run& one : runs) values.push_back(figure(one));
  return spread(values, decimals);
}

/// KL divergence from the truth, or where it is not known NLL, with the standard error of one seed.
[[nodiscard]] Estimate score(const Run& one, const Values& log_prob) {
  return paired_difference(one.truth ? *one.truth : Values::Zero(log_prob.size()), log_prob);
}

void print_likelihoods(const TabularSet& set, const std::vector<Run>& runs) {
  std::cout << "\n"
            << set.name << ", d = " << set.dim() << ": " << set.train.cols() << " rows to train, "
            << set.validation.cols() << " to choose by, " << set.test.cols() << " to test";
  if (set.entropy)
    std::cout << "; entropy " << number_text(set.entropy->mean) << " ± " << number_text(set.entropy->standard_error);
  const std::string kind = runs.front().truth ? "KL divergence from the truth" : "NLL";
  std::cout << "\n\n| estimate | " << kind << " / nats | standard error of one seed |\n|---|---|---|\n";
  for (std::size_t k = 0; k < runs.front().log_prob.size(); ++k) {
    const auto of = [k](const Run& one) { return score(one, one.log_prob[k].second); };
    std::cout << "| " << runs.front().log_prob[k].first
              << (k == 1 && runs.front().components > 0
                      ? ", " + over_seeds(runs, 0, [](const Run& one) { return one.components; })
                      : "")
              << " | " << over_seeds(runs, 3, [&](const Run& one) { return of(one).mean; }) << " | "
              << number_text(of(runs.front()).standard_error) << " |\n";
  }
}

/// The figures of each seed, and what the library warned of.
void print_seeds(const TabularSet& set, const std::vector<std::uint64_t>& seeds, const std::vector<Run>& runs) {
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::cerr << set.name << ", seed " << seeds[i] << ":";
    for (const auto& [name, log_prob] : runs[i].log_prob)
      std::cerr << "  " << name << ' ' << number_text(score(runs[i], log_prob).mean);
    std::cerr << '\n';
    for (const TrainedFlow& flow : runs[i].flows)
      for (const std::string& warning : flow.warnings) std::cerr << "  " << flow.name << ": " << warning << '\n';
  }
}

void print_costs(const std::vector<Run>& runs) {
  std::cout
      << "\nAt equal likelihood:\n\n| flow | weights | " << (runs.front().truth ? "KL" : "NLL")
      << " / nats | training / s | iteration / ms | evaluations, training | evaluations, testing | density of 1000 "
         "rows / s | 1000 samples / s |\n|---|---|---|---|---|---|---|---|---|\n";
  for (std::size_t k = 0; k < runs.front().equal.size(); ++k) {
    const auto column = [&](int decimals, const std::function<double(const Run&, const Equal&)>& figure) {
      std::cout << " | " << over_seeds(runs, decimals, [&](const Run& one) { return figure(one, one.equal[k]); });
    };
    const TrainedFlow& flow = runs.front().flows[k];
    std::cout << "| " << flow.name << " | " << flow.weights();
    column(3, [](const Run& one, const Equal& at) { return score(one, at.judgement.log_prob).mean; });
    column(1, [](const Run&, const Equal& at) { return at.seconds; });
    column(1, [&](const Run& one, const Equal&) {
      return 1000 * one.flows[k].snapshots.back().seconds / double(one.flows[k].iterations);
    });
    column(1, [&](const Run& one, const Equal&) { return one.flows[k].training_evaluations; });
    column(1, [](const Run&, const Equal& at) { return at.judgement.evaluations; });
    column(3, [](const Run&, const Equal& at) { return at.judgement.density_seconds; });
    column(3, [](const Run&, const Equal& at) { return at.judgement.sample_seconds; });
    std::cout << " |\n";
  }
}

/// By how much `b` is cheaper than `a`: ratios of each seed.
void print_ratios(const std::vector<Run>& runs, std::size_t a, std::size_t b) {
  const auto ratio = [&](const char* what, const std::function<double(const Equal&)>& figure) {
    std::cout << what
              << over_seeds(runs, 2, [&](const Run& one) { return figure(one.equal[a]) / figure(one.equal[b]); });
  };
  const auto& flows = runs.front().flows;
  std::cout << "\n"
            << flows[a].name << " over " << flows[b].name << ": weights "
            << number_text(double(flows[a].weights()) / double(flows[b].weights()), 2);
  ratio(", training ", [](const Equal& at) { return at.seconds; });
  std::cout << ", an iteration "
            << over_seeds(runs, 2,
                          [&](const Run& one) {
                            return one.flows[a].snapshots.back().seconds / one.flows[b].snapshots.back().seconds;
                          })
            << ", evaluations in training " << over_seeds(runs, 2, [&](const Run& one) {
                 return one.flows[a].training_evaluations / one.flows[b].training_evaluations;
               });
  ratio(", in testing ", [](const Equal& at) { return at.judgement.evaluations; });
  ratio(", density ", [](const Equal& at) { return at.judgement.density_seconds; });
  ratio(", samples ", [](const Equal& at) { return at.judgement.sample_seconds; });
  std::cout << '\n';
}

/// What the validation rows gained over the Gaussian against the time of training, means over the seeds.
void draw(const std::filesystem::path& png, const TabularSet& set, const std::vector<Run>& runs) {
  std::vector<plot::Points> curves;
  for (std::size_t k = 0; k < runs.front().flows.size(); ++k) {
    const TrainedFlow& flow = runs.front().flows[k];
    Eigen::MatrixXd curve = Eigen::MatrixXd::Zero(2, Index(flow.snapshots.size()));
    for (const Run& one : runs)
      for (Index i = 0; i < curve.cols(); ++i) {
        const Snapshot& snapshot = one.flows[k].snapshots[std::size_t(i)];
        curve.col(i) += Eigen::Vector2d(snapshot.seconds, one.gaussian - snapshot.validation_nll) / double(runs.size());
      }
    curves.push_back({curve, flow.name + ", " + std::to_string(flow.weights()) + " weights"});
  }
  // At the start nothing is gained yet: the axes begin there.
  plot::graph(png, curves,
              {.style = {.title = set.name + ", d = " + std::to_string(set.dim()) + ": likelihood by training time",
                         .width = 1000,
                         .height = 650},
               .x_label = "processor time of training / s",
               .y_label = "gain of validation rows over a Gaussian / nats",
               .from_zero = true});
}

/// A few rows, to see that it runs.
void shorten(TabularSet& set) {
  set.train = set.train.leftCols(256).eval();
  set.validation = set.validation.leftCols(50).eval();
  set.test = set.test.leftCols(100).eval();
  set.log_det = set.log_det.leftCols(100).eval();
  if (set.log_prob) set.log_prob = set.log_prob->leftCols(100).eval();
}

}  // namespace

void tabular(int argc, char** argv) {
  Setting setting;
  Choices choices;
  std::vector<std::string> names{"diamonds", "blocks-21"};
  std::filesystem::path exported;
  CommandLine line(
      "Learns densities of tables by FFJORD, RNODE and OT-Flow, compares their likelihoods with a Gaussian's and a\n"
      "mixture's, and their costs at equal likelihood.",
      Bounds::hidden);
  setting.add_to(line);
  line.add("--sets", names, "with commas, of diamonds, blocks-21, blocks-43")
      .with_commas()
      .one_of(tabular_names())
      .type("A,B");
  line.add("--estimates", choices.estimates, "with commas, beside a Gaussian")
      .with_commas()
      .one_of({"mixture", "FFJORD", "RNODE", "OT-Flow"})
      .type("A,B");
  line.add_flag("--paper-widths", choices.paper_widths,
                "FFJORD and RNODE as wide as FFJORD's code has them, also without --full");
  line.add("--ffjord-rtol", choices.ffjord_rtol, "of the solver that trains FFJORD; its code for tables: 1e-6")
      .within(1e-9, 0.1);
  line.add("--ffjord-atol", choices.ffjord_atol, "the same; its code for tables: 1e-8").within(1e-12, 0.1);
  line.add("--rnode-steps", choices.rnode_steps, "of RK4, by which RNODE trains").within(1, 1000);
  line.add("--rnode-weight", choices.rnode_weight, "of RNODE's costs; 0: FFJORD by fixed steps").within(0., 1e3);
  line.add("--export", exported,
           "writes the sets as NPY files below this folder for other programs, and trains nothing")
      .type("DIR")
      .without_default();
  setting.parse(line, argc, argv);
  const std::vector<std::uint64_t> seeds = setting.all_seeds();
  for (const std::string& name : names) {
    std::vector<std::unique_ptr<TabularSet>> sets;  // which the flows of the runs refer to
    std::vector<Run> runs;
    std::optional<pathline::ProgressLine> progress;
    long done = 0;
    for (const std::uint64_t seed : seeds) {
      TabularSet& set = *sets.emplace_back(std::make_unique<TabularSet>(tabular_set(name, seed)));
      if (setting.brief) shorten(set);
      if (!exported.empty()) {
        const std::filesystem::path folder = exported / (name + "-seed" + std::to_string(seed));
        export_set(folder, set);
        std::cout << "written: " << folder.string() << '\n';
        continue;
      }
      if (!progress) {
        auto each = choices.has("mixture") ? long(mixture_sizes(setting).size()) : 0L;
        each += long(choices.flows()) * long(recipes(set, setting, choices).front().epochs);
        progress.emplace(std::cerr, name + ", mixtures and epochs", long(seeds.size()) * each);
      }
      runs.push_back(run(set, setting, choices, seed, *progress, done));
    }
    if (runs.empty()) continue;
    progress.reset();  // its line ends
    const TabularSet& set = *sets.front();
    print_seeds(set, seeds, runs);
    print_likelihoods(set, runs);
    if (choices.flows() == 0) continue;
    print_costs(runs);
    for (std::size_t a = 0; a < runs.front().flows.size(); ++a)
      for (std::size_t b = a + 1; b < runs.front().flows.size(); ++b) print_ratios(runs, a, b);
    setting.picture("tabular-" + name + ".png", [&](const std::filesystem::path& png) { draw(png, set, runs); });
  }
  if (!exported.empty())
    std::cout << "nothing was trained; other flows on these sets: benchmarks/peers/tabular_flows.py "
              << exported.string() << '\n';
}

}  // namespace examples::papers
