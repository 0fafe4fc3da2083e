/// \file
/// Presets, neural ODEs and flows with every kind of policy in files: what is read is described as what was saved, and
/// all that a model computes follows from that.
#include <pathline/io/model/models.hpp>

#include <pathline/core/chunk_settings.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/preset/presets.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/errors.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>

namespace {

using namespace pathline;

void check_same(const io::TensorFile& file, const io::TensorFile& again) {
  CHECK(again.metadata == file.metadata);
  REQUIRE(again.tensors.size() == file.tensors.size());
  for (std::size_t i = 0; i < file.tensors.size(); ++i) {
    CHECK(again.tensors[i].name == file.tensors[i].name);
    CHECK(again.tensors[i].bytes == file.tensors[i].bytes);
  }
}
template <class Model>
void check(const Model& model) {
  const io::TensorFile file = io::to_tensors(model);
  check_same(file, io::to_tensors(io::from_tensors<Model>(file)));
}

template <Real Scalar>
Batch<Scalar> data() {
  return Batch<Scalar>::NullaryExpr(2, 5, [](Index i, Index j) { return Scalar(std::sin(1.5 * double(3 * i + j))); });
}

}  // namespace

TEST_CASE("io: every preset is saved and read", "[io]") {
  check(ffjord<float>({.dim = 2, .hidden = {3}, .rtol = 1e-3}, Standardize<float>(data<float>())));
  check(rnode<double>({.dim = 2, .hidden = {3}, .kinetic_energy = 0.3}));
  check(steer<double>({.dim = 2, .hidden = {3}, .half_width = 0.3}, StandardizeContext(data<double>().topRows(1))));
  check(ot_flow<float>({.dim = 2, .width = 3, .hjb_weight = 7}));
}

TEST_CASE("io: a neural ODE is saved and read, and threads stay those of the program", "[io]") {
  Rng rng(1);
  const Mlp<double, Tanh> field(2, {3}, rng);
  const NeuralOde ode(field, PiController{.rtol = 1e-3}, Threads{1}, ChunkWidth{.columns = 3});
  check(ode);
  NeuralOde other(field, PiController{}, Threads{2}, ChunkWidth{});
  io::from_tensors(io::to_tensors(ode), other);
  CHECK(io::detail::PartsAccess::parts(other).threads.number == 2);
  CHECK(io::detail::PartsAccess::parts(other).chunk_width.columns == 3);
  CHECK(io::to_tensors(other).metadata == io::to_tensors(ode).metadata);
  CHECK_THROWS_AS(io::from_tensors<decltype(field)>(io::to_tensors(ode)), ModelError);
}

TEST_CASE("io: policies that a type leaves at their defaults are read from the file too", "[io]") {
  Rng rng(1);
  const Mlp<double, Tanh> field(2, {3}, rng);
  const Cnf named(field, PiController{.rtol = 1e-3}, TimeSpan{.data = 0, .base = 2}, ChunkWidth{.columns = 2});
  const auto unnamed = io::from_tensors<Cnf<Mlp<double, Tanh>>>(io::to_tensors(named));
  CHECK(unnamed.time_span().base == 2);
  CHECK(io::to_tensors(unnamed).metadata == io::to_tensors(named).metadata);
}

TEST_CASE("io: parts that do not fit each other are refused as in a program", "[io][errors]") {
  Rng rng(1);
  const Cnf flow(Mlp<double, Tanh>(2, {3}, rng), Standardize<double>(data<double>()), Steer{});
  io::TensorFile file = io::to_tensors(flow);
  for (io::Tensor& tensor : file.tensors)
    if (tensor.name.find("data_transform.") == 0) tensor = io::tensor_of(tensor.name, Vector<double>::Ones(3));
  CHECK_THROWS_WITH(io::from_tensors<decltype(flow)>(file),
                    ContainsSubstring("the model: Standardize: field has 2 rows, expected 3"));
  file = io::to_tensors(flow);
  file.metadata["end_time.half_width"] = "1.5";
  CHECK_THROWS_WITH(io::from_tensors<decltype(flow)>(file), ContainsSubstring("Steer: half_width is 1.5"));
}
