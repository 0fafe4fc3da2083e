#include <pathline/train/step/mini_batch_loss.hpp>

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/train/batch_source.hpp>

#include <support/catch.hpp>
#include <support/memory_keeper.hpp>

#include <array>
#include <vector>

using namespace pathline;

namespace {

struct NoNumbers {};  // of a source: samples are numbered as in its mini-batches

}  // namespace

TEST_CASE("The loss of a mini-batch has its factors, where they are the model's numbers", "[train][source]") {
  const test::NoisyMean model{.noise = 0};
  const Batch<double> X{{1, 3}, {0, 4}};
  const std::vector<Index> samples{0, 1};
  test::NoisyMean::Memory memory;
  test::NoisyMean::Loss loss;
  const auto loss_of = [&](const auto& batch) {
    detail::set_loss_of(model, NoNumbers{}, batch, Draw{1, 0}, memory, loss);
    return loss.loss;
  };
  CHECK(loss_of(MiniBatch<const Batch<double>&, double>{X, samples}) == Approx(0.5 * (1 + 25) / 2));
  const std::array<double, 2> factors{2, 0.5};
  CHECK(loss_of(MiniBatch<const Batch<double>&, double>{X, samples, factors}) == Approx(0.5 * (2 + 12.5) / 2));
  // Of another scalar: none will do, and some are refused.
  CHECK(loss_of(MiniBatch<const Batch<double>&, float>{X, samples}) == Approx(0.5 * (1 + 25) / 2));
  const std::array<float, 2> floats{2, 0.5F};
  CHECK_THROWS_WITH(loss_of(MiniBatch<const Batch<double>&, float>{X, samples, floats}),
                    "fit: factors of a mini-batch is given, expected none: the model's value_and_gradient takes no "
                    "weights, or none of this scalar");
}
