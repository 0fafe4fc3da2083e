#include <pathline/flow/trace/antithetic_hutchinson.hpp>
#include <pathline/flow/trace/hutch_plus_plus.hpp>
#include <pathline/flow/trace/orthogonal_hutchinson.hpp>
#include <pathline/flow/trace/trace.hpp>

#include <support/catch.hpp>
#include <support/trace_laws.hpp>

using namespace pathline;
using namespace pathline::test;

namespace {

// The variances of docs/maths.md, (8.2) to (8.4), for the matrix A of the law.
constexpr Index d = 4;
const Eigen::Matrix4d A = some_matrix(d);
const Eigen::Matrix4d S = 0.5 * (A + A.transpose());
const double all = S.squaredNorm(), diagonal = S.diagonal().squaredNorm(),
             across = 2 * S.topRightCorner<2, 2>().squaredNorm();

double on_the_sphere(double k) { return 2. * d / (k * (d + 2.)) * (all - A.trace() * A.trace() / d); }

/// Of Hutch++, the mean over Q. From 400'000 of them it is known to a third of the error of the 40'000 estimates that
/// it is compared with, which leaves 4.6 of the law's 4.9 standard errors: a false alarm has a chance of 4e-6.
double of_hutch_plus_plus(Index directions, Index probes) {
  constexpr Index cases = 400'000;
  double sum = 0;
  for (Index i = 0; i < cases; ++i) {
    Eigen::Matrix4d P = Eigen::Matrix4d::Identity(), noise;
    fill<Gaussian>(Draw{99, 0}, 4 * i, noise);
    for (Index j = 0; j < directions; ++j) {
      const Eigen::Vector4d rest = P * (A * noise.col(j));
      P -= rest * rest.transpose() / rest.squaredNorm();
    }
    const Eigen::Matrix4d C = P * S * P;
    sum += 2 * (C.squaredNorm() - C.diagonal().squaredNorm()) / double(probes);
  }
  return sum / double(cases);
}

}  // namespace

TEST_CASE("ExactTrace obeys the law of trace estimators", "[flow][trace]") { check_trace_laws(ExactTrace{}, 0); }

TEST_CASE("Hutchinson obeys the law of trace estimators", "[flow][trace]") {
  check_trace_laws(Hutchinson<Gaussian>{.probes = 3}, 2 * all / 3);
  check_trace_laws(Hutchinson<Rademacher>{.probes = 2}, 2 * (all - diagonal) / 2);
}

TEST_CASE("AntitheticHutchinson obeys the law of trace estimators", "[flow][trace]") {
  const double p = 1. / 3;  // of two components to be in one half, d = 4
  check_trace_laws(AntitheticHutchinson<Gaussian>{}, 2 * (diagonal + p * (all - diagonal)));
  check_trace_laws(AntitheticHutchinson<Rademacher>{.pairs = 2}, 2 * p * (all - diagonal) / 2);
  check_trace_laws(AntitheticHutchinson<Rademacher>{.split = ProbeHalves::in_the_middle},
                   2 * (all - diagonal - across));
}

TEST_CASE("OrthogonalHutchinson obeys the law of trace estimators", "[flow][trace]") {
  for (const Index k : {1, 2, 3})
    check_trace_laws(OrthogonalHutchinson{.probes = k}, on_the_sphere(double(k)) * double(d - k) / (d - 1.));
}

TEST_CASE("HutchPlusPlus obeys the law of trace estimators", "[flow][trace][many-draws]") {
  check_trace_laws(HutchPlusPlus{.directions = 1, .probes = 1}, of_hutch_plus_plus(1, 1));
  check_trace_laws(HutchPlusPlus{.directions = 2, .probes = 3}, of_hutch_plus_plus(2, 3));
}
