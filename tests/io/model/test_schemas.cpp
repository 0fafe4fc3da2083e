/// \file
/// Files of models that earlier versions wrote: they are read for ever, and give what they gave then. Each holds, as
/// notes, the outputs of the model that was saved.
///
/// The files of schema 1 are what the hidden test below writes, by version 0.2.0. Never write them anew: a change of
/// the schema adds files.
#include <pathline/io/model/model_file.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/end_time/steer.hpp>
#include <pathline/flow/evaluation.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/flow/transform/whiten.hpp>
#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <cmath>

namespace {

using namespace pathline;

using Single = Cnf<Mlp<float, Tanh>, Hutchinson<Rademacher>, PiController, EvaluationSolver<Dopri5, PiController>,
                   Standardize<double>, KineticEnergy>;
using Stack = Cnf<FieldStack<SquashMlp<double, Softplus>::Layers, MovingNormalization>, Rk4, FixedSteps,
                  Chain<Log<double>, Whiten<double>>, GaussianMixture<double>, StandardizeContext, Steer, TimeSpan>;
using Ode = NeuralOde<Network<Potential<double>>, Tsit5, PidController, Adjoint>;

// Positive data, 3 × 6: two components and one of context.
Batch<double> data() {
  return Batch<double>::NullaryExpr(3, 6, [](Index i, Index j) { return 1.5 + std::sin(double(5 * i + j * j)); });
}

Single single() {
  Rng rng(1);
  return Single(Mlp<float, Tanh>(2, {6, 4}, rng), {.probes = 2}, {.rtol = 1e-4, .atol = 1e-4},
                {Dopri5{}, {.rtol = 1e-6, .atol = 1e-6}}, Standardize<double>(data().topRows(2)), {.weight = 0.05});
}
Stack stack() {
  Rng rng(2);
  const Log<double> log(Vector<double>::Constant(2, 0.25));
  FieldStack stack(SquashMlp<double, Softplus>::layers(2, {5}, 2), 2, rng, MovingNormalization{.epsilon = 1e-3});
  stack.parameters().segment(stack.normalization_offset(1), 8) = Vector<double>::LinSpaced(8, 0.1, 0.8);
  const Batch<double> means = data().block(0, 0, 2, 3), deviations = data().block(0, 3, 2, 3);
  return Stack(stack, {}, FixedSteps(5), Chain(log, Whiten<double>(transformed(log, data().topRows(2)))),
               GaussianMixture<double>(Eigen::Vector3d(0.3, 1.1, 0.7), means, deviations),
               StandardizeContext(data().bottomRows(1)), {.half_width = 0.25}, {.data = 0, .base = 0.5});
}
Ode ode() {
  Rng rng(3);
  return Ode(Network(Potential<double>(2, 5, 2), rng), {}, {.rtol = 1e-8, .atol = 1e-9}, {.norm = AdjointNorm::full});
}

Batch<double> outputs(const Single& flow) {
  Rng rng(5);
  Batch<double> result(3, 6);
  result << flow.log_prob(data().topRows(2)).cast<double>(), flow.sample(6, rng);
  return result;
}
Batch<double> outputs(const Stack& flow) {
  Rng rng(5);
  Batch<double> result(3, 6);
  result << flow.log_prob(data()), flow.sample(data().bottomRows(1), rng);
  return result;
}
// θ, whose order is what the names of its tensors must keep.
Batch<double> outputs(const Ode& ode) { return ode.parameters(); }

template <class Model>
double error_of(const char* name) {
  const auto path = test_data(name);
  const io::Notes notes = io::read_notes(path);
  const Batch<double> got = outputs(io::load<Model>(path)), expected = io::matrix_of<double>(*notes.find("outputs"));
  return (got - expected).cwiseAbs().maxCoeff();
}

}  // namespace

TEST_CASE("io: files of schema 1 are read, and give what they gave", "[io]") {
  // Other compilers round in other places: a few units in the last place of numbers up to 5, of an error that is
  // controlled to 1e-6 in the first file.
  CHECK(error_of<Single>("models/flow-1.safetensors") < 2e-5);
  CHECK(error_of<Stack>("models/stack-1.safetensors") < 1e-12);
  CHECK(error_of<Ode>("models/ode-1.safetensors") == 0);
}

TEST_CASE("io::save, io::load: a flow gives the same bits as the one that was saved", "[io]") {
  const Folder folder;
  const auto path = folder.path / "flow.safetensors";
  const Single flow = single();
  io::save(path, flow);
  CHECK(outputs(io::load<Single>(path)) == outputs(flow));
  // Another seed, tolerance and statistics.
  Rng rng(9);
  Single other(Mlp<float, Tanh>(2, {6, 4}, rng), {}, {}, {}, Standardize<double>(data().bottomRows(2)), {});
  REQUIRE(outputs(other) != outputs(flow));
  io::load(path, other);
  CHECK(outputs(other) == outputs(flow));

  CHECK(outputs(io::from_tensors<Stack>(io::to_tensors(stack()))) == outputs(stack()));
}

TEST_CASE("io: the files of schema 1 are written", "[.make-files]") {
  const auto write = [](const char* name, const auto& model) {
    io::save(test_data(name), model, {.texts = {}, .tensors = {io::tensor_of("outputs", outputs(model))}});
  };
  write("models/flow-1.safetensors", single());
  write("models/stack-1.safetensors", stack());
  write("models/ode-1.safetensors", ode());
}
