/// \file
/// calibration
#include <examples/toy/run.hpp>
#include <cstdlib>
#include <iostream>
int main(int argc, char** argv) {
  using namespace examples::toy;
  Run run;
  run.preset = argv[1];
  run.seed = std::stoull(argv[2]);
  run.schedule = quick_schedule(run.preset);
  run.schedule.iterations = std::stol(argv[3]);
  run.schedule.batch = std::stol(argv[4]);
  run.schedule.learning_rate = std::stod(argv[5]);
  run.threads = 1;
  if (argc > 6) run.density = pathline::toy_density_from_name(argv[6]);
  const Result r = train_and_judge(run, [&](Index i, double nll) {
    if (i % (run.schedule.iterations / 10) == 0) std::cerr << i << ' ' << nll << '\n';
  });
  const Judgement& j = r.judgement;
  std::cout << run.preset << " seed " << run.seed << " it " << argv[3] << " batch " << argv[4] << " lr " << argv[5] << " nll " << j.nll.value << " kl " << j.kl.value << " +- "
            << j.kl.standard_error << " mmd " << j.mmd << " nfe " << j.training_evaluations << " test " << j.testing_evaluations
            << " straight " << j.straightness << " inv " << j.inverse_error << " cost " << j.transport_cost << " s "
            << j.seconds << std::endl;
}
