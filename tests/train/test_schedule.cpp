// Each schedule against its formula.
#include <pathline/train/schedule.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

using namespace pathline;

namespace {

struct NoRate {};
struct WordRate {
  const char* rate(double, const TrainingProgress&) const { return ""; }
};
static_assert(Schedule<ConstantRate> && Schedule<Cosine> && Schedule<WarmUpThenCosine> && Schedule<OneCycle> &&
              Schedule<StepDecay> && Schedule<OnPlateau> && !Schedule<NoRate> && !Schedule<WordRate>);

/// Of step `step` of 40, ten in each of four epochs.
TrainingProgress at(Index step) { return {.epoch = (step - 1) / 10 + 1, .epochs = 4, .step = step, .steps = 40}; }

double rate_after(const OnPlateau& schedule, const std::vector<double>& criteria) {
  return schedule.rate(1, {.epoch = 1, .epochs = 9, .step = 1, .steps = 9, .criteria = criteria});
}

}  // namespace

TEST_CASE("Cosine is half a cosine over the epochs, constant within each", "[train][schedule]") {
  const Cosine schedule{.final_rate = 0.1};
  for (Index step = 1; step <= 40; ++step) {
    const double phase = std::numbers::pi * double((step - 1) / 10) / 3;  // 0, π/3, 2π/3, π
    CHECK(schedule.rate(0.5, at(step)) == Approx(0.1 + 0.2 * (1 + std::cos(phase))).epsilon(1e-15));
  }
  CHECK(schedule.rate(0.5, at(1)) == 0.5);
  CHECK(schedule.rate(0.5, at(40)) == Approx(0.1).epsilon(1e-15));
  CHECK(schedule.rate(0.5, {.epoch = 1, .epochs = 1, .step = 3, .steps = 9}) == 0.5);
}

TEST_CASE("WarmUpThenCosine rises in equal parts, then falls to the last step", "[train][schedule]") {
  const WarmUpThenCosine schedule{.warm_up_epochs = 1.5, .final_rate = 0.1};
  for (Index step = 1; step <= 15; ++step)
    CHECK(schedule.rate(0.5, at(step)) == Approx(0.5 * double(step) / 15).epsilon(1e-15));
  for (Index step = 15; step <= 40; ++step) {
    const double phase = std::numbers::pi * double(step - 15) / 25;
    CHECK(schedule.rate(0.5, at(step)) == Approx(0.1 + 0.2 * (1 + std::cos(phase))).epsilon(1e-15));
  }
  const WarmUpThenCosine at_once{.warm_up_epochs = 0};
  CHECK(at_once.rate(0.5, at(1)) == 0.5);
  CHECK(at_once.rate(0.5, at(40)) == Approx(0).margin(1e-16));
  // A warm-up as long as the run, or longer, or a run of one step.
  CHECK(WarmUpThenCosine{.warm_up_epochs = 4}.rate(0.5, at(40)) == 0.5);
  CHECK(WarmUpThenCosine{.warm_up_epochs = 8}.rate(0.5, at(40)) == 0.25);
  CHECK(at_once.rate(0.5, {}) == 0.5);
}

TEST_CASE("OneCycle rises to the peak and falls far below its start", "[train][schedule]") {
  const OneCycle schedule{.warm_up_fraction = 0.3, .start_divisor = 10, .final_divisor = 100};
  const double start = 0.05, last = 0.0005;  // of the peak 0.5, which step 12 = 0.3 · 40 has
  for (Index step = 1; step <= 40; ++step) {
    const double up = double(step - 1) / 11, down = double(step - 12) / 28;
    const double cosine = step < 12 ? start + (0.5 - start) * (1 - std::cos(std::numbers::pi * up)) / 2
                                    : last + (0.5 - last) * (1 + std::cos(std::numbers::pi * down)) / 2;
    const double line = step < 12 ? start + (0.5 - start) * up : 0.5 + (last - 0.5) * down;
    CHECK(schedule.rate(0.5, at(step)) == Approx(cosine).epsilon(1e-14));
    OneCycle linear = schedule;
    linear.anneal = Anneal::linear;
    CHECK(linear.rate(0.5, at(step)) == Approx(line).epsilon(1e-14));
  }
  CHECK(schedule.rate(0.5, at(1)) == Approx(start).epsilon(1e-14));
  CHECK(schedule.rate(0.5, at(12)) == Approx(0.5).epsilon(1e-14));
  CHECK(schedule.rate(0.5, at(40)) == Approx(last).epsilon(1e-14));
}

TEST_CASE("OneCycle's defaults are those of OneCycleLR", "[train][schedule]") {
  // OneCycleLR(optimizer, max_lr=0.5, total_steps=n).get_last_lr()[0] before step 1, 2, … of torch 2.15. The peak
  // lies between two steps of 8: 0.3 · 8 - 1 = 1.4 after the first.
  const std::vector<double> of_eight{0.020000000000000018, 0.409637552446096,   0.4859708886937616, 0.4058728269748815,
                                     0.2779920070613508,   0.14153049910434962, 0.0383207969171282, 2e-06};
  for (Index step = 1; step <= 8; ++step)
    CHECK(OneCycle{}.rate(0.5, {.step = step, .steps = 8}) == Approx(of_eight[std::size_t(step - 1)]).epsilon(1e-13));
  // Where no step rises or none falls, or there is one step only.
  CHECK(OneCycle{.warm_up_fraction = 0}.rate(0.5, at(1)) == Approx(0.5).epsilon(1e-14));
  CHECK(OneCycle{.warm_up_fraction = 0}.rate(0.5, at(40)) == Approx(0.5 / 25e4).epsilon(1e-12));
  CHECK(OneCycle{.warm_up_fraction = 1}.rate(0.5, at(1)) == Approx(0.02).epsilon(1e-14));
  CHECK(OneCycle{.warm_up_fraction = 1}.rate(0.5, at(40)) == 0.5);
  CHECK(OneCycle{}.rate(0.5, {}) == 0.5);
}

TEST_CASE("StepDecay multiplies after every so many epochs", "[train][schedule]") {
  const StepDecay schedule{.every = 2, .factor = 0.5};
  CHECK(schedule.rate(0.5, at(1)) == 0.5);
  CHECK(schedule.rate(0.5, at(20)) == 0.5);
  CHECK(schedule.rate(0.5, at(21)) == 0.25);
  CHECK(schedule.rate(0.5, at(40)) == 0.25);
  CHECK(schedule.rate(0.5, {.epoch = 9, .epochs = 9}) == 0.5 / 16);
  CHECK(ConstantRate{}.rate(0.5, at(40)) == 0.5);
}

TEST_CASE("OnPlateau multiplies whenever patience is over, and counts anew", "[train][schedule]") {
  const OnPlateau schedule{.patience = 2, .factor = 0.5};
  CHECK(rate_after(schedule, {}) == 1);
  CHECK(rate_after(schedule, {3, 2, 2.5}) == 1);
  CHECK(rate_after(schedule, {3, 2, 2.5, 2}) == 0.5);  // as good as the best is no gain
  CHECK(rate_after(schedule, {3, 2, 2.5, 2, 2.5}) == 0.5);
  CHECK(rate_after(schedule, {3, 2, 2.5, 2, 2.5, 2.5}) == 0.25);
  CHECK(rate_after(schedule, {3, 2, 2.5, 1, 2.5}) == 1);
  CHECK(rate_after(schedule, {-1, -2, -1.5, -1.5}) == 0.5);
  // Gains that are too small do not move the mark either: -0.4 and -0.8 are not a gain of 1 from 0, -1.2 is.
  const OnPlateau demanding{.patience = 3, .factor = 0.5, .least_gain = 1};
  CHECK(rate_after(demanding, {0, -0.4, -0.8, -1.2, -1.5, -1.9}) == 1);
  CHECK(rate_after(demanding, {0, -0.4, -0.8, -0.9}) == 0.5);
  const OnPlateau bounded{.patience = 1, .factor = 0.1, .least_rate = 0.03};
  CHECK(rate_after(bounded, {0, 0, 0, 0}) == 0.03);
}

TEST_CASE("Each schedule refuses settings out of range by name", "[train][schedule][errors]") {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH((Cosine{.final_rate = -1}.check(0.1)),
                    "Cosine: final_rate is -1, expected from 0 to the optimizer's learning_rate, 0.1");
  CHECK_THROWS_WITH((WarmUpThenCosine{.warm_up_epochs = -1}.check(0.1)),
                    "WarmUpThenCosine: warm_up_epochs is -1, expected at least 0");
  CHECK_THROWS_WITH((WarmUpThenCosine{.final_rate = 0.2}.check(0.1)),
                    "WarmUpThenCosine: final_rate is 0.2, expected from 0 to the optimizer's learning_rate, 0.1");
  CHECK_THROWS_WITH((OneCycle{.warm_up_fraction = 1.5}.check(0.1)),
                    "OneCycle: warm_up_fraction is 1.5, expected from 0 to 1");
  CHECK_THROWS_WITH((OneCycle{.start_divisor = 0}.check(0.1)),
                    "OneCycle: start_divisor is 0, expected a number of at least 1");
  CHECK_THROWS_WITH((OneCycle{.final_divisor = not_a_number}.check(0.1)),
                    "OneCycle: final_divisor is nan, expected a number of at least 1");
  CHECK_THROWS_WITH((StepDecay{.every = 0}.check(0.1)), "StepDecay: every is 0, expected at least 1 epoch");
  CHECK_THROWS_WITH((StepDecay{.factor = 0}.check(0.1)), "StepDecay: factor is 0, expected above 0 and at most 1");
  CHECK_THROWS_WITH((OnPlateau{.patience = 0}.check(0.1)), "OnPlateau: patience is 0, expected at least 1 validation");
  CHECK_THROWS_WITH((OnPlateau{.factor = 1}.check(0.1)), "OnPlateau: factor is 1, expected above 0 and below 1");
  CHECK_THROWS_WITH((OnPlateau{.least_gain = not_a_number}.check(0.1)),
                    "OnPlateau: least_gain is nan, expected at least 0");
  CHECK_THROWS_WITH((OnPlateau{.least_rate = 1}.check(0.1)),
                    "OnPlateau: least_rate is 1, expected from 0 to the optimizer's learning_rate, 0.1");
  CHECK_NOTHROW((Cosine{}.check(0.1), WarmUpThenCosine{}.check(0.1), OneCycle{}.check(0.1), StepDecay{}.check(0.1),
                 OnPlateau{}.check(0.1)));
}
