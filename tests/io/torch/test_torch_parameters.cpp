#include <pathline/io/torch/torch_parameters.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/types.hpp>
#include <pathline/io/format/byte_order.hpp>
#include <pathline/io/format/tensor_type.hpp>
#include <pathline/io/tensor.hpp>
#include <pathline/io/torch/torch_layout.hpp>

#include <support/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace pathline;
using io::Tensor;
using io::TensorFile;
using io::TensorType;
using io::detail::TorchLayout;

namespace {

// θ = [U (2 × 1) | W (2 × 1) | b (2)] of a module with the time last.
TorchLayout layout() {
  TorchLayout result;
  result.add("net.weight", {2, 2}, {{2, 2, 1}, {0, 2, 1}});
  result.add("net.bias", {2}, {{4, 2, 1}});
  return result;
}

template <class Scalar>
Vector<Scalar> load(const std::vector<Tensor>& tensors) {
  return io::detail::parameters_of_tensors<Scalar>("load", {.prefix = "net."}, {.tensors = tensors, .metadata = {}},
                                                   layout(), 6);
}

Batch<double> weight() { return Batch<double>{{1, 2}, {3, 4}}; }
Vector<double> bias() { return Vector<double>{{5, 6}}; }

Tensor half(TensorType type, std::vector<std::int64_t> shape, const std::vector<std::uint16_t>& bits) {
  Tensor tensor{.name = "net.weight", .type = type, .shape = std::move(shape), .bytes = {}};
  tensor.bytes.resize(2 * bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) io::detail::store_number(bits[i], tensor.bytes.data() + 2 * i);
  return tensor;
}

}  // namespace

TEST_CASE("Tensors become parameters and parameters tensors", "[io][torch]") {
  const Vector<double> expected{{2, 4, 1, 3, 5, 6}};
  const std::vector<Tensor> tensors{io::tensor_of("net.bias", bias()), io::tensor_of("net.weight", weight()),
                                    io::tensor_of("of another module", bias())};
  CHECK(load<double>(tensors) == expected);
  CHECK(load<float>(tensors) == expected.cast<float>());
  const TensorFile file = io::detail::tensors_of_parameters<double>("save", layout(), expected);
  REQUIRE(file.tensors.size() == 2);
  CHECK(io::matrix_of<double>(file.tensors[0]) == weight());
  CHECK(io::vector_of<double>(file.tensors[1]) == bias());
}

TEST_CASE("Halves are exact, doubles are rounded to floats", "[io][torch]") {
  const Tensor b = io::tensor_of("net.bias", bias());
  const Vector<double> expected{{2, 4, 1, 3, 5, 6}};
  CHECK(load<double>({half(TensorType::f16, {2, 2}, {0x3c00, 0x4000, 0x4200, 0x4400}), b}) == expected);
  CHECK(load<double>({half(TensorType::bf16, {2, 2}, {0x3f80, 0x4000, 0x4040, 0x4080}), b}) == expected);
  CHECK(load<float>({io::tensor_of("net.weight", Batch<double>(weight() / 10)), b})(2) == 0.1F);
}

TEST_CASE("Every tensor that does not fit is named at once", "[io][torch][errors]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string advice = "; see the field's widths and side inputs, and TorchNames";
  const auto problems = [](const std::vector<Tensor>& tensors) {
    try {
      (void)load<float>(tensors);
    } catch (const io::TensorError& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  CHECK(problems({}) ==
        "load: \"net.weight\" is missing, expected with shape [2, 2]; \"net.bias\" is missing, expected with shape "
        "[2]" +
            advice);
  CHECK(problems({io::tensor_of("net.weight", bias()), io::tensor_of("net.bias", std::vector<int>{1, 2}),
                  io::tensor_of("net.scale", bias())}) ==
        "load: \"net.weight\" has shape [2], expected [2, 2]; \"net.bias\" is of type I32, expected F64, F32, F16 or "
        "BF16; \"net.scale\" of shape [2] is one too many" +
            advice);
  CHECK(problems({io::tensor_of("net.weight", Batch<double>{{1, 2}, {infinity, 4}}),
                  io::tensor_of("net.bias", Vector<double>{{1, 1e300}})}) ==
        "load: \"net.weight\", number 2 is inf, expected a finite one; tensor \"net.bias\", number 1 of type F64 is "
        "1e+300, expected one that the type F32 holds" +
            advice);
}

TEST_CASE("Parameters that the module has no place for must be zero", "[io][torch][errors]") {
  TorchLayout once;
  once.add("net.weight", {2, 1}, {{2, 2, 1}});
  once.zeros.emplace_back(0, 2, 1);
  CHECK(io::detail::tensors_of_parameters<float>("save", once, Vector<float>{{0, 0, 1, 2}}).tensors.size() == 1);
  CHECK_THROWS_WITH(io::detail::tensors_of_parameters<float>("save", once, Vector<float>{{0, 3, 1, 2}}),
                    "save: parameters(1), a weight of a side input is 3, expected 0 where the module has no such "
                    "weight; see TorchNames::time");
}
