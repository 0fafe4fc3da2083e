/// \file
/// Fields of every layer of the library in files: read again they are the same, and each number of θ has a name.
#include <pathline/io/model/fields.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/io/model.hpp>
#include <pathline/io/model/networks.hpp>
#include <pathline/io/model/time_layers.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/compose/blend.hpp>
#include <pathline/nn/compose/repeat.hpp>
#include <pathline/nn/compose/residual.hpp>
#include <pathline/nn/compose/scaled.hpp>
#include <pathline/nn/compose/separable_field.hpp>
#include <pathline/nn/compose/sequential.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/compose/split_field.hpp>
#include <pathline/nn/compose/sum.hpp>
#include <pathline/nn/layer/concat_squash.hpp>
#include <pathline/nn/layer/dense.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/hyper_linear.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/periodic_mlp.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/squash_mlp.hpp>
#include <pathline/nn/time/autonomous.hpp>
#include <pathline/nn/time/controlled.hpp>
#include <pathline/nn/time/interpolants.hpp>
#include <pathline/nn/time/learned_end_time.hpp>
#include <pathline/nn/time/time_embedding.hpp>
#include <pathline/nn/time/time_gain.hpp>

#include <support/catch.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace pathline;

std::set<std::string> names_of(const io::TensorFile& file) {
  std::set<std::string> names;
  for (const io::Tensor& tensor : file.tensors) {
    CHECK(tensor.name.find("field.") == 0);
    names.insert(tensor.name.substr(6));
  }
  return names;
}
void check_same(const Vector<double>& theta, const Vector<double>& expected) { CHECK(theta == expected); }

// Names of the tensors. The field is read again, and into one of other parameters.
template <class F>
std::set<std::string> check_field(const F& field) {
  const io::TensorFile file = io::to_tensors(field);
  const F read = io::from_tensors<F>(file);
  check_same(read.parameters(), field.parameters());
  CHECK(io::to_tensors(read).metadata == file.metadata);
  F other = field;
  other.parameters() *= 0.5;
  io::from_tensors(file, other);
  check_same(other.parameters(), field.parameters());
  return names_of(file);
}

using Names = std::set<std::string>;
using Hidden = Dense<double, Tanh>;

}  // namespace

TEST_CASE("io: networks with a name of their own number their affine layers", "[io]") {
  Rng rng(1);
  CHECK(check_field(Mlp<double, Tanh>(2, {3}, rng)) ==
        Names{"0.side_weight", "0.weight", "0.bias", "1.side_weight", "1.weight", "1.bias"});
  CHECK(check_field(Mlp<double, Softplus>(2, {}, rng, 0)) == Names{"0.weight", "0.bias"});
  CHECK(check_field(SquashMlp<double, Tanh>(2, {3}, rng, 2)).count("1.gate.weight") == 1);
  const std::vector<Circle> circles{{.component = 1}};
  const PeriodicMlp<double, Swish> periodic(2, circles, {3}, rng);
  CHECK(check_field(periodic).size() == 6);
  CHECK(io::from_tensors<PeriodicMlp<double, Swish>>(io::to_tensors(periodic)).circles() == std::vector<Index>{1});
  CHECK(check_field(Network(ShallowMlp<double, Sigmoid>(2, {3, 4}), rng)).size() == 9);
  CHECK(check_field(Network(Potential<double>(2, 3, 2), rng)) ==
        Names{"N.layers.0.weight", "N.layers.0.bias", "N.layers.1.weight", "N.layers.1.bias", "N.layers.2.weight",
              "N.layers.2.bias", "w.weight", "A", "c.weight"});
  // The layers of an Mlp are what counts, not the class.
  const Network<Mlp<double, Tanh>::Layers> network(Mlp<double, Tanh>::layers(2, {3}), rng);
  CHECK(io::from_tensors<Mlp<double, Tanh>>(io::to_tensors(network)).parameters() == network.parameters());
}

TEST_CASE("io: compositions of layers name their parts", "[io]") {
  Rng rng(1);
  const Linear<double> linear(2, 2);
  CHECK(check_field(Network(Sequential(Repeat<Hidden>(2, {Hidden(2, 2), Hidden(2, 3)}), Residual(Hidden(3, 3), 0.1),
                                       Linear<double>(3, 2, 0)),
                            rng))
            .count("1.layer.bias") == 1);
  CHECK(check_field(Network(Blend<Linear<double>>(Linear<double>(2, 2, 0), linear), rng)).count("second.weight") == 1);
  CHECK(check_field(Network(HyperLinear<double>(2, 2, 2), rng)) ==
        Names{"weight", "bias", "side.0.weight", "side.0.bias", "side.1.weight", "side.1.bias"});
  CHECK(check_field(Network(Elementwise<double, Sine>(2), rng)).empty());
  CHECK(check_field(Network(Autonomous(Linear<double>(2, 2, 0)), rng)) == Names{"layer.weight", "layer.bias"});
  CHECK(check_field(Network(TimeGain(linear), rng)).count("gain") == 1);
  CHECK(check_field(Network(LearnedEndTime(linear, 3.0, 0.5), rng)).count("log_length") == 1);
  CHECK(check_field(Network(TimeEmbedding(Linear<double>(2, 2, 4), 2, 0.7, 1.9), rng)).size() == 3);
  const Batch<double> signal = Batch<double>::Random(1, 4);
  CHECK(check_field(Network(Controlled(Linear<double>(2, 2, 2), LinearInterpolant<double>({0, 1, 2, 4}, signal)), rng))
            .count("signal.times") == 1);
  CHECK(check_field(Network(Controlled(Linear<double>(2, 2, 2), CubicInterpolant<double>({0, 1, 2, 4}, signal)), rng))
            .count("signal.slopes") == 1);
}

TEST_CASE("io: sums of fields are read with the parameters of all terms", "[io]") {
  Rng rng(1);
  const Mlp<double, Tanh> network(2, {3}, rng);
  const Network<Elementwise<double, Tanh>> known(Elementwise<double, Tanh>(2), rng);
  const Sum sum(Scaled(known, -2), network);
  CHECK(check_field(sum).count("1.0.weight") == 1);
  CHECK(check_field(Scaled(network, 0.3)).count("term.1.bias") == 1);
  CHECK(check_field(SplitField(known, network)).count("1.0.weight") == 1);
  CHECK(check_field(SeparableField(known, network)).count("force.0.weight") == 1);
}

TEST_CASE("io: stacks are read with the running statistics of their normalisations", "[io]") {
  Rng rng(1);
  auto layers = SquashMlp<double, Tanh>::layers(2, {3});
  FieldStack stack(layers, 2, rng, MovingNormalization{.epsilon = 1e-3, .decay = 0.2});
  stack.parameters() = Vector<double>::LinSpaced(stack.parameters().size(), 0.1, 0.9);
  const Names names = check_field(stack);
  CHECK(names.count("norms.2.running_var") == 1);
  CHECK(names.count("blocks.1.1.shift.weight") == 1);
  const io::TensorFile file = io::to_tensors(stack);
  CHECK(io::from_tensors<decltype(stack)>(file).normalization().decay == 0.2);
  CHECK(io::vector_of<double>(*file.find("field.norms.1.running_mean")) ==
        stack.parameters().segment(stack.normalization_offset(1) + 4, 2));
  CHECK(check_field(FieldStack(layers, 3, rng)).count("norms.0.bias") == 0);

  // A million normalisations of a million rows, of layers without parameters: none is made.
  io::TensorFile hostile;
  hostile.metadata = {{"part", "FieldStack"},
                      {"part.blocks", "1048576"},
                      {"part.normalization", "MovingNormalization"},
                      {"part.normalization.epsilon", "1"},
                      {"part.normalization.decay", "1"},
                      {"part.layer", "Elementwise"},
                      {"part.layer.rows", "1048576"},
                      {"part.layer.activation", "Tanh"}};
  io::detail::ReadingState state(hostile, io::Rounding::refuse);
  CHECK_FALSE(io::ModelReader(state).part<FieldStack<Elementwise<double, Tanh>, MovingNormalization>>("part"));
  CHECK(state.differences ==
        std::vector<std::string>{
            "part: number of parameters is 4398050705408, expected at most 0, the numbers of the file"});
}
