#include <pathline/flow/trace/hutch_plus_plus.hpp>

#include <pathline/flow/trace/orthonormalize.hpp>

#include <support/catch.hpp>
#include <support/trace_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

static_assert(FillsFromField<HutchPlusPlus> && FillsFromField<HutchPlusPlus, float>);
static_assert(!FillsFromNoise<HutchPlusPlus>);

/// Eigenvalues 1, 1/4, 1/9 … 1/d², orthonormal eigenvectors at random.
Eigen::MatrixXd decaying(Index d) {
  Eigen::MatrixXd R(d, d);
  fill<Gaussian>(Draw{1, 0}, 0, R);
  orthonormalize(BatchMap<double>(R.data(), d, d), 1, 0);
  const Eigen::VectorXd spectrum = Eigen::VectorXd::LinSpaced(d, 1, double(d)).array().inverse().square();
  return R * spectrum.asDiagonal() * R.transpose();
}

double deviation(const AnyEstimator<double>& trace) {
  return std::sqrt((trace.estimates(10'000).array() - trace.A.trace()).square().mean());
}

}  // namespace

TEST_CASE("HutchPlusPlus: 12 products estimate the trace of a decaying spectrum better than 12 probes",
          "[flow][trace][many-draws]") {
  // 4 products to find 4 directions, 4 along them, 4 for the rest.
  const Eigen::MatrixXd A = decaying(30);
  const double hutchinson = deviation({Hutchinson<>{.probes = 12}, A}),
               hutch_plus_plus = deviation({HutchPlusPlus{.directions = 4, .probes = 4}, A});
  INFO(hutchinson << " " << hutch_plus_plus);
  CHECK(hutch_plus_plus < hutchinson / 3);
}

TEST_CASE("HutchPlusPlus is exact for a Jacobian of no more directions than it takes", "[flow][trace]") {
  Eigen::MatrixXd A = Eigen::MatrixXd::Zero(8, 8);
  A.col(1).setLinSpaced(-1, 2);
  A.row(6) += Eigen::RowVectorXd::LinSpaced(8, 1, 0);
  // Rank 2: the third direction vanishes. Rounding is amplified where the first two are close together.
  for (const Index directions : {2, 3})
    CHECK(deviation({HutchPlusPlus{.directions = directions, .probes = 1}, A}) < 1e-11);
  CHECK(deviation({HutchPlusPlus{.directions = 1, .probes = 1}, A}) > 0.1);

  // No direction at all: Hutchinson's estimate.
  constexpr Index n = 5;
  const AnyEstimator<double> nothing(HutchPlusPlus{.directions = 3, .probes = 1}, Eigen::MatrixXd::Zero(8, 8));
  const Batch<double> V = nothing.tangents({1, 1}, first_ids(n));
  CHECK(V.leftCols(3 * n).isZero(0));
  CHECK(V.rightCols(n).cwiseAbs() == Batch<double>::Ones(8, n));
  // The first block of bits went into Ω: probes that depend on Q would be biased.
  Batch<double> first_signs(8, n);
  fill<Rademacher>(Draw{1, 1}, 0, first_signs);
  CHECK(V.rightCols(n) != first_signs);
}

// A Jacobian of 0 spans nothing, so that the probes are the signs themselves.
TEST_CASE("HutchPlusPlus: the signs are the first bits that its directions leave", "[flow][trace]") {
  constexpr Index d = 5, n = 3, probes = 30;
  const Index directions = GENERATE(1, 2, 3);  // 5, 10 or 15 normal numbers, two a block of 128 bits
  const AnyEstimator<double> nothing(HutchPlusPlus{.directions = directions, .probes = probes},
                                     Eigen::MatrixXd::Zero(d, d));
  const Draw draw{1, 1};
  const Batch<double> V = nothing.tangents(draw, first_ids(n));
  const Index first = (directions * d + 1) / 2;
  Vector<double> signs(probes * d);
  for (Index i = 0; i < n; ++i) {
    Rademacher::write(draw.bits(i, first), signs.head(128));
    Rademacher::write(draw.bits(i, first + 1), signs.tail(probes * d - 128));
    for (Index j = 0; j < probes; ++j) CHECK(V.col((directions + j) * n + i) == signs.segment(j * d, d));
  }
}

TEST_CASE("HutchPlusPlus of d directions is the exact trace", "[flow][trace]") {
  for (const Index directions : {4, 9}) {
    const AnyEstimator<double> trace(HutchPlusPlus{.directions = directions}, some_matrix(4));
    CHECK(trace.k == 4);
    CHECK(trace.weights == Vector<double>::Ones(4));
    CHECK((trace.estimates(10).array() - trace.A.trace()).abs().maxCoeff() < 1e-14);
  }
}

TEST_CASE("HutchPlusPlus refuses to estimate from nothing", "[flow][trace][errors]") {
  CHECK_THROWS_WITH((HutchPlusPlus{.directions = 0, .probes = 1}.tangents(2)),
                    "HutchPlusPlus: directions is 0, expected at least 1");
  CHECK_THROWS_WITH((HutchPlusPlus{.directions = 1, .probes = 0}.tangents(2)),
                    "HutchPlusPlus: probes is 0, expected at least 1");
  CHECK_THROWS_AS((HutchPlusPlus{.directions = 1, .probes = Index(1) << 62}.tangents(2)), ArgumentError);
}
