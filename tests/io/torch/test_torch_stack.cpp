#include <pathline/io/torch/torch_stack.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/stack/field_stack.hpp>
#include <pathline/flow/stack/moving_normalization.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_layout.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/squash_mlp.hpp>

#include <support/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace pathline;

TEST_CASE("Every parameter of a stack is in one tensor, blocks and normalisations in their order", "[io][torch]") {
  Rng rng(7);
  const auto check = [](const auto& stack, const std::vector<std::string>& firsts) {
    const auto layout = io::detail::torch_layout("save", {}, nullptr, stack);
    std::vector<Index> places;
    for (const auto& tensor : layout.tensors)
      for (const auto& block : tensor.blocks)
        for (Index j = 0; j < block.columns; ++j)
          for (Index i = 0; i < block.rows; ++i) {
            places.push_back(block.at(i, j));
            if (places.back() == 0) CHECK(tensor.name == firsts[0]);
            if (places.back() == stack.block_offset(1)) CHECK(tensor.name == firsts[1]);
          }
    std::sort(places.begin(), places.end());
    REQUIRE(Index(places.size()) == stack.parameters().size());
    for (Index i = 0; i < stack.parameters().size(); ++i) CHECK(places[std::size_t(i)] == i);
  };
  const auto layers = SquashMlp<float, Tanh>::layers(2, {3});
  check(FieldStack(layers, 2, rng, MovingNormalization{}),
        {"chain.0.weight", "chain.3.odefunc.diffeq.layers.0._layer.weight"});
  check(FieldStack(layers, 3, rng),
        {"chain.0.odefunc.diffeq.layers.0._layer.weight", "chain.1.odefunc.diffeq.layers.0._layer.weight"});
}

TEST_CASE("Blocks of a stack have one end time", "[io][torch][errors]") {
  const auto check = [](float second) {
    const io::TensorFile file{.tensors = {io::tensor_of("a", 1.5F), io::tensor_of("c", second)}, .metadata = {}};
    io::detail::require_one_end_time("load", file, {"a", "b", "c"});
  };
  CHECK_NOTHROW(check(1.5F));
  CHECK_THROWS_AS(check(1.25F), io::TensorError);
  CHECK_THROWS_WITH(check(1.25F), "load: \"c\" is another number than \"a\", expected one end time for all blocks");
}
