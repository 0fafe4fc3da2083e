#include <pathline/nn/potential/potential.hpp>

#include <pathline/core/chunks.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential_tangents.hpp>
#include <pathline/nn/potential/potential_trace.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>
#include <support/layer_laws.hpp>
#include <support/traced_laws.hpp>

#include <cmath>
#include <cstdint>
#include <span>

using namespace pathline;
using namespace pathline::test;

namespace {

template <Real Scalar>
std::span<Scalar> slab(Vector<Scalar>& tape, Index size) {
  tape.resize(size);
  return {tape.data(), std::size_t(size)};
}

template <Real Scalar>
Vector<Scalar> initial(const Potential<Scalar>& potential, std::uint64_t seed = 3) {
  Vector<Scalar> theta(potential.parameter_count());
  Rng rng(seed);
  potential.initialize(theta, rng);
  return theta;
}

}  // namespace

static_assert(TracedLayer<Potential<float>> && TracedLayer<Potential<double>>);
static_assert(TracedField<Network<Potential<double>>> && PotentialField<Network<Potential<float>>>);

TEST_CASE("Potential keeps the law of traced layers", "[nn][gradient]") {
  for (const Index depth : {1, 2, 3, 4}) {
    INFO("depth " << depth);
    check_traced_laws(Potential<double>(2, 5, depth));
  }
  check_traced_laws(Potential<double>(2, 2, 1));  // fewer rows than samples
  check_traced_laws(Potential<double>(1, 4, 1));
  check_traced_laws(Potential<double>(5, 9, 2));
}

TEST_CASE("Potential: the trace form agrees with the tangent form at every width of the products", "[nn][gradient]") {
  const Index width = GENERATE(8, 32, 37, 70);  // in packs, with a rest, and where Eigen's product takes over
  INFO("width " << width);
  check_against_tangents(Potential<double>(3, width, 2), 7, 1);
  check_against_tangents(Potential<double>(9, width, 1), 7, 7);
  // Two groups of directions on the way back, where there are no more samples than rows.
  check_against_tangents(Potential<double>(9, width, 1), 11, 1);
  check_against_tangents(Potential<double>(9, width, 2), 11, 1);
  // More samples than rows: derivatives of one layer by matrices that all samples share, of several as before.
  check_against_tangents(Potential<double>(2, width, 1), width + 3, 1);
  check_against_tangents(Potential<double>(3, width, 1), width + 1, width + 1);
  check_against_tangents(Potential<double>(2, width, 2), width + 3, 1);
  check_against_tangents(Potential<double>(1, width, 1), width + 2, 1);
  check_against_tangents(Potential<double>(9, width, 1), width + 2, 1);
}

TEST_CASE("Potential keeps the law of layers", "[nn][gradient]") {
  for (const Index depth : {1, 3}) {
    INFO("depth " << depth);
    check_layer_laws(Potential<double>(2, 4, depth));
  }
  check_layer_laws(Potential<double>(1, 3, 1));
  check_layer_laws(Potential<double>(5, 4, 2), 3, 5, 1);
}

TEST_CASE("Potential keeps the law of layers at other depths, and at more dimensions than units",
          "[nn][gradient][many-draws]") {
  for (const Index depth : {2, 4}) {
    INFO("depth " << depth);
    check_layer_laws(Potential<double>(2, 4, depth));
  }
  check_layer_laws(Potential<double>(5, 4, 2));
}

TEST_CASE("Potential: the field is the negative gradient of Φ in z, the offered row its derivative in time", "[nn]") {
  const Index d = 3, n = 2, depth = GENERATE(1, 3);
  const Potential<double> potential(d, 6, depth);
  const Vector<double> theta = gaussian(0, potential.parameter_count(), 1, 0.5);
  const Batch<double> S = gaussian(1, 1, n), Z = gaussian(2, d, n);
  Batch<double> Y(d + 2, n);
  Vector<double> tape;
  Workspace<double> workspace;
  potential.evaluate_with_trace(theta, S, Z, Y, slab(tape, potential.trace_tape_size(n)), workspace);
  for (Index j = 0; j < n; ++j) {
    Vector<double> q(d + 1), expected(d + 1);
    q << Z.col(j), S(0, j);
    const auto value = [&](const Vector<double>& at) {
      Row<double> values(1);
      potential.value(theta, at.tail(1), at.head(d), values, workspace);
      return values(0);
    };
    expected << -Y.col(j).head(d), Y(d + 1, j);
    // h = 1e-5: truncation h² and rounding ε Φ/h are both about 1e-10.
    CHECK(max_difference(central_differences(value, q, 1e-5), expected) < 1e-8);
  }
}

TEST_CASE("Potential: Φ in closed form for one row, and where each parameter lies", "[nn]") {
  const Potential<double> potential(1, 1, 1);
  REQUIRE(potential.parameter_count() == 3 + 2 + 1 + 4 + 2);
  Vector<double> theta(12);
  theta << /* K_0 */ 0.3, -0.7, /* b_0 */ 0.2, /* K_1 */ 0.9, /* b_1 */ -0.4, /* w */ 1.1, /* A */ 0.5, 0.6, -0.8, 0.1,
      /* b */ 0.25, -0.35;
  const double z = 0.8, t = 0.4;
  const auto sigma = [](double x) { return std::log(std::exp(x) + std::exp(-x)); };
  const double u_0 = sigma(0.3 * z - 0.7 * t + 0.2), u_1 = u_0 + sigma(0.9 * u_0 - 0.4);
  const double above = 0.5 * z - 0.8 * t, below = 0.6 * z + 0.1 * t;  // A q; A is stored column by column
  const double expected = 1.1 * u_1 + 0.5 * (above * above + below * below) + 0.25 * z - 0.35 * t;
  Row<double> value(1);
  Workspace<double> workspace;
  potential.value(theta, Vector<double>::Constant(1, t), Vector<double>::Constant(1, z), value, workspace);
  CHECK(value(0) == Approx(expected).epsilon(1e-14));
}

TEST_CASE("Potential: tangents may move time", "[nn][gradient]") {
  const Index d = 2, n = 3, k = 2;
  const Potential<double> potential(d, 5, 2);
  LayerProblem problem(potential, n, k, (1 + k) * n, 0);
  const double h = 1e-6;
  const Batch<double> Y = problem.linearize();
  for (Index j = n; j < Y.cols(); j += n) {
    const auto values_at = [&](double step) {
      return Batch<double>(problem
                               .linearize(problem.theta, problem.S.leftCols(n) + step * problem.S.middleCols(j, n),
                                          problem.X + step * problem.X.middleCols(j, n).replicate(1, 1 + k))
                               .leftCols(n));
    };
    const Batch<double> difference = (values_at(h) - values_at(-h)) / (2 * h);
    CHECK(max_difference(Batch<double>(Y.middleCols(j, n)), difference) < 1e-8);
  }
  REQUIRE(same(problem.linearize(), Y));
  const LayerGradients bar = problem.pullback(problem.zero());
  const Vector<double> expected = central_differences(
      [&](const Vector<double>& s) {
        return problem.linearize(problem.theta, s.transpose(), problem.X).cwiseProduct(problem.Y_bar).sum();
      },
      problem.S.transpose(), h);
  CHECK(max_difference(Vector<double>(bar.S.transpose()), expected) < 1e-8);
}

TEST_CASE("Potential in float agrees with double to float's precision", "[nn]") {
  const Index d = 2, m = 32, n = GENERATE(8, 40), depth = GENERATE(1, 2);  // more samples than rows, and fewer
  INFO("n = " << n << ", depth " << depth);
  const Potential<double> wide(d, m, depth);
  const Potential<float> narrow(d, m, depth);
  const Vector<double> theta = initial(wide);
  const Batch<double> S = gaussian(1, 1, 1), Z = gaussian(2, d, n), Y_bar = gaussian(3, d + 2, n);
  Vector<double> tape, theta_bar = Vector<double>::Zero(theta.size());
  Vector<float> narrow_tape, narrow_theta_bar = Vector<float>::Zero(theta.size());
  Batch<double> Y(d + 2, n), Z_bar(d, n), S_bar = Batch<double>::Zero(1, 1), scratch = Y_bar;
  Batch<float> y(d + 2, n), z_bar(d, n), s_bar = Batch<float>::Zero(1, 1), narrow_scratch = Y_bar.cast<float>();
  Workspace<double> workspace;
  Workspace<float> narrow_workspace;
  const auto run = [&](const auto& potential, const auto& at, const auto& side, const auto& batch, auto& out,
                       auto& the_tape, auto& out_bar, auto& batch_bar, auto& side_bar, auto& at_bar,
                       auto& scratch_memory) {
    potential.evaluate_with_trace(at, side, batch, out, slab(the_tape, potential.trace_tape_size(n)), scratch_memory);
    potential.pullback_with_trace(at, side, batch, slab(the_tape, potential.trace_tape_size(n)), out_bar, batch_bar,
                                  side_bar, at_bar, scratch_memory);
  };
  run(wide, theta, S, Z, Y, tape, scratch, Z_bar, S_bar, theta_bar, workspace);
  const Vector<float> narrow_theta = theta.cast<float>();
  const Batch<float> s = S.cast<float>(), z = Z.cast<float>();
  run(narrow, narrow_theta, s, z, y, narrow_tape, narrow_scratch, z_bar, s_bar, narrow_theta_bar, narrow_workspace);
  // Sums of 32 terms of order one, three products deep; the gradient sums 40 samples.
  CHECK(max_difference(y.cast<double>(), Y) < 1e-5);
  CHECK(max_difference(z_bar.cast<double>(), Z_bar) < 1e-5);
  CHECK(max_difference(s_bar.cast<double>(), S_bar) < 1e-4);
  CHECK(max_difference(narrow_theta_bar.cast<double>(), theta_bar) < 1e-5);
}

TEST_CASE("Potential: what a workspace keeps of parameters that do not change gives the same bits", "[nn]") {
  const Index d = 2, m = 5, n = GENERATE(4, 7);  // fewer samples than rows, and more
  const Potential<double> potential(d, m, 1);
  const Batch<double> S = gaussian(1, 1, 1), Z = gaussian(2, d, n), start = gaussian(3, d + 2, n);
  Vector<double> theta = initial(potential), tape;
  const auto run = [&](Workspace<double>& workspace) {
    const std::span<double> memory = slab(tape, potential.trace_tape_size(n));
    Batch<double> Y(d + 2, n), Y_bar = start, Z_bar(d, n), S_bar = Batch<double>::Zero(1, 1);
    Vector<double> theta_bar = Vector<double>::Zero(theta.size());
    potential.evaluate_with_trace(theta, S, Z, Y, memory, workspace);
    potential.pullback_with_trace(theta, S, Z, memory, Y_bar, Z_bar, S_bar, theta_bar, workspace);
    Vector<double> all(Y.size() + Z_bar.size() + 1 + theta_bar.size());
    all << Y.reshaped(), Z_bar.reshaped(), S_bar.reshaped(), theta_bar;
    return all;
  };
  Workspace<double> keeping;
  for (int solve = 0; solve < 2; ++solve) {
    Workspace<double> anew;
    const Vector<double> expected = run(anew);
    const Workspace<double>::Unchanged unchanged(keeping, View<const double>(theta));
    CHECK(run(keeping) == expected);
    CHECK(run(keeping) == expected);
    theta *= 1.5;  // for the next solve
  }
}

TEST_CASE("Potential allocates nothing after its first call", "[nn][allocations]") {
  const Index d = 2, k = 1, n = GENERATE(8, 64), depth = GENERATE(1, 2), width = GENERATE(32, 256);
  INFO("n = " << n << ", depth " << depth << ", width " << width);
  const Potential<float> potential(d, width, depth);
  const Vector<float> theta = initial(potential);
  const Batch<float> S = Batch<float>::Constant(1, 1, 0.5F), Z = Batch<float>::Constant(d, n, 0.25F),
                     X = Batch<float>::Constant(d, (1 + k) * n, 0.25F);
  Batch<float> Y(d + 2, n), Z_bar(d, n), packed(d, (1 + k) * n), X_bar(d, (1 + k) * n),
      S_bar = Batch<float>::Zero(1, 1);
  Row<float> values(n);
  Vector<float> theta_bar = Vector<float>::Zero(theta.size()), trace_tape, tangent_tape;
  Workspace<float> workspace;
  const std::span<float> trace_slab = slab(trace_tape, potential.trace_tape_size(n)),
                         tangent_slab = slab(tangent_tape, potential.tape_size(n, k));
  const auto all = [&] {
    potential.evaluate_with_trace(theta, S, Z, Y, trace_slab, workspace);
    potential.pullback_with_trace(theta, S, Z, trace_slab, Y, Z_bar, S_bar, theta_bar, workspace);
    potential.linearize(theta, S, X, n, packed, tangent_slab, workspace);
    potential.pullback(theta, S, X, n, tangent_slab, packed, X_bar, S_bar, theta_bar, workspace);
    potential.value(theta, S, Z, values, workspace);
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  all();
  const AllocationCounter counter;
  all();
  CHECK(counter.count() == 0);
}

TEST_CASE("Potential tells its sizes, and A has at most ten rows", "[nn]") {
  const Potential<double> few(2, 7, 3), many(30, 5, 1);
  CHECK(few.width() == 7);
  CHECK(few.depth() == 3);
  CHECK(few.rank() == 3);
  CHECK(many.rank() == 10);
}

TEST_CASE("Potential refuses sizes that make no network", "[nn][errors]") {
  CHECK_THROWS_AS(Potential<double>(0), ArgumentError);
  CHECK_THROWS_WITH(Potential<double>(0), "Potential: dim is 0, expected at least 1");
  CHECK_THROWS_WITH(Potential<double>(2, 0), "Potential: width is 0, expected at least 1");
  CHECK_THROWS_WITH(Potential<double>(2, 8, 0), "Potential: number of residual layers is 0, expected at least 1");
}
