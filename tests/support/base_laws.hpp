/// \file
/// The law of base densities: what log-density, score and samples owe to each other and to their caller, whatever the
/// base. A new base is held to it by one line, `check_base_laws(MyBase<double>(…), MyBase<float>(…), moments);`.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/base_density.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace pathline::test {

/// A base behind functions, so that the law is compiled once a file and not once a base.
template <Real Scalar>
struct AnyBase {
  template <BaseDensity<Scalar> B>
  AnyBase(B base) {  // NOLINT(google-explicit-constructor): a test hands any base to the law
    const auto self = std::make_shared<const B>(std::move(base));
    log_density = [self](ConstBatchRef<Scalar> Z, RowRef<Scalar> log_p) { self->log_density(Z, log_p); };
    score = [self](ConstBatchRef<Scalar> Z, BatchRef<Scalar> Z_bar) { self->score(Z, Z_bar); };
    sample = [self](const Draw& draw, Index first, BatchRef<Scalar> Z) { self->sample(draw, first, Z); };
    if constexpr (requires(Index d) { self->check(d); }) check = [self](Index d) { self->check(d); };
  }

  [[nodiscard]] Row<Scalar> log_density_of(const Batch<Scalar>& Z) const {
    Row<Scalar> log_p = Row<Scalar>::Constant(Z.cols(), std::numeric_limits<Scalar>::quiet_NaN());
    log_density(Z, log_p);
    return log_p;
  }
  [[nodiscard]] Batch<Scalar> score_of(const Batch<Scalar>& Z) const {
    Batch<Scalar> result = Batch<Scalar>::Constant(Z.rows(), Z.cols(), std::numeric_limits<Scalar>::quiet_NaN());
    score(Z, result);
    return result;
  }
  [[nodiscard]] Batch<Scalar> samples(Index d, Index n, Index first = 0) const {
    Batch<Scalar> result(d, n);
    sample(Draw{23, 5}, first, result);
    return result;
  }

  std::function<void(ConstBatchRef<Scalar>, RowRef<Scalar>)> log_density;
  std::function<void(ConstBatchRef<Scalar>, BatchRef<Scalar>)> score;
  std::function<void(const Draw&, Index, BatchRef<Scalar>)> sample;
  std::function<void(Index)> check;  ///< Empty where the base fits every dimension.
};

/// What a base is expected to be, by formulas other than its own.
struct BaseMoments {
  Vector<double> mean;
  Batch<double> covariance;
  double reach = 9;  ///< In deviations: beyond there the density is nothing to speak of.
};

/// ∫ ν = 1 in two dimensions, by the midpoint rule, which converges faster than any power of h for smooth densities. At
/// 0.045 deviations a cell and 9 deviations to each side both errors are below 1e-12 where no component of a mixture is
/// narrower than a tenth of the whole; it is exact for a box with faces on the cells'.
inline void check_integral(const AnyBase<double>& base, const BaseMoments& moments) {
  constexpr Index cells = 400;
  Batch<double> Z(2, cells * cells);
  const Vector<double> half = moments.reach * moments.covariance.diagonal().cwiseSqrt();
  for (Index j = 0; j < cells * cells; ++j) {
    Z(0, j) = moments.mean(0) + half(0) * (2 * (double(j % cells) + 0.5) / double(cells) - 1);
    Z(1, j) = moments.mean(1) + half(1) * (2 * (double(j / cells) + 0.5) / double(cells) - 1);
  }
  const double cell = 4 * half.prod() / double(cells * cells);
  CHECK(std::abs(base.log_density_of(Z).array().exp().sum() * cell - 1) < 1e-10);
}

/// The score is the gradient of the log-density. With h = 1e-5 the rounding of differences, ε |log ν| / h, is 1e-10,
/// and truncation h² times third derivatives, which mixtures have and which are below 1e3 here.
inline void check_score(const AnyBase<double>& base, const Batch<double>& Z) {
  const Batch<double> score = base.score_of(Z);
  for (Index j = 0; j < Z.cols(); ++j) {
    const Vector<double> expected =
        central_differences([&](const Vector<double>& z) { return base.log_density_of(z)(0); }, Z.col(j), 1e-5);
    CHECK((score.col(j) - expected).lpNorm<Eigen::Infinity>() < 1e-7 * (1 + expected.lpNorm<Eigen::Infinity>()));
  }
}

/// Mean and covariance of samples, at 4.9 standard errors each: a sound base would fail one with probability 1e-6. The
/// standard error of a mean of products is estimated from the products.
inline void check_sample_moments(const AnyBase<double>& base, const BaseMoments& moments) {
  constexpr Index n = 20'000;
  const Index d = moments.mean.size();
  const Batch<double> Z = base.samples(d, n);
  const auto agrees = [](const Row<double>& values, double expected) {
    const double mean = values.mean();
    const double error = std::sqrt((values.array() - mean).square().mean() / double(n));
    INFO("mean " << mean << ", expected " << expected << ", standard error " << error);
    CHECK(std::abs(mean - expected) < 4.9 * error);
  };
  for (Index i = 0; i < d; ++i) {
    agrees(Z.row(i), moments.mean(i));
    for (Index k = 0; k <= i; ++k)
      agrees((Z.row(i).array() - moments.mean(i)) * (Z.row(k).array() - moments.mean(k)), moments.covariance(i, k));
  }
}

/// Columns do not know each other, blocks of larger batches do as well, and nothing is allocated.
inline void check_batches(const AnyBase<double>& base, const Batch<double>& Z) {
  constexpr double marker = 1234;
  const Index d = Z.rows(), n = Z.cols();
  Batch<double> states = Batch<double>::Constant(d + 2, n, marker), bar = states;
  states.topRows(d) = Z;
  AllocationCounter counter;
  base.log_density(states.topRows(d), bar.row(d));
  base.score(states.topRows(d), bar.topRows(d));
  CHECK(counter.count() == 0);
  CHECK(bar.row(d + 1) == Row<double>::Constant(n, marker));
  // Blocks are aligned otherwise, so that sums of squares may be added up in another order.
  CHECK((bar.row(d) - base.log_density_of(Z)).cwiseAbs().maxCoeff() < 1e-13);
  CHECK((bar.topRows(d) - base.score_of(Z)).cwiseAbs().maxCoeff() < 1e-12);
  CHECK(base.log_density_of(Z.col(2))(0) == Approx(base.log_density_of(Z)(2)).epsilon(1e-14));

  CHECK(base.samples(d, 5, 17) == base.samples(d, 40).middleCols(17, 5));
}

/// float is double, rounded: a few hundred units of 6e-8.
inline void check_float(const AnyBase<double>& base, const AnyBase<float>& single, Index d) {
  const Batch<float> Z = single.samples(d, 32);
  const Batch<double> exact = base.samples(d, 32);
  CHECK((Z.cast<double>() - exact).cwiseAbs().maxCoeff() < 1e-5 * (1 + exact.cwiseAbs().maxCoeff()));
  const Row<double> log_p = base.log_density_of(Z.cast<double>());
  CHECK((single.log_density_of(Z).cast<double>() - log_p).cwiseAbs().maxCoeff() <
        2e-5 * (1 + log_p.cwiseAbs().maxCoeff()));
  const Batch<double> score = base.score_of(Z.cast<double>());
  CHECK((single.score_of(Z).cast<double>() - score).cwiseAbs().maxCoeff() < 2e-5 * (1 + score.cwiseAbs().maxCoeff()));
}

inline void check_base_laws(const AnyBase<double>& base, const AnyBase<float>& single, const BaseMoments& moments) {
  const Index d = moments.mean.size();
  const Batch<double> Z = base.samples(d, 12);
  if (d == 2) check_integral(base, moments);
  check_score(base, Z);
  check_sample_moments(base, moments);
  check_batches(base, Z);
  check_float(base, single, d);
  if (base.check) {
    CHECK_NOTHROW(base.check(d));
    CHECK_THROWS_AS(base.check(d + 1), ShapeError);
  }
}

}  // namespace pathline::test
