/// \file
/// Where the tensors of a module are in θ, in small numbers.
#include <pathline/io/torch/torch_modules.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/torch/torch_layout.hpp>
#include <pathline/io/torch/torch_names.hpp>
#include <pathline/nn/potential/potential.hpp>

#include <support/catch.hpp>

#include <string>
#include <vector>

using namespace pathline;
using io::TorchNames;
using io::TorchTime;
using io::detail::TorchLayout;

namespace {

// The indices into θ of a tensor's numbers, in its own order.
std::vector<Index> places(const TorchLayout& layout, const std::string& name) {
  std::vector<Index> result;
  for (const auto& tensor : layout.tensors)
    if (tensor.name == name)
      for (Index i = 0; !tensor.blocks.empty() && i < tensor.blocks.front().rows; ++i)
        for (const auto& block : tensor.blocks)
          for (Index j = 0; j < block.columns; ++j) result.push_back(block.at(i, j));
  return result;
}

TorchLayout linear(const TorchNames& names, Index side) {
  return io::detail::linear_layout("save", names, nullptr, {{2, 2, side}, {2, 1, side}});
}

}  // namespace

TEST_CASE("nn.Linear: a weight's rows are columns of [U | W], wherever the module has the side inputs", "[io][torch]") {
  using Places = std::vector<Index>;
  // θ = [U (2 × 1) | W (2 × 2) | b (2) | U (1 × 1) | W (1 × 2) | b (1)].
  const TorchLayout first = linear({.time = TorchTime::first_column}, 1);
  CHECK(places(first, "0.weight") == Places{0, 2, 4, 1, 3, 5});
  CHECK(places(first, "0.bias") == Places{6, 7});
  CHECK(places(first, "2.weight") == Places{8, 9, 10});
  CHECK(places(first, "2.bias") == Places{11});
  CHECK(first.zeros.empty());
  const TorchLayout last = linear({.prefix = "net.", .time = TorchTime::last_column}, 1);
  CHECK(places(last, "net.0.weight") == Places{2, 4, 0, 3, 5, 1});
  const TorchLayout once = linear({.layers = {"a", "b"}, .time = TorchTime::last_column_once}, 1);
  CHECK(places(once, "a.weight") == Places{2, 4, 0, 3, 5, 1});
  CHECK(places(once, "b.weight") == Places{9, 10});
  REQUIRE(once.zeros.size() == 1);
  CHECK(once.zeros[0].at(0, 0) == 8);
  CHECK(places(linear({.time = TorchTime::none}, 1), "0.weight") == Places{2, 4, 3, 5});
  CHECK(places(linear({}, 0), "0.weight") == Places{0, 2, 1, 3});
  // Time, then context: two columns that stay in their order.
  CHECK(places(linear({.time = TorchTime::last_column}, 2), "0.weight") == Places{4, 6, 0, 2, 5, 7, 1, 3});
}

TEST_CASE("The column of time is given where it is needed, and there alone", "[io][torch][errors]") {
  CHECK_THROWS_AS(linear({}, 1), ArgumentError);
  CHECK_THROWS_WITH(linear({.time = TorchTime::last_column}, 0),
                    "save: TorchNames::time is given, expected none, since the field has no side inputs");
  const auto squash = [](const TorchNames& names) {
    return io::detail::squash_layout("save", names, nullptr, {{2, 1, 1}});
  };
  CHECK_THROWS_AS(squash({.time = TorchTime::first_column}), ArgumentError);
  CHECK(places(squash({}), "layers.0._hyper_bias.weight") == std::vector<Index>{5});
  const auto phi = [](const TorchNames& names) {
    return io::detail::torch_layout("save", names, nullptr, Potential<double>(1, 1, 1));
  };
  CHECK_THROWS_AS(phi({.time = TorchTime::first_column}), ArgumentError);
  CHECK_THROWS_AS(phi({.layers = {"N"}}), ArgumentError);
  CHECK(places(phi({}), "A") == std::vector<Index>{6, 8, 7, 9});
}
