/// \file
/// FFJORD. Its trace is exact in training too, as in FFJORD's code for toys: two tangents cost little.
#include <examples/toy/train_and_judge.hpp>

#include <pathline/flow/preset/ffjord.hpp>

namespace examples::toy {

Result run_ffjord(const Run& run, const OnIteration& on_iteration) {
  const pathline::FfjordOptions options{.seed = run.seed};
  const pathline::Threads threads{run.threads};
  return train_and_judge(pathline::ffjord<float>(options, pathline::ExactTrace{}, threads),
                         pathline::ffjord<float>(options, pathline::ExactTrace{}, pathline::Dopri5{}, judging_control,
                                                 judging_chunks, threads),
                         run, on_iteration);
}

}  // namespace examples::toy
