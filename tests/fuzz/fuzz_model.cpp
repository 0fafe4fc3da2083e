/// \file
/// Arbitrary bytes as the file of a model: a small flow of a few policies is loaded from them or left as it was.
#include <fuzz/fuzz.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/control/step_control.hpp>

#include <string_view>

namespace fuzz {

using namespace pathline;

namespace {

using Flow = Cnf<Mlp<float, Tanh>, PiController, Standardize<float>, KineticEnergy>;

Flow small_flow() {
  Rng rng(3);
  Batch<float> data(2, 3);
  data << 1, 2, 4, 3, 3, 1;
  return Flow(Mlp<float, Tanh>(2, {2}, rng), PiController{.rtol = 1e-4, .atol = 1e-5}, Standardize<float>(data),
              KineticEnergy{.weight = 0.25});
}

}  // namespace

void model(std::string_view bytes) {
  static const Flow fresh = small_flow();
  const io::TensorFile file = io::parse_safetensors(bytes);
  Flow flow = fresh;
  try {
    io::from_tensors(file, flow);
  } catch (const Error&) {
    require(flow.parameters() == fresh.parameters(), "a refused file changes nothing");
    throw;
  }
  require(flow.parameters().allFinite() && flow.parameters().size() == fresh.parameters().size(), "finite parameters");
  Flow again = fresh;
  io::from_tensors(io::to_tensors(flow), again);
  require(again.parameters() == flow.parameters(), "the same parameters again");
}

}  // namespace fuzz
