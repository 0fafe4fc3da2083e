#include <pathline/train/toy/toy_gaussians.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <numbers>

using namespace pathline;
using detail::ToyNumbers;

TEST_CASE("8gaussians: samples lie about eight centres 4 / 1.414 from the origin, with deviation 0.5 / 1.414",
          "[train][toy]") {
  const Index n = 8000;
  double squares = 0;
  Vector<double> count = Vector<double>::Zero(8);
  for (Index i = 0; i < n; ++i) {
    const Eigen::Vector2d x = detail::EightGaussians::sample(ToyNumbers(Draw{3, 0}, i));
    const double turn = std::atan2(x(1), x(0)) / (std::numbers::pi / 4), nearest = std::round(turn);
    const double angle = nearest * std::numbers::pi / 4;
    squares += (x - 4 / 1.414 * Eigen::Vector2d(std::cos(angle), std::sin(angle))).squaredNorm();
    count((Index(nearest) + 8) % 8) += 1;
  }
  // Mean square per sample 2 (0.5 / 1.414)² = 0.25009, relative deviation 1/√n = 0.011; four of them. Centres are six
  // deviations apart: 0.3 % of the samples are nearest to a wrong one, which takes less than 2 % off the squares.
  CHECK(squares / double(n) == Approx(0.25009).epsilon(0.06));
  CHECK((count.array() - 1000).abs().maxCoeff() < 4 * std::sqrt(1000 * 7. / 8));
}

TEST_CASE("8gaussians: the density has the symmetries of the octagon", "[train][toy]") {
  const detail::EightGaussians set;
  const double s = std::numbers::sqrt2 / 2, value = set.log_density(Eigen::Vector2d(2.5, 0.7));
  CHECK(set.log_density(Eigen::Vector2d(-2.5, 0.7)) == Approx(value).epsilon(1e-13));
  CHECK(set.log_density(Eigen::Vector2d(0.7, 2.5)) == Approx(value).epsilon(1e-13));
  CHECK(set.log_density(Eigen::Vector2d(s * 2.5 - s * 0.7, s * 2.5 + s * 0.7)) == Approx(value).epsilon(1e-13));
}

TEST_CASE("mixture: samples have its mean and covariance", "[train][toy]") {
  using Mixture = detail::UnequalMixture;
  double weights = 0;
  Eigen::Vector2d mean = Eigen::Vector2d::Zero();
  Eigen::Matrix2d second = Eigen::Matrix2d::Zero();
  for (const Mixture::Component& c : Mixture::components) {
    const Eigen::Vector2d centre(c.x, c.y);
    const Eigen::Matrix2d L = (Eigen::Matrix2d() << c.l00, 0, c.l10, c.l11).finished();
    weights += c.weight;
    mean += c.weight * centre;
    second += c.weight * (centre * centre.transpose() + L * L.transpose());
  }
  CHECK(weights == Approx(1).epsilon(1e-15));
  const Index n = 40'000;
  Eigen::Vector2d sample_mean = Eigen::Vector2d::Zero();
  Eigen::Matrix2d sample_second = Eigen::Matrix2d::Zero();
  for (Index i = 0; i < n; ++i) {
    const Eigen::Vector2d x = Mixture::sample(ToyNumbers(Draw{3, 0}, i));
    sample_mean += x / double(n);
    sample_second += x * x.transpose() / double(n);
  }
  // Deviations below 2 / √n = 0.01 of the means, and below 5 / √n = 0.025 of the squares (|x|² < 10 mostly); four each.
  CHECK((sample_mean - mean).cwiseAbs().maxCoeff() < 0.04);
  CHECK((sample_second - second).cwiseAbs().maxCoeff() < 0.1);
}

TEST_CASE("mixture: the density is the sum over components, by the inverse covariances", "[train][toy]") {
  const detail::UnequalMixture set;
  for (const Eigen::Vector2d& x : {Eigen::Vector2d(0, 0), Eigen::Vector2d(-2, 0.3), Eigen::Vector2d(1.7, -2.1)}) {
    double p = 0;
    for (const detail::UnequalMixture::Component& c : detail::UnequalMixture::components) {
      const double sxx = c.l00 * c.l00, sxy = c.l00 * c.l10, syy = c.l10 * c.l10 + c.l11 * c.l11;
      const double det = sxx * syy - sxy * sxy, dx = x(0) - c.x, dy = x(1) - c.y;
      const double form = (syy * dx * dx - 2 * sxy * dx * dy + sxx * dy * dy) / det;
      p += c.weight * std::exp(-form / 2) / (2 * std::numbers::pi * std::sqrt(det));
    }
    CHECK(set.log_density(x) == Approx(std::log(p)).epsilon(1e-13));
  }
  CHECK(std::isfinite(set.log_density(Eigen::Vector2d(1000, -1000))));
}
