/// \file
/// Types of a program's own in files: a field, a layer, a regularizer and a base, each with a description of a few
/// lines, in support/described_types.hpp.
#include <pathline/io/model/described.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/io/model.hpp>
#include <pathline/nn/layer/elementwise.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/network.hpp>

#include <support/catch.hpp>
#include <support/described_types.hpp>

namespace {

using namespace pathline;
using namespace own_types;

}  // namespace

TEST_CASE("io: a flow of a program's own parts is saved and read by their descriptions", "[io]") {
  Line line;
  line.theta = Eigen::Vector2d(-0.5, 0.25);
  const Cnf flow(line, SpeedLimit{.weight = 2, .speed = 0.5}, WideNormal(3));
  const io::TensorFile file = io::to_tensors(flow);
  CHECK(io::vector_of<double>(*file.find("field.slope"))(0) == -0.5);
  CHECK(file.metadata.at("base.width") == "3");
  const auto read = io::from_tensors<decltype(flow)>(file);
  const Batch<double> X = Batch<double>::Constant(2, 1, 0.4);
  CHECK(read.log_prob(X) == flow.log_prob(X));
  CHECK(read.parameters() == line.theta);
  CHECK(io::to_tensors(read).metadata.at("regularizers.0.speed") == "0.5");

  Rng rng(1);
  const Network network(Sequential(Linear<double>(2, 2), Elementwise<double, Cube>(2)), rng);
  CHECK(io::to_tensors(network).metadata.at("field.1.activation") == "Cube");
}

TEST_CASE("io: a description that leaves out parameters, or names two alike, is refused", "[io][errors]") {
  CHECK_THROWS_WITH(io::to_tensors(Forgetful{}), ContainsSubstring("name is 1, expected 2"));
  io::Description description;
  description.setting("weight", 1.0);
  CHECK_THROWS_AS(description.setting("weight", 2.0), ArgumentError);
}
