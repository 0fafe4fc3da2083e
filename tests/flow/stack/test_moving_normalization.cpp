#include <pathline/flow/stack/moving_normalization.hpp>

#include <pathline/core/random.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <limits>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index d = 3, n = 5;

Batch<double> numbers(std::uint64_t draw) {
  Batch<double> Z(d, n);
  fill<Gaussian>(Draw{6, draw}, 0, Z);
  return Z;
}
/// [γ | β | m | v], nothing of it at rest.
Vector<double> norm() {
  Vector<double> result(4 * d);
  result << 0.3, -0.2, 0.5, 1, 2, -1, 0.4, -3, 0.1, 0.5, 4, 0.02;
  return result;
}
ConstVectorMap<double> view(const Vector<double>& of) { return {of.data(), of.size()}; }
VectorMap<double> view(Vector<double>& of) { return {of.data(), of.size()}; }

const MovingNormalization normalization{.epsilon = 1e-2};

}  // namespace

TEST_CASE("MovingNormalization: invert undoes apply, with the same log-determinant", "[flow]") {
  Batch<double> Z = numbers(1);
  const double out = normalization.apply<double>(view(norm()), Z);
  CHECK(max_difference(Z, numbers(1)) > 0.1);
  const double back = normalization.invert<double>(view(norm()), Z);
  CHECK(out == back);
  CHECK(max_difference(Z, numbers(1)) < 1e-14);
}

TEST_CASE("MovingNormalization: the log-determinant is that of the differences", "[flow]") {
  const Vector<double> theta = norm();
  Batch<double> above = numbers(1), below = above;
  above.array() += 0.5;  // the map is affine: any step will do
  below.array() -= 0.5;
  const double log_det = normalization.apply<double>(view(theta), above);
  (void)normalization.apply<double>(view(theta), below);
  for (Index j = 0; j < n; ++j)
    CHECK((above.col(j) - below.col(j)).array().log().sum() == Approx(log_det).epsilon(1e-13));
}

TEST_CASE("MovingNormalization: the pullback agrees with differences, and statistics are constants",
          "[flow][gradient]") {
  const Batch<double> Y_bar = numbers(2);
  const double log_det_bar = 0.7;
  const auto loss = [&](const Vector<double>& theta, Batch<double> Z) {
    const double log_det = normalization.apply<double>(view(theta), Z);
    return Z.cwiseProduct(Y_bar).sum() + log_det_bar * log_det;
  };
  const Vector<double> theta = norm();
  Batch<double> Z_bar = Y_bar;
  Vector<double> theta_bar = Vector<double>::Zero(4 * d);
  normalization.pullback<double>(view(theta), numbers(1), Z_bar, log_det_bar, view(theta_bar));
  const Vector<double> differences =
      central_differences([&](const Vector<double>& p) { return loss(p, numbers(1)); }, theta);
  CHECK(max_difference(theta_bar.head(2 * d), differences.head(2 * d)) < 1e-8);
  CHECK(theta_bar.tail(2 * d).isZero(0));
  CHECK(differences.tail(2 * d).cwiseAbs().minCoeff() > 1e-3);  // which a differentiable mean and variance would have
  const Vector<double> z = numbers(1).reshaped();
  CHECK(max_difference(Vector<double>(Z_bar.reshaped()),
                       central_differences([&](const Vector<double>& x) { return loss(theta, x.reshaped(d, n)); }, z)) <
        1e-8);
}

TEST_CASE("MovingNormalization: it starts as the identity, and statistics move to the batch's", "[flow]") {
  Vector<double> theta(4 * d);
  MovingNormalization::initialize<double>(view(theta));
  Batch<double> Z = numbers(1);
  CHECK(MovingNormalization{.epsilon = 1e-15}.apply<double>(view(std::as_const(theta)), Z) == Approx(0).margin(1e-14));
  CHECK(max_difference(Z, numbers(1)) < 1e-14);
  RowMoments batch;
  batch.set(numbers(1));
  const MovingNormalization quarter{.decay = 0.25};
  quarter.update<double>(view(theta), batch);
  for (Index i = 0; i < d; ++i) {
    CHECK(theta(2 * d + i) == Approx(0.25 * batch.mean()(i)).epsilon(1e-14));
    CHECK(theta(3 * d + i) == Approx(0.75 + 0.25 * batch.variance(i)).epsilon(1e-14));
  }
  for (int i = 0; i < 150; ++i) quarter.update<double>(view(theta), batch);  // 0.75^150 = 2e-19
  for (Index i = 0; i < d; ++i) {
    CHECK(theta(2 * d + i) == Approx(batch.mean()(i)).epsilon(1e-13));
    CHECK(theta(3 * d + i) == Approx(batch.variance(i)).epsilon(1e-13));
  }
  CHECK(theta.head(2 * d).isZero(0));
  const Vector<double> before = theta;
  batch.clear(d);
  quarter.update<double>(view(theta), batch);
  CHECK(theta == before);
}

TEST_CASE("MovingNormalization: bad settings are refused", "[flow][errors]") {
  CHECK_THROWS_WITH(MovingNormalization{.epsilon = 0}.check(),
                    "MovingNormalization: epsilon is 0, expected a positive number");
  CHECK_THROWS_AS(MovingNormalization{.epsilon = std::numeric_limits<double>::infinity()}.check(), ArgumentError);
  CHECK_THROWS_WITH(MovingNormalization{.decay = 0}.check(),
                    "MovingNormalization: decay is 0, expected above 0 and at most 1");
  CHECK_THROWS_AS(MovingNormalization{.decay = 1.5}.check(), ArgumentError);
  CHECK_NOTHROW(MovingNormalization{.decay = 1}.check());
}

TEST_CASE("MovingNormalization refuses batches that its scalar does not hold", "[flow][errors]") {
  Batch<float> Z = Batch<float>::Ones(2, 3);
  Z(1, 0) = 1e30F;  // its square is no float
  RowMoments moments;
  moments.set(Z);
  Vector<float> norm = Vector<float>::Ones(8);
  CHECK_THROWS_WITH(MovingNormalization{}.update<float>({norm.data(), norm.size()}, moments),
                    ContainsSubstring("MovingNormalization: component 1 has mean 3.3") &&
                        ContainsSubstring("give the flow Standardize(X)"));
  CHECK(norm == Vector<float>::Ones(8));
}
