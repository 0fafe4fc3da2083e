#include <pathline/flow/trace/trace.hpp>

#include <support/any_trace.hpp>
#include <support/catch.hpp>

#include <numeric>

using namespace pathline;
using namespace pathline::test;

namespace {

struct NoWeight {
  [[nodiscard]] Index tangents(Index) const { return 1; }
  template <class... A>
  void fill(const A&...) const {}
};
struct NoTangents {
  [[nodiscard]] double weight(Index, Index) const { return 1; }
  template <class... A>
  void fill(const A&...) const {}
};
struct NoFill {
  [[nodiscard]] Index tangents(Index) const { return 1; }
  [[nodiscard]] double weight(Index, Index) const { return 1; }
};
static_assert(TraceEstimator<ExactTrace> && TraceEstimator<Hutchinson<>, float> &&
              TraceEstimator<Hutchinson<Gaussian>>);
static_assert(!TraceEstimator<NoWeight> && !TraceEstimator<NoTangents> && !TraceEstimator<NoFill>);

std::vector<Index> ids(Index n) {
  std::vector<Index> result(static_cast<std::size_t>(n));
  std::iota(result.begin(), result.end(), Index(0));
  return result;
}

/// w Σ_j v_jᵀ A v_j of each of n samples.
template <class Trace>
Eigen::RowVectorXd estimates(const Trace& trace, const Eigen::MatrixXd& A, Index n, const Draw& draw = {1, 0}) {
  const Index d = A.rows(), k = trace.tangents(d);
  Workspace<double> workspace;
  Eigen::MatrixXd V(d, k * n);
  trace.fill(draw, std::span<const Index>(ids(n)), BatchMap<double>(V.data(), d, k * n), workspace);
  Eigen::RowVectorXd sum = Eigen::RowVectorXd::Zero(n);
  for (Index j = 0; j < k; ++j) {
    const Eigen::MatrixXd v = V.middleCols(j * n, n);
    sum += v.cwiseProduct(A * v).colwise().sum();
  }
  return trace.weight(d, 0) * sum;
}

const Eigen::MatrixXd A = [] {
  Eigen::MatrixXd matrix(4, 4);
  fill<Gaussian>(Draw{2, 2}, 0, matrix);
  return matrix;
}();

}  // namespace

TEST_CASE("ExactTrace is the trace", "[flow][trace]") {
  CHECK((estimates(ExactTrace{}, A, 3).array() - A.trace()).abs().maxCoeff() < 1e-14);
}

TEST_CASE("Hutchinson is unbiased, with the variance of theory", "[flow][trace]") {
  const Index n = 40'000;
  const AnyTrace trace =
      GENERATE(AnyTrace{Hutchinson<Rademacher>{}}, AnyTrace{Hutchinson<Gaussian>{}},
               AnyTrace{Hutchinson<Rademacher>{.probes = 3}}, AnyTrace{Hutchinson<Gaussian>{.probes = 3}});
  const Eigen::MatrixXd S = 0.5 * (A + A.transpose());
  const bool rademacher = trace.estimator.index() == 1;
  const double one_probe =
      2 * (S.squaredNorm() - (rademacher ? S.diagonal().squaredNorm() : 0.0));  // docs/maths.md, (8.2)
  const double variance = one_probe * trace.weight(4, 0);
  const Eigen::RowVectorXd got = estimates(trace, A, n);
  const double mean = got.mean(), spread = (got.array() - mean).square().mean();
  INFO("estimator " << trace.estimator.index() << ", weight " << trace.weight(4, 0));
  // 4.9 standard errors: a chance of 1e-6 for a false alarm under the normal law.
  CHECK(std::abs(mean - A.trace()) < 4.9 * std::sqrt(variance / double(n)));
  // The variance's own relative standard error is √((κ - 1)/n), κ <= 15 for quadratic forms of normal vectors: 0.019.
  CHECK(spread == Approx(variance).epsilon(0.1));
}

TEST_CASE("Hutchinson's mean does not depend on the number of probes", "[flow][trace]") {
  // bayesflow #772: a sum over probes that was not divided by their number. Exact for a diagonal matrix and signs.
  const Eigen::MatrixXd D = Eigen::Vector3d(1, 2, 4).asDiagonal();
  for (const Index probes : {1, 2, 5})
    CHECK((estimates(Hutchinson<Rademacher>{.probes = probes}, D, 2).array() - 7).abs().maxCoeff() < 1e-14);
}

TEST_CASE("Noise follows the sample's id, not its place", "[flow][trace]") {
  Workspace<double> workspace;
  const Hutchinson<Gaussian> trace{.probes = 2};
  Eigen::MatrixXd together(3, 2 * 4), alone(3, 2 * 1);
  const std::vector<Index> four{5, 6, 9, 2}, one{9};
  trace.fill(Draw{1, 4}, std::span<const Index>(four), BatchMap<double>(together.data(), 3, 8), workspace);
  trace.fill(Draw{1, 4}, std::span<const Index>(one), BatchMap<double>(alone.data(), 3, 2), workspace);
  CHECK(together.col(2) == alone.col(0));      // first probe
  CHECK(together.col(4 + 2) == alone.col(1));  // second probe
  CHECK(alone.col(0) != alone.col(1));
}

TEST_CASE("Hutchinson refuses to estimate from nothing", "[flow][trace][errors]") {
  CHECK_THROWS_WITH(Hutchinson<>{.probes = 0}.tangents(2), "Hutchinson: probes is 0, expected at least 1");
  // As a damaged file may say: sizes of batches would overflow.
  CHECK_THROWS_WITH(Hutchinson<>{.probes = Index(1) << 62}.tangents(2), ContainsSubstring("expected at most 1048576"));
}
