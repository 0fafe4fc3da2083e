#include <pathline/flow/trace/orthogonal_hutchinson.hpp>

#include <support/catch.hpp>
#include <support/trace_laws.hpp>

using namespace pathline;
using namespace pathline::test;

TEST_CASE("OrthogonalHutchinson: probes are orthogonal, of length √d", "[flow][trace]") {
  const Index d = 7, k = 3, n = 20;
  const Batch<double> V =
      AnyEstimator<double>(OrthogonalHutchinson{.probes = k}, some_matrix(d)).tangents({1, 2}, first_ids(n));
  for (Index i = 0; i < n; ++i) {
    const Eigen::Map<const Batch<double>, 0, Eigen::OuterStride<>> v(V.col(i).data(), d, k,
                                                                     Eigen::OuterStride<>(n * d));
    CHECK((v.transpose() * v - double(d) * Eigen::MatrixXd::Identity(k, k)).cwiseAbs().maxCoeff() < 1e-14 * double(d));
  }
}

TEST_CASE("OrthogonalHutchinson: d probes give the trace, and no more than d are taken", "[flow][trace]") {
  const Index d = GENERATE(1, 2, 5, 12);
  for (const Index probes : {d, d + 3}) {
    const AnyEstimator<double> trace(OrthogonalHutchinson{.probes = probes}, some_matrix(d));
    CHECK(trace.k == d);
    CHECK((trace.estimates(1000).array() - trace.A.trace()).abs().maxCoeff() < 1e-12);
  }
}

TEST_CASE("OrthogonalHutchinson: orthogonality takes the factor (d-k)/(d-1) off the variance",
          "[flow][trace][many-draws]") {
  const Index d = 10, k = 7;
  const Eigen::MatrixXd A = some_matrix(d);
  const AnyEstimator<double> one(OrthogonalHutchinson{.probes = 1}, A), many(OrthogonalHutchinson{.probes = k}, A);
  const auto variance = [&](const AnyEstimator<double>& trace) {
    return (trace.estimates(40'000).array() - A.trace()).square().mean();
  };
  // k independent ones would give 1/k. The ratio of two variances of 40'000 is known to 2 %: 4.9 of that are 0.1.
  CHECK(variance(many) / (variance(one) / double(k)) == Approx(double(d - k) / double(d - 1)).epsilon(0.1));
}

TEST_CASE("OrthogonalHutchinson refuses to estimate from nothing", "[flow][trace][errors]") {
  CHECK_THROWS_WITH(OrthogonalHutchinson{.probes = 0}.tangents(2),
                    "OrthogonalHutchinson: probes is 0, expected at least 1");
}
