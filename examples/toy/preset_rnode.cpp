/// \file
/// RNODE. Its trace is exact in training too, as in FFJORD's code for toys: two tangents cost little. Twice the
/// paper's steps, as many as OT-Flow takes: with four, the toys' flows learn to exploit the solver's error.
#include <examples/toy/train_and_judge.hpp>

#include <pathline/flow/preset/rnode.hpp>

namespace examples::toy {

Result run_rnode(const Run& run, const OnIteration& on_iteration) {
  const pathline::RnodeOptions options{.steps = 8, .seed = run.seed};
  const pathline::Threads threads{run.threads};
  return train_and_judge(pathline::rnode<float>(options, pathline::ExactTrace{}, threads),
                         pathline::rnode<float>(options, pathline::ExactTrace{}, pathline::Dopri5{}, judging_control,
                                                judging_chunks, threads),
                         run, on_iteration);
}

}  // namespace examples::toy
