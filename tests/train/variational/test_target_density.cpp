// Targets of variational inference: which types are one, and a formula's score.
#include <pathline/train/variational/target_density.hpp>

#include <pathline/core/random.hpp>
#include <pathline/flow/base/base_density.hpp>

#include <support/catch.hpp>
#include <support/differences.hpp>

#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

struct Together {
  void log_density_and_score(ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar) const {
    log_p = -X.colwise().sum();
    X_bar.setConstant(-1);
  }
};
struct ByRow {
  void log_density_and_score(ConstBatchRef<double> X, RowRef<double> log_p, BatchRef<double> X_bar,
                             const TargetRows<double>& rows) const {
    for (Index j = 0; j < X.cols(); ++j) log_p(j) = double(rows.ids[std::size_t(j)]) + rows.context(0, j) * X(0, j);
    X_bar.setConstant(rows.context(0, 0));
  }
};
struct NoScore {
  void log_density(ConstBatchRef<double>, RowRef<double>) const {}
};
static_assert(TargetDensity<Together> && TargetDensity<ByRow> && TargetDensity<StandardNormal>);
static_assert(!TargetDensity<NoScore> && !TargetDensity<Together, float> && TargetDensity<StandardNormal, float>);

}  // namespace

TEST_CASE("A target is asked by the functions that it has", "[train][variational]") {
  Batch<double> X(2, 3), X_bar(2, 3), context(1, 3);
  X << 1, 2, 3, 4, 5, 6;
  context << 7, 8, 9;
  Row<double> log_p(3);
  const std::vector<Index> ids{10, 20, 30};
  const auto ask = [&](const auto& target) {
    detail::evaluate_target<std::remove_cvref_t<decltype(target)>, double>(target, X, log_p, X_bar,
                                                                           {ids, View<const double>(context)});
  };
  ask(Together{});
  CHECK(log_p == Row<double>{{-5, -7, -9}});
  CHECK(X_bar == Batch<double>::Constant(2, 3, -1));
  ask(ByRow{});
  CHECK(log_p == Row<double>{{17, 36, 57}});
  ask(StandardNormal{});
  CHECK(X_bar == -X);
}

TEST_CASE("A formula's score agrees with central differences", "[train][variational]") {
  const DifferentiableDensity density([](const auto& x) {
    using std::exp, std::log1p;
    const auto bent = x[1] - x[0] * x[0] / 4;
    return -bent * bent / 2 - log1p(exp(-x[2] * x[0])) + 3;
  });
  static_assert(TargetDensity<decltype(density)>);
  Batch<double> X(3, 4), X_bar(3, 4);
  fill<Gaussian>(Draw{3, 1}, 0, X);
  Row<double> log_p(4);
  density.log_density_and_score(X, log_p, X_bar);
  const auto by_hand = [](const Vector<double>& x) {
    const double bent = x(1) - x(0) * x(0) / 4;
    return -bent * bent / 2 - std::log1p(std::exp(-x(2) * x(0))) + 3;
  };
  for (Index j = 0; j < 4; ++j) {
    CHECK(log_p(j) == Approx(by_hand(X.col(j))).epsilon(1e-14));
    CHECK(max_difference(X_bar.col(j), central_differences(by_hand, X.col(j))) < 1e-8);
  }
  // A constant has no derivative, and leaves nothing of the last sample's.
  const DifferentiableDensity constant([](const auto& x) { return 0 * x[0] + 2; });
  constant.log_density_and_score(X, log_p, X_bar);
  CHECK(log_p == Row<double>::Constant(4, 2));
  CHECK(X_bar.isZero());
}
