#include <pathline/io/torch/torch_layout.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_names.hpp>

#include <support/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

using namespace pathline;
using io::TorchNames;

namespace {

io::TensorFile file_of(const std::vector<std::string>& names) {
  io::TensorFile file;
  for (const std::string& name : names)
    file.tensors.push_back(io::tensor_of(name, Vector<float>(Vector<float>::Zero(2))));
  return file;
}

std::vector<std::string> stems(const io::TensorFile& file, const TorchNames& names, std::size_t count) {
  return io::detail::stems_of("load", names, &file, "weight", std::vector(count, std::vector<std::int64_t>{2}),
                              [](std::size_t) { return std::string(); });
}

}  // namespace

TEST_CASE("Layers are found by their names: in the order of numbers, or as the program names them", "[io][torch]") {
  using Names = std::vector<std::string>;
  const io::TensorFile file = file_of({"net.10.weight", "net.2.weight", "net.2.bias", "net.10.bias", "head.0.weight"});
  CHECK(stems(file, {.prefix = "net."}, 2) == Names{"net.2.", "net.10."});
  CHECK(stems(file, {.prefix = "net.", .layers = {"10", "2"}}, 2) == Names{"net.10.", "net.2."});
  CHECK(stems(file_of({"weight", "bias"}), {}, 1) == Names{""});
  CHECK(stems(file_of({"net.0.weight"}), {.prefix = "net.0."}, 1) == Names{"net.0."});
  CHECK(stems(file_of({"a.0.weight", "a.0.edge_weight"}), {}, 1) == Names{"a.0."});
  CHECK(stems(file, {.prefix = "x.", .layers = {"", "b"}}, 2) == Names{"x.", "x.b."});
}

TEST_CASE("Layers without an order, or of another number, are refused", "[io][torch][errors]") {
  const io::TensorFile named = file_of({"first.weight", "hidden.weight"});
  CHECK_THROWS_AS(stems(named, {}, 2), io::TensorError);
  CHECK_THROWS_WITH(stems(named, {}, 2),
                    "load: no number tells which of \"first.weight\" and \"hidden.weight\" comes first; name the "
                    "layers in their order by TorchNames::layers");
  CHECK_THROWS_WITH(
      stems(named, {}, 1),
      "load: number of layers is 2, expected 1 with weights of shape [2]; found first.weight [2], hidden.weight "
      "[2]");
  CHECK_THROWS_WITH(
      stems(named, {.prefix = "net."}, 1),
      "load: number of layers is 0, expected 1 with weights of shape [2]; no name opens with \"net.\" and ends in "
      "\"weight\"; the file has first.weight, hidden.weight");
  CHECK_THROWS_AS(stems(named, {.layers = {"first"}}, 2), ArgumentError);
}
