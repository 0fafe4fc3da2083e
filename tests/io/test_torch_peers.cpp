/// \file
/// Fields whose weights PyTorch stored compute what PyTorch computed with them, and write the tensors that it wrote.
/// tests/data/torch/make.py made the files.
#include <pathline/io/torch.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/stack/moving_normalization.hpp>
#include <pathline/flow/with_context.hpp>
#include <pathline/io/safetensors.hpp>
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

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pathline;
using io::TorchNames;
using io::TorchTime;
namespace fs = std::filesystem;

fs::path weights_of(const std::string& name) { return test_data("torch/" + name + ".safetensors"); }

// What PyTorch computed, a column a sample.
struct Outputs {
  io::TensorFile file;
  explicit Outputs(const std::string& name) : file(io::read_safetensors(weights_of(name + ".outputs"))) {}
  [[nodiscard]] Batch<double> batch(const char* name) const {
    const io::Tensor* tensor = file.find(name);
    REQUIRE(tensor != nullptr);
    if (tensor->shape.size() == 1) return io::vector_of<double>(*tensor).transpose();
    return io::matrix_of<double>(*tensor).transpose();
  }
};

// A module of PyTorch as a field of whatever type, which is compiled once for all of them; it needs no pullback.
template <class Scalar_>
struct Module {
  using Scalar = Scalar_;
  std::string name;
  TorchNames names;                 // to load it
  std::vector<std::string> layers;  // to save it again under the same names
  std::function<void(const fs::path&, const TorchNames&)> load, save;
  std::function<Vector<Scalar>&()> theta;
  std::function<Index(Index, Index)> size_of_tape;
  std::function<void(ConstBatchRef<Scalar>, ConstBatchRef<Scalar>, Index, BatchRef<Scalar>, std::span<Scalar>,
                     Workspace<Scalar>&)>
      evaluate;
  Index rows, side, width;

  template <class F>
  Module(std::string a_name, F&& field, TorchNames to_load, std::vector<std::string> to_save = {})
      : name(std::move(a_name)), names(std::move(to_load)), layers(std::move(to_save)) {
    const auto shared = std::make_shared<F>(std::move(field));
    load = [shared](const fs::path& path, const TorchNames& how) { io::load_torch(path, *shared, how); };
    save = [shared](const fs::path& path, const TorchNames& how) { io::save_torch(path, *shared, how); };
    theta = [shared]() -> Vector<Scalar>& { return shared->parameters(); };
    size_of_tape = [shared](Index n, Index k) { return shared->tape_size(n, k); };
    evaluate = [shared](auto S, auto X, Index n, auto Y, auto tape, auto& workspace) {
      shared->linearize(S, X, n, Y, tape, workspace);
    };
    rows = shared->dim();
    side = shared->side_rows();
    width = shared->widest();
  }

  // As a field.
  [[nodiscard]] Index dim() const { return rows; }
  [[nodiscard]] Index side_rows() const { return side; }
  [[nodiscard]] Index widest() const { return width; }
  [[nodiscard]] const Vector<Scalar>& parameters() const { return theta(); }
  [[nodiscard]] Vector<Scalar>& parameters() { return theta(); }
  [[nodiscard]] Index tape_size(Index n, Index k) const { return size_of_tape(n, k); }
  void linearize(ConstBatchRef<Scalar> S, ConstBatchRef<Scalar> X, Index n, BatchRef<Scalar> Y, std::span<Scalar> tape,
                 Workspace<Scalar>& workspace) const {
    evaluate(S, X, n, Y, tape, workspace);
  }
  void pullback(ConstBatchRef<Scalar>, ConstBatchRef<Scalar>, Index, std::span<Scalar>, BatchRef<Scalar>,
                BatchRef<Scalar>, BatchRef<Scalar>, VectorRef<Scalar>, Workspace<Scalar>&) const {
    throw std::logic_error("no gradient is computed here");
  }
};

// Those in tests/data/torch.
template <class Scalar>
std::vector<Module<Scalar>> modules() {
  Rng rng(7);
  const std::string ffjord = "chain.0.odefunc.diffeq.";
  const std::vector<std::string> wrapped{"layers.0._layer", "layers.1._layer", "layers.2._layer"};
  std::vector<Module<Scalar>> result;
  result.emplace_back("sequential", Mlp<Scalar, Tanh>(2, {8, 8}, rng, 0), TorchNames{.prefix = "net."});
  result.emplace_back("time_once", Mlp<Scalar, Swish>(3, {5, 5, 5, 5, 5}, rng),
                      TorchNames{.prefix = "net.", .time = TorchTime::last_column_once},
                      std::vector<std::string>{"1", "3", "5", "7", "9", "11"});
  result.emplace_back("concat", Mlp<Scalar, Softplus>(2, {8, 6}, rng),
                      TorchNames{.prefix = ffjord, .time = TorchTime::first_column}, wrapped);
  result.emplace_back("concat_context", Mlp<Scalar, Tanh>(2, {8, 6}, rng, 3),
                      TorchNames{.time = TorchTime::last_column}, wrapped);
  result.emplace_back("concat_squash", SquashMlp<Scalar, Tanh>(2, {8, 6}, rng), TorchNames{.prefix = ffjord});
  result.emplace_back("ot_flow", Network(Potential<Scalar>(2, 8, 2), rng), TorchNames{});
  result.emplace_back("ot_flow_rank", Network(Potential<Scalar>(3, 6, 1), rng), TorchNames{});
  return result;
}

// Calls check(module), each of the type that its file has: one is of double.
template <class Check>
void with_types_of_files(Check&& check) {
  for (const Module<float>& module : modules<float>())
    if (module.name != "concat_context") check(module);
  for (const Module<double>& module : modules<double>())
    if (module.name == "concat_context") check(module);
}

// f above its trace, by d tangents.
template <class Scalar>
Batch<Scalar> values_and_trace(const Module<Scalar>& field, const Batch<Scalar>& S, const Batch<Scalar>& Z) {
  const Index d = Z.rows(), n = Z.cols();
  Batch<Scalar> X = Batch<Scalar>::Zero(d, (1 + d) * n), Y(d, (1 + d) * n), result(d + 1, n);
  X.leftCols(n) = Z;
  for (Index i = 0; i < d; ++i) X.row(i).segment((1 + i) * n, n).setOnes();
  Vector<Scalar> tape(field.tape_size(n, d));
  Workspace<Scalar> workspace;
  field.linearize(S, X, n, Y, std::span<Scalar>(tape.data(), std::size_t(tape.size())), workspace);
  result.topRows(d) = Y.leftCols(n);
  result.row(d).setZero();
  for (Index i = 0; i < d; ++i) result.row(d) += Y.row(i).segment((1 + i) * n, n);
  return result;
}

// What the loaded field computes, as tensors of the names that PyTorch's outputs have.
template <class Scalar>
io::TensorFile outputs_of(const Module<Scalar>& module, const Outputs& expected) {
  const Batch<double> z = expected.batch("z"), s = expected.batch("s");
  const Index d = z.rows(), c = s.rows() - 1;
  const Batch<Scalar> Z = z.cast<Scalar>(), at_z = values_and_trace<Scalar>(module, s.cast<Scalar>(), Z);
  const Cnf flow(module, Rk4{}, FixedSteps(8));
  const Batch<Scalar> X = with_context(Z, Batch<Scalar>(s.bottomRows(c).cast<Scalar>()));
  return {.tensors = {io::tensor_of("f", Batch<Scalar>(at_z.topRows(d).transpose())),
                      io::tensor_of("trace", Vector<Scalar>(at_z.row(d).transpose())),
                      io::tensor_of("z1", Batch<Scalar>(flow.transform(X).transpose())),
                      io::tensor_of("log_prob", Vector<Scalar>(flow.log_prob(X).transpose()))},
          .metadata = expected.file.metadata};
}

// FFJORD's blocks with normalisations, as a flow.
template <class Scalar>
auto stacked() {
  Rng rng(7);
  return Cnf(FieldStack(SquashMlp<Scalar, Tanh>::layers(2, {6}), 2, rng, MovingNormalization{}), Rk4{}, FixedSteps(8));
}
template <class Flow>
requires requires(const Flow& flow) { flow.data_transform(); }
io::TensorFile outputs_of(const Flow& flow, const Outputs& expected) {
  using Scalar = typename Flow::Scalar;
  const Batch<Scalar> X = expected.batch("z").cast<Scalar>();
  return {.tensors = {io::tensor_of("z1", Batch<Scalar>(flow.transform(X).transpose())),
                      io::tensor_of("log_prob", Vector<Scalar>(flow.log_prob(X).transpose()))},
          .metadata = expected.file.metadata};
}

// The greatest difference, relative to numbers above 1.
double difference(const io::Tensor& got, const io::Tensor& expected) {
  REQUIRE(got.shape == expected.shape);
  const auto a = io::values_of<double>(got), b = io::values_of<double>(expected);
  double greatest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    greatest = std::max(greatest, std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i])));
  return greatest;
}

const io::Tensor& tensor(const io::TensorFile& file, const std::string& name) {
  INFO(name);
  const io::Tensor* const found = file.find(name);
  REQUIRE(found != nullptr);
  return *found;
}

// That every tensor of `expected` is in `got`, number for number, and no other with the prefix.
void check_same_tensors(const io::TensorFile& got, const io::TensorFile& expected, const std::string& prefix) {
  std::size_t count = 0;
  for (const io::Tensor& one : expected.tensors) {
    if (!one.name.starts_with(prefix)) continue;
    ++count;
    INFO(one.name);
    CHECK(tensor(got, one.name).type == one.type);
    CHECK(tensor(got, one.name).shape == one.shape);
    if (one.name != "c.bias") CHECK(tensor(got, one.name).bytes == one.bytes);  // it has no place in θ
  }
  CHECK(got.tensors.size() == count);
}

}  // namespace

TEMPLATE_TEST_CASE("load_torch: values, traces and log-densities are those that PyTorch computed", "[io][torch]", float,
                   double) {
  // A few roundings of numbers of order 1, which the 32 evaluations of the flow do not make ten times as large.
  const double tolerance = sizeof(TestType) == 4 ? 1e-6 : 1e-12;
  for (const auto& module : modules<TestType>()) {
    INFO(module.name);
    module.load(weights_of(module.name), module.names);
    const Outputs expected(module.name);
    for (const io::Tensor& got : outputs_of(module, expected).tensors) {
      INFO(got.name);
      CHECK(difference(got, tensor(expected.file, got.name)) < tolerance);
    }
  }
}

TEMPLATE_TEST_CASE("load_torch: the blocks of a stack are solved as PyTorch solved them", "[io][torch]", float,
                   double) {
  const double tolerance = sizeof(TestType) == 4 ? 1e-6 : 1e-12;  // as above
  Cnf flow = stacked<TestType>();
  io::load_torch(weights_of("stacked"), flow);
  const Outputs expected("stacked");
  for (const io::Tensor& got : outputs_of(flow, expected).tensors) {
    INFO(got.name);
    CHECK(difference(got, tensor(expected.file, got.name)) < tolerance);
  }
}

TEST_CASE("load_torch: the closed form of a potential's trace is PyTorch's, too", "[io][torch]") {
  Rng rng(7);
  Network field(Potential<double>(2, 8, 2), rng);
  io::load_torch(weights_of("ot_flow"), field);
  const Outputs expected("ot_flow");
  const Batch<double> z = expected.batch("z"), s = expected.batch("s");
  Batch<double> Y(4, z.cols());
  Vector<double> tape(field.trace_tape_size(z.cols()));
  Workspace<double> workspace;
  field.evaluate_with_trace(s, z, Y, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  CHECK((Y.topRows(2) - expected.batch("f")).cwiseAbs().maxCoeff() < 1e-12);
  CHECK((Y.row(2) - expected.batch("trace")).cwiseAbs().maxCoeff() < 1e-12);
}

TEST_CASE("save_torch: what PyTorch wrote is written again, number for number", "[io][torch]") {
  const Folder folder;
  const fs::path again = folder.path / "again.safetensors";
  with_types_of_files([&](const auto& module) {
    INFO(module.name);
    const io::TensorFile original = io::read_safetensors(weights_of(module.name));
    module.load(weights_of(module.name), module.names);
    TorchNames names = module.names;
    names.layers = module.layers;
    module.save(again, names);
    const io::TensorFile written = io::read_safetensors(again);
    CHECK(written.metadata.at("format") == "pt");
    if (module.name == "ot_flow_rank") {  // two rows of zeros more, which AᵀA does not see
      const auto A = io::matrix_of<double>(tensor(written, "A"), 4, 4);
      CHECK(A.topRows(2) == io::matrix_of<double>(tensor(original, "A"), 2, 4));
      CHECK(A.bottomRows(2).isZero(0));
    } else {
      check_same_tensors(written, original, names.prefix);
    }
    const auto theta = module.parameters();
    module.theta().setZero();
    module.load(again, names);
    CHECK(module.parameters() == theta);
  });

  Cnf flow = stacked<float>();
  io::load_torch(weights_of("stacked"), flow);
  io::save_torch(again, flow);
  const io::TensorFile original = io::read_safetensors(weights_of("stacked")), written = io::read_safetensors(again);
  for (const io::Tensor& one : written.tensors) CHECK(tensor(original, one.name).bytes == one.bytes);
  CHECK(original.tensors.size() - written.tensors.size() == 7);  // end times, counts of evaluations and of steps
}

TEST_CASE("Files for tests/data/torch/check.py", "[.torch-files]") {
  const char* const folder = std::getenv("PATHLINE_TORCH_FILES");
  REQUIRE(folder != nullptr);
  with_types_of_files([&](const auto& module) {
    module.load(weights_of(module.name), module.names);
    TorchNames names = module.names;
    names.layers = module.layers;
    module.save(fs::path(folder) / (module.name + ".safetensors"), names);
    const Outputs expected(module.name);
    io::TensorFile outputs = outputs_of(module, expected);
    for (const char* input : {"z", "s"}) outputs.tensors.push_back(tensor(expected.file, input));
    io::write_safetensors(fs::path(folder) / (module.name + ".outputs.safetensors"), outputs);
  });
  Cnf flow = stacked<float>();
  io::load_torch(weights_of("stacked"), flow);
  io::save_torch(fs::path(folder) / "stacked.safetensors", flow);
  const Outputs expected("stacked");
  io::TensorFile outputs = outputs_of(flow, expected);
  outputs.tensors.push_back(tensor(expected.file, "z"));
  io::write_safetensors(fs::path(folder) / "stacked.outputs.safetensors", outputs);
}
