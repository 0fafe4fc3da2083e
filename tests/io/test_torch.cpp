/// \file
/// Fields and flows read what PyTorch stored, write it again, and refuse what does not fit. test_torch_peers.cpp
/// compares with what PyTorch computed.
#include <pathline/io/torch.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/ode/control/step_control.hpp>
#include <pathline/ode/explicit/tableaux.hpp>

#include <support/catch.hpp>
#include <support/folder.hpp>

#include <filesystem>
#include <limits>
#include <string>
#include <utility>

namespace {

using namespace pathline;
using io::TorchNames;
using io::TorchTime;
namespace fs = std::filesystem;

fs::path weights_of(const std::string& name) { return test_data("torch/" + name + ".safetensors"); }

}  // namespace

TEST_CASE("load_torch: a flow takes the weights of its field", "[io][torch]") {
  Rng rng(7);
  SquashMlp<double, Tanh> field(2, {8, 6}, rng);
  Cnf flow(field, Rk4{}, FixedSteps(8));
  const TorchNames names{.prefix = "chain.0.odefunc.diffeq."};
  io::load_torch(weights_of("concat_squash"), flow, names);
  io::load_torch(weights_of("concat_squash"), field, names);
  CHECK(flow.parameters() == field.parameters());
}

TEST_CASE("load_torch: ShallowMlp takes what Mlp takes", "[io][torch]") {
  Rng rng(7);
  Mlp<double, Softplus> field(2, {8, 6}, rng);
  Network shallow(ShallowMlp<double, Softplus>(2, {8, 6}), rng);
  const TorchNames names{.prefix = "chain.0.odefunc.diffeq.", .time = TorchTime::first_column};
  io::load_torch(weights_of("concat"), field, names);
  io::load_torch(weights_of("concat"), shallow, names);
  CHECK(shallow.parameters() == field.parameters());
}

TEST_CASE("save_torch: a field is written under names of its own, and read again", "[io][torch]") {
  const Folder folder;
  const fs::path path = folder.path / "field.safetensors";
  const auto again = [&](auto field, const TorchNames& names) {
    io::save_torch(path, field, names);
    auto copy = field;
    copy.parameters().setZero();
    io::load_torch(path, copy, names);
    CHECK(copy.parameters() == field.parameters());
  };
  Rng rng(7);
  again(Mlp<float, Tanh>(2, {4, 3}, rng, 3), {.prefix = "net.", .time = TorchTime::last_column});
  again(SquashMlp<float, Tanh>(2, {4, 3}, rng, 2), {.layers = {"in", "hidden", "out"}});
  again(Network(Potential<float>(2, 4, 2), rng), {.prefix = "phi."});
}

TEST_CASE("load_torch refuses a file that does not fit, and changes nothing", "[io][torch][errors]") {
  Rng rng(7);
  Mlp<double, Tanh> field(2, {8, 8}, rng);
  const Vector<double> before = field.parameters();
  const auto refused = [&](const std::string& name, const TorchNames& names, const std::string& words) {
    INFO(name);
    CHECK_THROWS_WITH(io::load_torch(weights_of(name), field, names), ContainsSubstring(words));
    CHECK(field.parameters() == before);
  };
  refused("sequential", {.prefix = "net."}, "TorchNames::time is not given, expected TorchTime::first_column");
  refused("sequential", {.prefix = "net.", .time = TorchTime::first_column},
          "\"net.0.weight\" has shape [8, 2], expected [8, 3]; \"net.2.weight\" has shape [8, 8], expected [8, 9]; "
          "\"net.4.weight\" has shape [2, 8], expected [2, 9]");
  refused("sequential", {.prefix = "model.", .time = TorchTime::none},
          "number of layers is 0, expected 3 with weights of shape [8, 2], [8, 8], [2, 8]; no name opens with "
          "\"model.\" and "
          "ends in \"weight\"; the file has net.0.");
  refused("time_once", {.prefix = "net.", .time = TorchTime::none},
          "number of layers is 6, expected 3 with weights of shape [8, 2], [8, 8], [2, 8]; found net.1.weight [5, 4], "
          "net.3.weight [5, 5], net.5.weight [5, 5], net.7.weight [5, 5], net.9.weight [5, 5], net.11.weight [3, 5]");
  refused("concat_squash", {.time = TorchTime::none}, "number of layers is 9, expected 3");
  CHECK_THROWS_AS(io::load_torch(weights_of("concat_squash"), field, {.time = TorchTime::none}), io::TensorError);
  CHECK_THROWS_AS(io::load_torch(weights_of("sequential"), field, {.prefix = "net."}), ArgumentError);
  CHECK_THROWS_AS(io::load_torch(weights_of("none of this name"), field, {.time = TorchTime::none}), FileError);

  // It names all that is missing, of another shape, or one too many.
  Network potential(Potential<double>(2, 8, 1), rng);
  const Vector<double> old = potential.parameters();
  CHECK_THROWS_WITH(io::load_torch(weights_of("ot_flow"), potential),
                    ContainsSubstring("\"N.layers.2.bias\" of shape [8] is one too many; \"N.layers.2.weight\" of "
                                      "shape [8, 8] is one too many"));
  Network deeper(Potential<double>(2, 7, 3), rng);
  CHECK_THROWS_WITH(io::load_torch(weights_of("ot_flow"), deeper),
                    ContainsSubstring("\"N.layers.0.weight\" has shape [8, 3], expected [7, 3]; ") &&
                        ContainsSubstring("\"N.layers.3.weight\" is missing, expected with shape [7, 7]"));
  CHECK(potential.parameters() == old);
}

TEST_CASE("save_torch refuses what the module could not compute", "[io][torch][errors]") {
  const Folder folder;
  const fs::path path = folder.path / "field.safetensors";
  Rng rng(7);
  Mlp<float, Tanh> field(2, {4}, rng);
  CHECK_THROWS_WITH(io::save_torch(path, field, {.time = TorchTime::last_column_once}),
                    ContainsSubstring("a weight of a side input is ") && ContainsSubstring("expected 0"));
  CHECK_THROWS_WITH(io::save_torch(path, field, {.layers = {"a"}, .time = TorchTime::first_column}),
                    ContainsSubstring("number of names in TorchNames::layers is 1, expected 2"));
  auto moved_from = field;
  const auto other = std::move(moved_from);
  CHECK_THROWS_AS(io::save_torch(path, moved_from, {.time = TorchTime::first_column}), ShapeError);
  CHECK_THROWS_AS(io::load_torch(weights_of("concat"), moved_from, {.time = TorchTime::first_column}), ShapeError);
  field.parameters()(3) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(io::save_torch(path, field, {.time = TorchTime::first_column}), ArgumentError);
  CHECK(!fs::exists(path));
}

static_assert(io::TorchModule<Mlp<float, Tanh>>);
static_assert(io::TorchModule<const SquashMlp<float, Tanh>>);
static_assert(io::TorchModule<Network<Potential<double>>>);
static_assert(io::TorchModule<Cnf<Mlp<float, Tanh>, Rk4, FixedSteps>>);
static_assert(!io::TorchModule<Network<Linear<float>>>);
static_assert(!io::TorchModule<FieldStack<Linear<float>>>);
