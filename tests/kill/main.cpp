// kill CHECKPOINT RESULT: trains a small flow with a checkpoint after every epoch, and writes all bits of what it ends
// with to the file RESULT. tests/kill/kill-and-resume kills it, time and again.
#include <pathline/core/random.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/io/checkpoint.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/train/fit.hpp>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>

using namespace pathline;

namespace {

/// Ends training by what it saw in earlier epochs, so that these must be kept.
struct StopsRising {
  Index rises = 0;
  double last = 1e9;
  bool operator()(const EpochReport& epoch) {
    if (epoch.train_loss > last) ++rises;
    last = epoch.train_loss;
    return rises < 20;
  }
  template <class Visit>
  void state(Visit& visit) {
    visit("rises", rises);
    visit("last", last);
  }
};

template <class Number>
void put(std::ofstream& out, const Number* numbers, Index count) {
  out.write(reinterpret_cast<const char*>(numbers), std::streamsize(sizeof(Number)) * count);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return EXIT_FAILURE;
  Rng rng(7);
  Batch<double> X(2, 48);
  fill<Gaussian>(rng.draw(), 0, X);
  X.row(1) += X.row(0).cwiseAbs2();
  const Vector<double> weights = Vector<double>::LinSpaced(X.cols(), 0.5, 2);
  Cnf flow(FieldStack(Mlp<double, Tanh>::layers(2, {8}), 2, rng, MovingNormalization{}), Hutchinson<Rademacher>{},
           Rk4{}, FixedSteps(2), Standardize(X), Threads{1});
  TrainingState<double> state;
  const FitReport report =
      fit(flow, with_weights(X, weights), {.epochs = 40, .batch = 16, .validation_fraction = 0.25, .validate_every = 2},
          rng, AdamW{.learning_rate = 0.02}, OnPlateau{.patience = 3}, ClipByNorm{.max_norm = 2},
          EarlyStopping{.patience = 18}, StopsRising{}, state, io::Checkpoint{.path = argv[1]}, PrintProgress{});

  std::ofstream out(argv[2], std::ios::binary);
  for (EpochReport epoch : report.epochs) {
    epoch.seconds = 0;
    detail::for_each_number(epoch, [&](const auto& number) {
      const auto text = double(number);
      put(out, &text, 1);
    });
  }
  const double numbers[]{report.best_criterion,         double(report.best_epoch),       double(report.stop),
                         report.solver_check.nll,       report.solver_check.refined_nll, double(rng.next()),
                         double(state.optimizer.steps), double(state.since_best)};
  put(out, numbers, Index(std::size(numbers)));
  for (const std::string& warning : report.warnings) out << warning << '\n';
  put(out, flow.parameters().data(), flow.parameters().size());
  put(out, state.parameters.data(), state.parameters.size());
  for (const Vector<double>& moment : state.optimizer.moments) put(out, moment.data(), moment.size());
  const Batch<double> drawn = flow.sample(20, rng);
  put(out, drawn.data(), drawn.size());
  std::cout << report.epochs.size() << " epochs, best " << report.best_epoch << ", " << report.warnings.size()
            << " warnings\n";
  return out ? EXIT_SUCCESS : EXIT_FAILURE;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return EXIT_FAILURE;
}
