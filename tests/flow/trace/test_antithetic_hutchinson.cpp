#include <pathline/flow/trace/antithetic_hutchinson.hpp>

#include <support/catch.hpp>
#include <support/trace_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

double variance(const AnyEstimator<double>& trace) {
  const Row<double> values = trace.estimates(40'000);
  return (values.array() - trace.A.trace()).square().mean();
}

}  // namespace

TEST_CASE("AntitheticHutchinson: the probes of a pair differ in the signs of half of the components", "[flow][trace]") {
  const Index d = GENERATE(1, 2, 5, 8), n = 200;
  const ProbeHalves split = GENERATE(ProbeHalves::random, ProbeHalves::in_the_middle);
  const AntitheticHutchinson<Gaussian> trace{.pairs = 2, .split = split};
  const Batch<double> V = AnyEstimator<double>(trace, some_matrix(d)).tangents({1, 2}, first_ids(n));
  Vector<double> changes = Vector<double>::Zero(d);
  for (Index j = 0; j < 2; ++j) {
    const Batch<double> ratio = V.middleCols((2 * j + 1) * n, n).cwiseQuotient(V.middleCols(2 * j * n, n));
    CHECK(ratio.cwiseAbs() == Batch<double>::Ones(d, n));
    CHECK(ratio.colwise().sum() == Row<double>::Constant(n, double(d - 2 * (d / 2))));
    changes += (0.5 * (1 - ratio.array())).matrix().rowwise().sum();
  }
  if (split == ProbeHalves::in_the_middle) {
    CHECK(changes.tail(d / 2) == Vector<double>::Constant(d / 2, 2. * n));
  } else {  // each component as often as the others: 400 trials of q = ⌊d/2⌋/d, 4.9 deviations of at most √400/2
    CHECK((changes.array() / (2. * n) - double(d / 2) / double(d)).abs().maxCoeff() < 4.9 * 0.5 / std::sqrt(400));
  }
}

// Halves from bits that the noise has used would depend on it.
TEST_CASE("AntitheticHutchinson: the halves are chosen by the first bits that the noise leaves", "[flow][trace]") {
  constexpr Index d = 5, n = 20;
  const Index pairs = GENERATE(1, 2, 3);  // 5, 10 or 15 normal numbers, two a block of bits
  const AnyEstimator<double> trace(AntitheticHutchinson<Gaussian>{.pairs = pairs}, some_matrix(d));
  const Draw draw{1, 2};
  const Batch<double> V = trace.tangents(draw, first_ids(n));
  for (Index sample = 0; sample < n; ++sample)
    for (Index j = 0; j < pairs; ++j) {
      Index changes = 2, component = (pairs * d + 1) / 2 * Uniform::per_block + j * d;
      for (Index i = 0; i < d; ++i) {
        const bool changed = double(d - i) * draw.number_at<Uniform>(sample, component++) < double(changes);
        changes -= changed ? 1 : 0;
        CHECK(V(i, (2 * j + 1) * n + sample) == (changed ? -1 : 1) * V(i, 2 * j * n + sample));
      }
    }
}

TEST_CASE("AntitheticHutchinson: split at random is exact in two dimensions", "[flow][trace]") {
  const AnyEstimator<double> trace(AntitheticHutchinson<>{}, some_matrix(2));
  CHECK((trace.estimates(100).array() - trace.A.trace()).abs().maxCoeff() < 1e-14);
}

TEST_CASE("AntitheticHutchinson beats as many independent probes where theory says so", "[flow][trace]") {
  const Eigen::MatrixXd A = some_matrix(4);
  // Signs: 2p = 2/3 for every matrix. The ratio of two variances of 40'000 is known to 3 %: 4.9 of that are 0.15.
  const double independent = variance({Hutchinson<>{.probes = 2}, A});
  CHECK(variance({AntitheticHutchinson<>{}, A}) / independent == Approx(2. / 3).epsilon(0.15));

  // Position and velocity: q' = p, p' = -q + 0.1 p. Nothing is left but what is diagonal.
  Eigen::MatrixXd oscillators = Eigen::MatrixXd::Zero(6, 6);
  oscillators.topRightCorner(3, 3) << 1, 2, 0, 0, 1, 3, 1, 0, 1;
  oscillators.bottomLeftCorner(3, 3) << -1, 1, 0, 0, -2, 0, 1, 0, -1;
  oscillators.bottomRightCorner(3, 3).diagonal().setConstant(0.1);
  CHECK(variance({Hutchinson<>{.probes = 2}, oscillators}) > 1);
  CHECK(variance({AntitheticHutchinson<>{.split = ProbeHalves::in_the_middle}, oscillators}) < 1e-28);

  // Normal noise pays twice for the diagonal: no gain without elements off it.
  const Eigen::MatrixXd diagonal = Eigen::Vector4d(1, 2, -1, 3).asDiagonal();
  const double normal = variance({Hutchinson<Gaussian>{.probes = 2}, diagonal});
  CHECK(variance({AntitheticHutchinson<Gaussian>{}, diagonal}) / normal == Approx(2).epsilon(0.15));
}

TEST_CASE("AntitheticHutchinson's halves do not depend on the scalar", "[flow][trace]") {
  const AnyEstimator<double> trace(AntitheticHutchinson<>{.pairs = 3}, some_matrix(7));
  const AnyEstimator<float> single(AntitheticHutchinson<>{.pairs = 3}, some_matrix(7));
  CHECK(single.tangents({4, 1}, first_ids(50)).cast<double>() == trace.tangents({4, 1}, first_ids(50)));
}

TEST_CASE("AntitheticHutchinson refuses to estimate from nothing", "[flow][trace][errors]") {
  CHECK_THROWS_WITH(AntitheticHutchinson<>{.pairs = 0}.tangents(2),
                    "AntitheticHutchinson: pairs is 0, expected at least 1");
  CHECK_THROWS_AS(AntitheticHutchinson<>{.pairs = Index(1) << 62}.tangents(2), ArgumentError);
}
