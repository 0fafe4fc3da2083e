#include <pathline/gradient/sequence.hpp>

#include <pathline/gradient/adjoint.hpp>
#include <pathline/gradient/neural_ode.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
const PiController tight{.rtol = 1e-11, .atol = 1e-11};

/// z' = [-a -b; b -a] z + u t, whose solution for u = 0 is e^(-at) times a rotation by bt.
Network<Linear<double>> spiral(double a, double b, double u = 0) {
  Vector<double> theta(8);
  theta << u, u, -a, b, -b, -a, 0, 0;  // [U | W | offset], the columns of W one after the other
  return {Linear<double>(2, 2), theta};
}

Batch<double> batch_2(std::initializer_list<std::array<double, 2>> columns) {
  Batch<double> result(2, Index(columns.size()));
  Index j = 0;
  for (const auto& column : columns) result.col(j++) << column[0], column[1];
  return result;
}

/// Irregular times, two starts, one of them given, and missing entries.
std::vector<Sequence<double>> observed() {
  std::vector<Sequence<double>> paths(3);
  paths[0] = {.times = {0, 0.4, 1.1}, .states = batch_2({{1, -0.5}, {0.2, 0.7}, {-0.3, missing}})};
  paths[1] = {.times = {0.3, 0.5, 0.7, 2},
              .states = batch_2({{missing, 0.9}, {missing, missing}, {0.1, 0.4}, {missing, 0.2}}),
              .initial = Vector<double>::Constant(2, 0.8)};
  paths[2] = {.times = {0, 0.4, 0.8}, .states = batch_2({{0.2, 0.1}, {0.5, -0.6}, {1, 0.3}})};
  return paths;
}

const std::vector<Index> all{0, 1, 2};

template <class Ode>
ValueAndGradient<double> by(const Ode& ode, const std::vector<Sequence<double>>& paths,
                            const std::vector<Index>& which = all, const Vector<double>& weights = Vector<double>()) {
  typename Ode::Memory memory;
  ValueAndGradient<double> result;
  ode.value_and_gradient(paths, which, weights, memory, result);
  return result;
}

const Backpropagation<> interpolating{.outputs = OutputTimes::interpolate};

}  // namespace

TEST_CASE("Sequences of a linear field: predictions, loss and gradient are those of the closed form",
          "[gradient][sequences]") {
  const double a = 0.3, b = 1.7;
  const std::vector<Sequence<double>> paths = observed();
  const Vector<double> weights = (Vector<double>(3) << 2, 0.5, 1).finished();
  const auto check = [&](const auto& ode) {
    const auto result = by(ode, paths, all, weights);
    const std::vector<Batch<double>> predictions = ode.predict(paths);
    double loss = 0, by_a = 0, by_b = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      const Eigen::Vector2d start = j == 1 ? Eigen::Vector2d(0.8, 0.8) : Eigen::Vector2d(paths[j].states.col(0));
      double squares = 0, along_a = 0, along_b = 0;
      Index count = 0;
      for (std::size_t k = j == 1 ? 0 : 1; k < paths[j].times.size(); ++k) {
        const double t = paths[j].times[k] - paths[j].times[0];
        const double c = std::exp(-a * t) * std::cos(b * t), s = std::exp(-a * t) * std::sin(b * t);
        const Eigen::Vector2d z(c * start(0) - s * start(1), s * start(0) + c * start(1)), turned(-z(1), z(0));
        CHECK((predictions[j].col(Index(k)) - z).norm() < 1e-9);
        for (Index i = 0; i < 2; ++i) {
          const double wanted = paths[j].states(i, Index(k));
          if (std::isnan(wanted)) continue;
          squares += std::pow(z(i) - wanted, 2);
          along_a += 2 * (z(i) - wanted) * -t * z(i);
          along_b += 2 * (z(i) - wanted) * t * turned(i);
          ++count;
        }
      }
      loss += weights(Index(j)) * squares / double(count) / 3;
      by_a += weights(Index(j)) * along_a / double(count) / 3;
      by_b += weights(Index(j)) * along_b / double(count) / 3;
    }
    CHECK(result.value == Approx(loss).epsilon(1e-9));
    const Vector<double>& g = result.parameters;  // by [U | W | offset]
    CHECK(-(g(2) + g(5)) == Approx(by_a).epsilon(1e-8));
    CHECK(g(3) - g(4) == Approx(by_b).epsilon(1e-8));
  };
  check(NeuralOde(spiral(a, b), Dopri5{}, tight));
  check(NeuralOde(spiral(a, b), Dopri5{}, tight, interpolating));
  check(NeuralOde(spiral(a, b), Dopri5{}, tight, Adjoint{}));
}

// The field reads time: a shared time instead of one for each sample changes the loss by a tenth.
TEST_CASE("Sequences: the gradient agrees with central differences, by the initial states too",
          "[gradient][sequences]") {
  NeuralOde ode(spiral(0.3, 1.7, 0.4), Dopri5{}, tight, interpolating);
  std::vector<Sequence<double>> paths = observed();
  const auto exact = by(ode, paths);
  const Vector<double> theta = ode.parameters();
  const Vector<double> theta_bar = central_differences(
      [&](const Vector<double>& moved) {
        ode.parameters() = moved;
        return by(ode, paths).value;
      },
      theta);
  ode.parameters() = theta;
  CHECK(max_difference(exact.parameters, theta_bar) <
        1e-7);  // The tolerance of the solves over h, 1e-5, in part shared.
  const Vector<double> initial_bar = central_differences(
      [&](const Vector<double>& start) {
        paths[1].initial = start;
        return by(ode, paths).value;
      },
      paths[1].initial);
  CHECK(max_difference(exact.initial.col(1), initial_bar) < 1e-7);
}

TEST_CASE("Sequences solved apart, together, and by several threads agree", "[gradient][sequences]") {
  const std::vector<Sequence<double>> paths = observed();
  const auto field = spiral(0.3, 1.7, 0.4);
  const auto together = by(NeuralOde(field, tight, Tsit5{}), paths),
             apart = by(NeuralOde(field, tight, Tsit5{}, ChunkWidth{1}, Threads{1}), paths),
             threads = by(NeuralOde(field, tight, Tsit5{}, ChunkWidth{1}, Threads{3}), paths);
  CHECK(together.value == Approx(apart.value).epsilon(1e-9));
  CHECK(max_difference(together.parameters, apart.parameters) < 1e-8);
  CHECK(max_difference(together.initial, apart.initial) < 1e-8);
  CHECK(apart.parameters == threads.parameters);
  CHECK(apart.value == threads.value);
  CHECK(apart.forward == threads.forward);
  const auto reversed = by(NeuralOde(field, tight, Tsit5{}, ChunkWidth{2}), paths, {2, 1, 0});
  CHECK(reversed.value == Approx(apart.value).epsilon(1e-9));
  CHECK(max_difference(reversed.initial.rowwise().reverse(), apart.initial) < 1e-8);
}

TEST_CASE("Sequences: a field's context belongs to each of them, and has its gradient", "[gradient][sequences]") {
  Rng rng(3);
  NeuralOde ode(Mlp<double, Tanh>(2, {4}, rng, 2), Rk4{}, FixedSteps(3), ChunkWidth{2});
  std::vector<Sequence<double>> paths = observed();
  for (std::size_t j = 0; j < 3; ++j) paths[j].context = Vector<double>::Constant(1, 0.3 * double(j) - 0.5);
  const auto exact = by(ode, paths);
  REQUIRE(exact.context.cols() == 3);
  for (std::size_t j = 0; j < 3; ++j) {
    const Vector<double> bar = central_differences(
        [&](const Vector<double>& context) {
          auto moved = paths;
          moved[j].context = context;
          return by(ode, moved).value;
        },
        paths[j].context);
    CHECK(exact.context(0, Index(j)) == Approx(bar(0)).margin(1e-9));
  }
}

TEST_CASE("Sequences: what is unusable is named with its number", "[gradient][sequences][errors]") {
  const NeuralOde ode(spiral(0.3, 1.7));
  const auto refused = [&](auto&& change) {
    std::vector<Sequence<double>> paths = observed();
    change(paths[1]);
    std::string message;
    try {
      (void)ode.predict(paths);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK_THROWS_AS(by(ode, paths), Error);
    return message;
  };
  using S = Sequence<double>;
  CHECK(refused([](S& s) { s.times.clear(); }) ==
        "NeuralOde::predict: sequence 1: times is empty, expected at least one");
  CHECK(refused([](S& s) { s.times[2] = 0.5; }) ==
        "NeuralOde::predict: sequence 1: times[2] is 0.5, expected a finite number above times[1], which is 0.5");
  CHECK(refused([](S& s) { s.times[0] = missing; }) ==
        "NeuralOde::predict: sequence 1: times[0] is nan, expected a finite number");
  CHECK(refused([](S& s) { s.states = Batch<double>::Zero(4, 2); }) ==
        "NeuralOde::predict: sequence 1: states has 4 rows, expected 2; they have a column for each time");
  CHECK(refused([](S& s) { s.times.pop_back(); }) ==
        "NeuralOde::predict: sequence 1: states has 4 columns, expected 3; one for each time");
  CHECK(
      refused([](S& s) { s.states(0, 3) = 1 / 0.; }) ==
      "NeuralOde::predict: sequence 1: states is inf at component 0 of time 3, expected a finite number, or NaN where "
      "nothing was observed");
  CHECK(refused([](S& s) { s.initial.resize(0); }) ==
        "NeuralOde::predict: sequence 1 starts at its first observation, whose component 0 is missing; give `initial`, "
        "the state at times[0]");
  CHECK(refused([](S& s) { s.initial.setZero(3); }) ==
        "NeuralOde::predict: sequence 1: initial has 3 rows, expected 2");
  CHECK(refused([](S& s) { s.initial(1) = missing; }) ==
        "NeuralOde::predict: sequence 1: initial is nan at component 1, expected a finite number");
  CHECK(refused([](S& s) { s.context.setZero(1); }) ==
        "NeuralOde::predict: sequence 1: context has 1 rows, expected 0");
  CHECK_THROWS_AS(ode.predict({}), DataError);
  CHECK_THROWS_WITH(by(ode, observed(), {0, 3}),
                    "NeuralOde::value_and_gradient: number of a sequence is 3, expected 0 to 2");
  CHECK_THROWS_WITH(by(ode, observed(), {0, 1}, Vector<double>::Ones(3)),
                    "NeuralOde::value_and_gradient: weights has 3 rows, expected 2");
}

TEST_CASE("SequenceTimes: times since different starts that differ by rounding are one", "[gradient][sequences]") {
  const std::vector<std::vector<double>> times{{0.1, 0.2, 0.5}, {0.3, 0.4, 0.9}, {7.1, 7.2}};
  pathline::detail::SequenceTimes merged;
  merged.set(3, [&](std::size_t j) -> const std::vector<double>& { return times[j]; });
  CHECK(merged.starts == std::vector<double>{0.1, 0.3, 7.1});
  REQUIRE(merged.times.size() == 4);  // 0, 0.1 three times, 0.4 and 0.6
  CHECK(merged.times[1] == Approx(0.1));
  CHECK(merged.at == std::vector<std::size_t>{0, 1, 2, 0, 1, 3, 0, 1});
  CHECK(merged.first == std::vector<std::size_t>{0, 3, 6});
  merged.set(1, [&](std::size_t) -> const std::vector<double>& { return times[1]; });
  CHECK(merged.starts.empty());
  CHECK(merged.times == times[1]);
}
