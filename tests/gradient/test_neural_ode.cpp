#include <pathline/gradient/neural_ode.hpp>

#include <pathline/gradient/per_sample_field.hpp>
#include <pathline/nn/layer/linear.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>

#include <benchmarks/workloads.hpp>
#include <support/catch.hpp>
#include <support/gradient_problem.hpp>
#include <support/sizes.hpp>

#include <limits>
#include <utility>
#include <vector>

using namespace pathline;
using namespace pathline::test;

// Reference figures: PyTorch and JAX statements of the same workloads, benchmarks/peers/README.md.
TEST_CASE("node_fwd agrees with PyTorch and JAX, in double to all digits given", "[gradient][peers]") {
  const NeuralOde ode(workloads::node_field<double>(), Dopri5{}, IController{.rtol = 1e-10, .atol = 1e-10});
  const auto mean_square = [&](Index n) {
    const Batch<double> end = ode.solve(workloads::inputs<double>(2, n), {0.0, 1.0}).back();
    return end.squaredNorm() / double(end.size());
  };
  CHECK(mean_square(1) == Approx(0.523783978).epsilon(1e-9));
  CHECK(mean_square(1024) == Approx(1.28665085).epsilon(4e-9));
}

TEST_CASE("node_fwd agrees with PyTorch and JAX in float", "[gradient][peers]") {
  const NeuralOde ode(workloads::node_field<float>(), Dopri5{}, IController{.rtol = 1e-6, .atol = 1e-6});
  const Batch<float> end = ode.solve(workloads::inputs<float>(2, 1024), {0.0, 1.0}).back();
  CHECK(end.squaredNorm() / float(end.size()) == Approx(1.28665085).epsilon(1e-4));
}

TEST_CASE("node_train agrees with PyTorch and JAX in value and gradient norm", "[gradient][peers]") {
  const NeuralOde ode(workloads::spiral_field<double>(), Dopri5{}, IController{.rtol = 1e-10, .atol = 1e-10});
  const auto result =
      ode.value_and_gradient(workloads::inputs<double>(2, 20), workloads::spiral_times(), workloads::MeanSquare{});
  CHECK(result.value == Approx(1.19248015).epsilon(4e-9));
  CHECK(result.parameters.norm() == Approx(0.693249).epsilon(1e-6));

  const NeuralOde in_float(workloads::spiral_field<float>(), Dopri5{}, IController{.rtol = 1e-7, .atol = 1e-9});
  const auto rough =
      in_float.value_and_gradient(workloads::inputs<float>(2, 20), workloads::spiral_times(), workloads::MeanSquare{});
  CHECK(rough.value == Approx(1.19248015).epsilon(1e-4));
}

TEST_CASE("NeuralOde gives the loss's gradient to the initial state, by both methods", "[gradient]") {
  const GradientProblem problem;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    const auto bar = GradientProblem::loss_bar(states);
    for (std::size_t i = 0; i < bars.size(); ++i) bars[i] += bar[i];
    return GradientProblem::loss(states);
  };
  const PiController tight{.rtol = 1e-11, .atol = 1e-11};
  const auto exact = NeuralOde(problem.field, Tsit5{}, tight).value_and_gradient(problem.y0, problem.times, loss);
  const auto adjoint =
      NeuralOde(problem.field, Tsit5{}, tight, Adjoint{}).value_and_gradient(problem.y0, problem.times, loss);
  CHECK(exact.value == Approx(adjoint.value).epsilon(1e-12));
  CHECK(max_difference(exact.initial, adjoint.initial) < 1e-9);
  CHECK(max_difference(exact.parameters, adjoint.parameters) < 1e-9);
}

TEST_CASE("NeuralOde finds its policies in any order", "[gradient]") {
  const auto field = workloads::node_field<double>();
  const NeuralOde ode(field, ChunkWidth{3}, PiController{.rtol = 1e-3}, Threads{2}, Dopri5{});
  const NeuralOde same(field, Dopri5{}, PiController{.rtol = 1e-3}, Threads{1}, ChunkWidth{3});
  const Batch<double> y0 = workloads::inputs<double>(field.dim(), 4);
  CHECK(ode.solve(y0, {0., 1.}).back() == same.solve(y0, {0., 1.}).back());
}

TEST_CASE("NeuralOde: a chunk is a solve of its own, in columns and gradients", "[gradient][chunks]") {
  const GradientProblem problem;
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    const auto bar = GradientProblem::loss_bar(states);
    for (std::size_t i = 0; i < bars.size(); ++i) bars[i] += bar[i];
    return GradientProblem::loss(states);
  };
  const PiController control{.rtol = 1e-3, .atol = 1e-3};  // so loose that other steps are other numbers
  const NeuralOde chunked(problem.field, control, ChunkWidth{2}), whole(problem.field, control, ChunkWidth{3});
  const Batch<double> left = problem.y0.leftCols(2), right = problem.y0.rightCols(1);  // 3 columns: 2 and 1
  const auto both = chunked.value_and_gradient(problem.y0, problem.times, loss),
             first = whole.value_and_gradient(left, problem.times, loss),
             second = whole.value_and_gradient(right, problem.times, loss);
  CHECK(both.initial.leftCols(2) == first.initial);
  CHECK(both.initial.rightCols(1) == second.initial);
  CHECK(both.parameters == first.parameters + second.parameters);
  CHECK(both.value == Approx(first.value + second.value).epsilon(1e-14));
  CHECK(both.forward.evaluations == first.forward.evaluations + second.forward.evaluations);
  CHECK(both.backward.evaluations == first.backward.evaluations + second.backward.evaluations);
  CHECK(both.initial != whole.value_and_gradient(problem.y0, problem.times, loss).initial);
  const auto states = chunked.solve(problem.y0, problem.times);
  for (std::size_t i = 0; i < states.size(); ++i) {
    CHECK(states[i].leftCols(2) == whole.solve(left, problem.times)[i]);
    CHECK(states[i].rightCols(1) == whole.solve(right, problem.times)[i]);
  }
}

TEST_CASE("NeuralOde gives the same bits for every number of threads, and counts samples over the whole batch",
          "[gradient][chunks]") {
  const GradientProblem problem;
  const Batch<double> y0 = workloads::inputs<double>(2, 23);
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    bars.back() += states.back();
    return states.back().squaredNorm() / 2;
  };
  const auto by = [&](int threads) {
    return NeuralOde(problem.field, ChunkWidth{4}, Threads{threads}).value_and_gradient(y0, problem.times, loss);
  };
  const auto one = by(1), four = by(4);
  CHECK(one.value == four.value);
  CHECK(one.parameters == four.parameters);
  CHECK(one.initial == four.initial);
  CHECK(one.forward == four.forward);

  Batch<double> bad = y0;
  bad(1, 9) = 1e308;  // overflows in the first evaluation
  const Network<Linear<double>> linear(Linear<double>(2, 2), Vector<double>::Constant(8, 10));
  try {
    (void)NeuralOde(linear, ChunkWidth{4}).solve(bad, problem.times);
    FAIL("solved");
  } catch (const SolveError& error) {
    CHECK(error.sample == 9);
  }
}

TEST_CASE("NeuralOde names bad input", "[gradient][errors]") {
  const NeuralOde ode(workloads::node_field<double>());
  CHECK_THROWS_WITH(ode.solve(Batch<double>::Zero(3, 4), {0.0, 1.0}), "NeuralOde: y0 has 3 rows, expected 2");
  CHECK_THROWS_AS(ode.solve(Batch<double>(2, 0), {0.0, 1.0}), DataError);
  Batch<double> bad = Batch<double>::Zero(2, 3);
  bad(1, 2) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(ode.solve(bad, {0.0, 1.0}),
                    "NeuralOde: y0 is nan at component 1 of sample 2, expected a finite number");
  CHECK_THROWS_AS(ode.solve(Batch<double>::Zero(2, 3), {0.0, 1.0, 0.5}), ArgumentError);
  CHECK_THROWS_WITH(ode.solve(Batch<double>::Zero(9, 2), {0.0, 1.0}),
                    "NeuralOde: y0 has 9 rows, expected 2; a batch has a column per sample: data with a row per sample "
                    "need transpose()");
}

TEST_CASE("NeuralOde refuses cotangents of another shape, and parameters of another length", "[gradient][errors]") {
  NeuralOde ode(GradientProblem{}.field, Tsit5{}, PiController{.rtol = 1e-11, .atol = 1e-11});
  const Batch<double> y0 = Batch<double>::Ones(2, 3);
  const auto by = [&](auto&& change) {
    return ode.value_and_gradient(y0, GradientProblem{}.times,
                                  [&](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
                                    change(bars);
                                    return GradientProblem::loss(states);
                                  });
  };
  CHECK_NOTHROW(by([](std::vector<Batch<double>>&) {}));
  CHECK_THROWS_WITH(by([](std::vector<Batch<double>>& bars) { bars[3].setZero(2, 4); }),
                    "NeuralOde::value_and_gradient: a cotangent of a state has 4 columns, expected 3; the loss adds to "
                    "the cotangents that it is given, one for each of the times");
  CHECK_THROWS_AS(by([](std::vector<Batch<double>>& bars) { bars[0].resize(0, 0); }), ShapeError);
  CHECK_THROWS_AS(by([](std::vector<Batch<double>>& bars) { bars.pop_back(); }), ShapeError);

  CHECK_THROWS_AS(ode.parameters() = Vector<double>::Ones(4), ShapeError);
  CHECK_THROWS_AS(ode.set_parameters(Vector<double>::Ones(4)), ShapeError);
  const Vector<double> ones = Vector<double>::Ones(ode.parameters().size());
  ode.set_parameters(ones);
  CHECK(ode.parameters() == ones);
  ode.parameters()(3) = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH(ode.solve(y0, {0.0, 1.0}), "NeuralOde: parameters(3) is inf, expected a finite number");
  const NeuralOde moved = std::move(ode);
  CHECK_THROWS_AS(ode.solve(y0, {0.0, 1.0}), ShapeError);
}

TEST_CASE("NeuralOde: every front refuses matrices of another shape, and works as before",
          "[gradient][sizes][errors]") {
  constexpr Index d = 2, c = 3, n = 7;
  constexpr auto any = Door::Columns::any, these = Door::Columns::these;
  const std::vector<double> times{0, 1};
  Rng seed(4);
  const PiController control;
  NeuralOde ode(GradientProblem{}.field, Tsit5{}, control);
  const NeuralOde controlled(Mlp<double, Tanh>(d, {4}, seed, 1 + c), Tsit5{}, control);
  using States = std::vector<Batch<double>>;
  using M = const Batch<double>&;
  check_sizes({
      {"solve", d, n, any, [&](M y0) { return ode.solve(y0, times).back().sum(); }},
      {"solve, context", c, n, these, [&](M C) { return controlled.solve(matrix_of(d, n), times, C).back().sum(); }},
      {"value_and_gradient", d, n, any,
       [&](M y0) {
         return ode.value_and_gradient(y0, times, [](const States& y, States&) { return y.back().sum(); }).value;
       }},
      {"value_and_gradient, a cotangent", d, n, these,
       [&](M bar) {
         const auto by = [&](const States&, States& bars) {
           bars.back() = bar;
           return 0.0;
         };
         return ode.value_and_gradient(matrix_of(d, n), times, by).initial.sum();
       }},
      {"parameters", ode.parameters().size(), 1, these,
       [&](M theta) {
         ode.parameters() = theta;
         return ode.solve(matrix_of(d, n), times).back().sum();
       }},
      {"PerSampleField, y", d, n, any,
       [&](M y) {
         if (y.cols() == 0) throw DataError("no sample is no call");
         PerSampleField rhs(ode.field());
         Batch<double> dy(y.rows(), y.cols());
         rhs(Row<double>::Zero(y.cols()), y, dy, std::vector<Index>(std::size_t(y.cols()), 0));
         return dy.sum();
       }},
  });
}

TEST_CASE("NeuralOde gives the loss's gradient to the times", "[gradient]") {
  const GradientProblem problem;
  const Sequential layers(Dense<double, Tanh>(2, 6, 1), Dense<double, Identity>(6, 2));  // reads the time
  Rng rng(8);
  const Network field(layers, rng);
  const auto loss = [](const std::vector<Batch<double>>& states, std::vector<Batch<double>>& bars) {
    const auto bar = GradientProblem::loss_bar(states);
    for (std::size_t i = 0; i < bars.size(); ++i) bars[i] += bar[i];
    return GradientProblem::loss(states);
  };
  const auto check = [&](const auto& ode, const std::vector<double>& times) {
    const auto result = ode.value_and_gradient_with_times(problem.y0, times, loss);
    const Vector<double> expected = central_differences(
        [&](const Vector<double>& t) {
          return ode.value_and_gradient(problem.y0, std::vector<double>(t.begin(), t.end()), loss).value;
        },
        Eigen::Map<const Vector<double>>(times.data(), Index(times.size())), 1e-4);
    CAPTURE(result.times.transpose(), expected.transpose());
    CHECK(max_difference(result.times, expected) < 1e-7);
  };
  const PiController tight{.rtol = 1e-12, .atol = 1e-12};
  const std::vector<double> times{0.1, 0.4, 0.7, 1.3};
  check(NeuralOde(field, Tsit5{}, tight), times);
  check(NeuralOde(field, Tsit5{}, tight, ChunkWidth{1}), std::vector<double>{1.3, 0.7, 0.1});  // backward in time
  check(NeuralOde(field, Dopri5{}, tight, Backpropagation<>{.outputs = OutputTimes::interpolate}), times);
  check(NeuralOde(field, Tsit5{}, tight, Adjoint{}), times);
}
