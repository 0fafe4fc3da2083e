#include <pathline/flow/trace/orthonormalize.hpp>

#include <pathline/core/random.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <limits>

using namespace pathline;

namespace {

constexpr Index d = 6, n = 3;

template <Real Scalar>
Batch<Scalar> tangents(Index k, std::uint64_t seed) {
  Batch<Scalar> V(d, k * n);
  fill<Gaussian>(Draw{seed, 0}, 0, V);
  return V;
}
template <Real Scalar>
BatchMap<Scalar> view(Batch<Scalar>& V) {
  return BatchMap<Scalar>(V.data(), V.rows(), V.cols());
}
/// A sample's vectors, d × k.
template <Real Scalar>
Eigen::MatrixXd of_sample(const Batch<Scalar>& V, Index i) {
  using Strided = Eigen::Map<const Batch<Scalar>, 0, Eigen::OuterStride<>>;
  return Strided(V.col(i).data(), d, V.cols() / n, Eigen::OuterStride<>(n * d)).template cast<double>();
}

}  // namespace

TEMPLATE_TEST_CASE("orthonormalize keeps every sample's span and makes its vectors orthonormal", "[flow][trace]", float,
                   double) {
  using Scalar = TestType;
  constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();
  const Batch<Scalar> V = tangents<Scalar>(4, 1);
  Batch<Scalar> Q = V;
  AllocationCounter counter;
  orthonormalize(view(Q), n, 0);
  CHECK(counter.count() == 0);
  for (Index i = 0; i < n; ++i) {
    const Eigen::MatrixXd q = of_sample(Q, i), v = of_sample(V, i), R = q.transpose() * v;
    // A few roundings of sums of 6 terms.
    CHECK((q.transpose() * q - Eigen::MatrixXd::Identity(4, 4)).cwiseAbs().maxCoeff() < 10 * epsilon);
    CHECK((q * R - v).cwiseAbs().maxCoeff() < 50 * epsilon);
    CHECK(R.diagonal().minCoeff() > 0);
    CHECK((R - Eigen::MatrixXd(R.triangularView<Eigen::Upper>())).cwiseAbs().maxCoeff() < 50 * epsilon);
  }
}

TEMPLATE_TEST_CASE("orthonormalize is orthogonal to rounding where all but a millionth cancels", "[flow][trace]", float,
                   double) {
  // One pass would leave ε / share: 0.1 in float.
  using Scalar = TestType;
  constexpr Scalar share = std::is_same_v<Scalar, float> ? Scalar(1e-6) : Scalar(1e-12);
  Batch<Scalar> V = tangents<Scalar>(3, 2);
  for (const Index j : {1, 2}) V.middleCols(j * n, n) = V.leftCols(n) + share * V.middleCols(j * n, n);
  orthonormalize(view(V), n, 0);
  for (Index i = 0; i < n; ++i) {
    const Eigen::MatrixXd q = of_sample(V, i);
    CHECK((q.transpose() * q - Eigen::MatrixXd::Identity(3, 3)).cwiseAbs().maxCoeff() <
          50 * std::numeric_limits<Scalar>::epsilon());
  }
}

TEST_CASE("orthonormalize gives up what the vectors before span", "[flow][trace]") {
  Batch<double> V = tangents<double>(4, 3);
  V.middleCols(n, n) = -2 * V.leftCols(n);
  V.col(2 * n + 1).setZero();
  V.col(3 * n + 2).setConstant(1e200);  // its square is infinite
  orthonormalize(view(V), n, 1e-8);
  CHECK(V.middleCols(n, n).isZero(0));
  CHECK(V.col(2 * n + 1).isZero(0));
  CHECK(V.col(3 * n + 2).isZero(0));
  for (const Index i : {Index(0), 2 * n, 2 * n + 2, 3 * n, 3 * n + 1}) CHECK(V.col(i).norm() == Approx(1));
}

TEST_CASE("project_out leaves what is orthogonal to every sample's own vectors", "[flow][trace]") {
  Batch<double> Q = tangents<double>(2, 4);
  Q.col(n + 2).setZero();
  orthonormalize(view(Q), n, 1e-8);
  const Batch<double> V = tangents<double>(3, 5);
  Batch<double> rest = V;
  AllocationCounter counter;
  project_out(view(Q), n, view(rest));
  CHECK(counter.count() == 0);
  for (Index i = 0; i < n; ++i) {
    const Eigen::MatrixXd q = of_sample(Q, i);
    CHECK((of_sample(V, i) - q * (q.transpose() * of_sample(V, i)) - of_sample(rest, i)).cwiseAbs().maxCoeff() < 1e-15);
  }
}
