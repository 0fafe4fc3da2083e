/// \file
/// A user's program that takes its fields from the compiled library, and saves some flows.
#include <pathline/io/model.hpp>
#include <pathline/precompiled.hpp>

#include "answers.hpp"

using namespace pathline;

int main() {
  Rng rng(1);
  const Mlp<float, Tanh> field(2, {4}, rng);
  const Batch<double> X = data_of(2), C = data_of(3).bottomRows(1);

  const Cnf by_fixed_steps(field, Rk4{}, FixedSteps(2));
  if (!by_fixed_steps.log_prob(X.cast<float>()).allFinite()) return 1;
  io::save("by_fixed_steps.safetensors", by_fixed_steps);

  const Cnf flow(field, Hutchinson<>{}, KineticEnergy{}, Whiten(X), StudentT(Eigen::Vector2f(4, 5)));
  io::save("flow.safetensors", flow);
  print_answers<double>(flow);
  io::TensorFile damaged = io::to_tensors(flow);
  damaged.metadata.erase("time_span.base");
  damaged.metadata["base.unknown"] = "1";
  io::write_safetensors("damaged.safetensors", damaged);
  damaged = io::to_tensors(flow);
  damaged.metadata["time_span.base"] = damaged.metadata["time_span.data"];
  io::write_safetensors("no_time.safetensors", damaged);

  const auto potential = ot_flow<double>({.dim = 2, .width = 4}, Standardize(X));
  io::save("potential.safetensors", potential);
  print_answers<double>(potential);

  const auto conditional = ffjord<float>({.dim = 2, .hidden = {4}}, StandardizeContext(C), TimeSpan{0, 0.5});
  io::save("conditional.safetensors", conditional);
  print_answers<float>(conditional);
}
