/// \file
/// Flows in files: the same bits when they are read, every difference by name, and no change where one is refused.
#include <pathline/io/model.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/regularizer/kinetic_energy.hpp>
#include <pathline/flow/settings.hpp>
#include <pathline/flow/trace/trace.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/io/number_text.hpp>
#include <pathline/io/safetensors.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using namespace pathline;

template <Real Scalar>
Batch<Scalar> points() {
  return Batch<Scalar>::NullaryExpr(2, 5, [](Index i, Index j) { return Scalar(std::sin(1.5 * double(3 * i + j))); });
}

template <Real Scalar>
using Flow = Cnf<Mlp<Scalar, Tanh>, Hutchinson<Rademacher>, PiController, Standardize<Scalar>, KineticEnergy, TimeSpan>;

template <Real Scalar>
Flow<Scalar> make_flow(std::uint64_t seed = 3, const std::vector<Index>& hidden = {5, 4}) {
  Rng rng(seed);
  const Batch<Scalar> data = Scalar(3) * points<Scalar>();
  return Flow<Scalar>(Mlp<Scalar, Tanh>(2, hidden, rng), Hutchinson<Rademacher>{.probes = 2},
                      PiController{.rtol = 1e-4, .atol = 3e-5}, Standardize<Scalar>(data),
                      KineticEnergy{.weight = 0.25}, TimeSpan{.data = 0.5, .base = 1.75});
}

// The differences that the error names.
template <class Call>
std::vector<std::string> differences(Call&& call) {
  try {
    call();
  } catch (const ModelError& error) {
    for (const std::string& one : error.differences) CHECK(std::string(error.what()).find(one) != std::string::npos);
    return error.differences;
  }
  return {};
}
template <class Model>
std::vector<std::string> differences(const io::TensorFile& file, Model model) {
  const Vector<typename Model::Scalar> before = model.parameters();
  const auto found = differences([&] { io::from_tensors(file, model); });
  CHECK(model.parameters() == before);
  return found;
}

}  // namespace

// That what is read gives the same bits: model/test_schemas.cpp.
TEST_CASE("io::load puts the sizes, settings and statistics of a file in place of a flow's", "[io]") {
  const Folder folder;
  const auto flow = make_flow<double>();
  const auto path = folder.path / "flow.safetensors";
  io::save(path, flow);
  CHECK(io::load_cnf<Mlp<double, Tanh>, Hutchinson<Rademacher>, PiController, Standardize<double>, KineticEnergy,
                     TimeSpan>(path)
            .parameters() == flow.parameters());
  auto other = make_flow<double>(8);
  other = Flow<double>(other.field(), Hutchinson<Rademacher>{}, PiController{}, Standardize<double>(points<double>()),
                       KineticEnergy{}, TimeSpan{});
  io::load(path, other);
  CHECK(other.parameters() == flow.parameters());
  CHECK(other.time_span().base == 1.75);
  CHECK(other.data_transform().mean() == flow.data_transform().mean());
  CHECK(io::to_tensors(other).metadata == io::to_tensors(flow).metadata);
}

TEST_CASE("io::save: parameters are row-major tensors with names, settings are texts", "[io]") {
  const auto flow = make_flow<double>();
  const io::TensorFile file = io::to_tensors(flow, {.texts = {{"author", "me"}}, .tensors = {}});
  const io::Tensor* weight = file.find("field.0.weight");
  REQUIRE(weight != nullptr);
  CHECK(weight->shape == std::vector<std::int64_t>{5, 2});
  // θ = [U | W | b]: U is 5 × 1, W 5 × 2, column by column.
  const Vector<double> theta = flow.parameters();
  CHECK(io::matrix_of<double>(*weight) == Eigen::Map<const Batch<double>>(theta.data() + 5, 5, 2));
  CHECK(io::matrix_of<double>(*file.find("field.0.side_weight")) == theta.head(5));
  CHECK(io::vector_of<double>(*file.find("field.2.bias")) == theta.tail(2));
  CHECK(io::vector_of<double>(*file.find("data_transform.mean")) == flow.data_transform().mean());
  CHECK(file.metadata.at("model") == "Cnf");
  CHECK(file.metadata.at("field") == "Mlp");
  CHECK(file.metadata.at("field.widths") == "2 5 4 2");
  CHECK(file.metadata.at("field.activation") == "Tanh");
  CHECK(file.metadata.at("solver") == "Dopri5");  // by default
  CHECK(io::parse_number<double>(file.metadata.at("step_control.atol")) == 3e-5);
  CHECK(file.metadata.at("regularizers.0.weight") == "0.25");
  CHECK(file.metadata.at("notes.author") == "me");
  CHECK(file.metadata.at("pathline.schema") == "1");
  CHECK(file.metadata.at("description").find("Cnf of double with ") == 0);
}

TEST_CASE("io::load: a file of float is read into double exactly, the way back only if it is asked for", "[io]") {
  const auto single = make_flow<float>();
  const auto wide = io::from_tensors<Flow<double>>(io::to_tensors(single));
  CHECK(wide.parameters() == single.parameters().cast<double>());

  const auto exact = make_flow<double>();
  io::TensorFile file = io::to_tensors(exact);
  const auto refused = differences(file, single);
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].find("scalar: the file has double, the program float") == 0);
  CHECK(refused[1].find("data_scalar: ") == 0);
  const auto rounded = io::from_tensors<Flow<float>>(file, io::Rounding::allow);
  CHECK(rounded.parameters() == exact.parameters().cast<float>());

  for (io::Tensor& tensor : file.tensors)
    if (tensor.name == "field.1.bias") tensor = io::tensor_of(tensor.name, Vector<double>::Constant(4, 1e60));
  const auto out_of_range = differences([&] { (void)io::from_tensors<Flow<float>>(file, io::Rounding::allow); });
  REQUIRE(out_of_range.size() == 1);
  CHECK(out_of_range[0].find("field.1.bias") != std::string::npos);
}

TEST_CASE("io::load names every difference from the model", "[io][errors]") {
  Rng rng(1);
  const io::TensorFile file = io::to_tensors(make_flow<double>());
  const Cnf other(SquashMlp<double, Tanh>(2, {5, 4}, rng), Rk4{}, FixedSteps(3), TimeSpan{});
  const auto found = differences(file, other);
  const auto names = [&](const std::string& text) {
    return std::count_if(found.begin(), found.end(), [&](const std::string& one) { return one.find(text) == 0; });
  };
  CHECK(names("field: the file has Mlp, the program SquashMlp") == 1);
  CHECK(names("solver: the file has Dopri5, the program Rk4") == 1);
  CHECK(names("step_control: the file has PiController, the program FixedSteps") == 1);
  CHECK(names("trace: the file has Hutchinson, the program ExactTrace") == 1);
  CHECK(names("data_transform: the file has Standardize, the program NoTransform") == 1);
  CHECK(names("regularizers: the file has 1, the program 0") == 1);
  CHECK(names("evaluation_solver.solver: ") == 1);

  const auto sizes = differences(file, make_flow<double>(3, {5, 6, 2}));
  const auto count = [&](const char* text) { return std::count(sizes.begin(), sizes.end(), text); };
  CHECK(count("field.widths: the file has 2 5 4 2, the program 2 5 6 2 2") == 1);
  CHECK(count("field.1.weight: the file has shape [4, 5], the program shape [6, 5]") == 1);
}

TEST_CASE("io::load: a file of a newer schema, or of no model, is refused", "[io][errors]") {
  io::TensorFile file = io::to_tensors(make_flow<double>());
  auto flow = make_flow<double>();
  file.metadata["pathline.schema"] = "2";
  file.metadata["pathline.version"] = "9.1.0";
  CHECK_THROWS_AS(io::from_tensors(file, flow), SchemaError);
  CHECK_THROWS_WITH(io::from_tensors(file, flow),
                    ContainsSubstring("written by pathline 9.1.0, schema 2; this is pathline"));
  file.metadata["pathline.schema"] = "-1";
  CHECK_THROWS_AS(io::from_tensors(file, flow), FileError);
  file.metadata.erase("pathline.schema");
  CHECK_THROWS_WITH(io::from_tensors(file, flow), ContainsSubstring("pathline.schema is missing"));
}

TEST_CASE("io::load refuses hostile values, and the flow is as it was", "[io][errors]") {
  const io::TensorFile good = io::to_tensors(make_flow<double>());
  const auto with_text = [&](const std::string& name, const std::string& text) {
    io::TensorFile file = good;
    file.metadata[name] = text;
    return file;
  };
  const auto with_tensor = [&](io::Tensor tensor) {
    io::TensorFile file = good;
    for (io::Tensor& one : file.tensors)
      if (one.name == tensor.name) one = tensor;
    return file;
  };
  const auto flow = make_flow<double>(4);
  for (const char* const text : {"-3", "nan", "2 -5 4 2", "1048577 5 2", "2 5 4 2 ", "", "2", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(differences(with_text("field.widths", text), flow).empty());
    CHECK_FALSE(differences([&] { (void)io::from_tensors<Flow<double>>(with_text("field.widths", text)); }).empty());
  }
  // Sizes that ask for 8 TB are refused before anything of that size is made.
  CHECK_FALSE(differences([&] {
                (void)io::from_tensors<Flow<double>>(with_text("field.widths", "2 1048576 1048576 2"));
              }).empty());
  for (const char* const text : {"nan", "", "1e-5x", "0x1", "one"}) {
    CAPTURE(text);
    CHECK_FALSE(differences(with_text("step_control.rtol", text), flow).empty());
  }
  // What a solve would refuse later.
  const std::vector<std::array<std::string, 3>> settings{
      {"step_control.rtol", "-1e-5", "step_control: solve: rtol is -1e-05, expected 0 or a positive number"},
      {"step_control.atol", "inf", "step_control: solve: atol is inf"},
      {"step_control.max_steps", "0", "step_control: solve: max_steps is 0"},
      {"step_control.min_factor", "-0.2", "step_control: solve: min_factor is -0.2"},
      {"evaluation_solver.step_control.rtol", "-1", "evaluation_solver.step_control: solve: rtol is -1"},
      {"trace.probes", "-2", "trace: Hutchinson: probes is -2"},
      {"chunk_width.columns", "-8", "the model: ChunkWidth: columns is -8"}};
  for (const auto& [name, text, message] : settings) {
    CAPTURE(name);
    const auto found = differences(with_text(name, text), flow);
    REQUIRE(found.size() == 1);
    CHECK(found[0].find(message) == 0);
  }
  CHECK_FALSE(differences(with_text("trace.probes", "1.5"), flow).empty());
  CHECK_FALSE(differences(with_text("scalar", "half"), flow).empty());
  CHECK_FALSE(differences(with_text("step_control.unheard_of", "1"), flow).empty());
  CHECK_FALSE(differences(with_text("gradient.outputs", "somewhere"), flow).empty());
  const auto no_time = differences(with_text("time_span.base", good.metadata.at("time_span.data")), flow);
  REQUIRE(no_time.size() == 1);
  CHECK(no_time[0].find("the model: TimeSpan is ") == 0);

  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const double number : {nan, infinity}) {
    Vector<double> bias = Vector<double>::Zero(4);
    bias(2) = number;
    const auto found = differences(with_tensor(io::tensor_of("field.1.bias", bias)), flow);
    REQUIRE(found.size() == 1);
    CHECK(found[0].find("field.1.bias: the file has ") == 0);
    CHECK(found[0].find(" at [2]") != std::string::npos);
  }
  CHECK_FALSE(differences(with_tensor(io::tensor_of("field.1.bias", Vector<double>::Zero(5))), flow).empty());
  CHECK_FALSE(
      differences(with_tensor(io::tensor_of("data_transform.deviation", Eigen::Vector2d(1, -1))), flow).empty());
  CHECK_FALSE(differences(with_tensor(io::tensor_of("data_transform.mean", Vector<double>::Zero(3))), flow).empty());

  io::TensorFile file = good;
  file.tensors.erase(file.tensors.begin() + 3);
  CHECK(differences(file, flow).size() == 1);
  file = good;
  file.tensors.push_back(io::tensor_of("field.3.bias", Vector<double>::Zero(2)));
  CHECK(differences(file, flow).size() == 1);
}

TEST_CASE("io::save writes nothing for parameters that are not finite", "[io][errors]") {
  const Folder folder;
  auto flow = make_flow<double>();
  flow.parameters()(7) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(io::save(folder.path / "flow.safetensors", flow), ArgumentError);
  CHECK_FALSE(std::filesystem::exists(folder.path / "flow.safetensors"));
}
