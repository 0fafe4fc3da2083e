/// \file
/// OT-Flow.
#include <examples/toy/train_and_judge.hpp>

#include <pathline/flow/preset/ot_flow.hpp>

namespace examples::toy {

Result run_ot_flow(const Run& run, const OnIteration& on_iteration) {
  const pathline::OtFlowOptions options{.seed = run.seed};
  const pathline::Threads threads{run.threads};
  return train_and_judge(
      pathline::ot_flow<float>(options, threads),
      pathline::ot_flow<float>(options, pathline::Dopri5{}, judging_control, judging_chunks, threads), run,
      on_iteration);
}

}  // namespace examples::toy
