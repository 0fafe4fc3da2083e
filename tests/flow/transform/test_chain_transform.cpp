#include <pathline/flow/transform/chain_transform.hpp>

#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/logit.hpp>
#include <pathline/flow/transform/whiten.hpp>

#include <support/catch.hpp>
#include <support/transform_laws.hpp>

#include <type_traits>

using namespace pathline;

namespace {

using LogWhiten = Chain<Log<double>, Whiten<double>>;
static_assert(DataTransform<LogWhiten> && !DataTransform<LogWhiten, float>);
static_assert(DataTransform<Chain<NoTransform>> && DataTransform<Chain<NoTransform>, float>);
static_assert(DataTransform<Chain<NoTransform, Standardize<float>>, float>);
static_assert(!DataTransform<Chain<NoTransform, Standardize<float>>>);

template <class Scalar>
auto log_whiten_logit(const Batch<Scalar>& X) {
  const Log log(Vector<Scalar>::Constant(3, Scalar(0.5)));
  const Whiten whiten(transformed(log, X));
  return Chain(log, whiten, Logit(Vector<Scalar>::Constant(3, -9), Vector<Scalar>::Constant(3, 9), 0.01));
}

// More columns than one block of the chain has.
Batch<double> positive() { return Batch<double>::Random(3, 150).array().exp() - 0.5; }

}  // namespace

TEST_CASE("Chain obeys the law of data transforms", "[flow][transform]") {
  const Batch<double> X = positive();
  const auto chain = log_whiten_logit<double>(X);
  test::check_transform_laws(chain, log_whiten_logit<float>(X.cast<float>()), X);
  test::check_transform_laws(Chain(chain, NoTransform{}), Chain(log_whiten_logit<float>(X.cast<float>())), X);
}

TEST_CASE("Chain: one transform after another, and their log-determinants add up", "[flow][transform]") {
  const Batch<double> X = positive();
  const Log log{Vector<double>::Constant(3, 0.5)};
  const Chain chain{log, Standardize{transformed(log, X)}};
  static_assert(std::is_same_v<decltype(chain), const Chain<Log<double>, Standardize<double>>>);
  const auto first = test::AnyTransform<double>(log).applied(X);
  const auto second = test::AnyTransform<double>(Standardize(first.Z)).applied(first.Z);
  const auto both = test::AnyTransform<double>(chain).applied(X);
  CHECK(both.Z.isApprox(second.Z, 1e-15));
  CHECK(both.log_det.isApprox(first.log_det + second.log_det, 1e-15));
}

TEST_CASE("Chain names the sample of the whole batch, and the dimension that does not fit",
          "[flow][transform][errors]") {
  const Log log(Vector<double>::Zero(2));
  Batch<double> X = Batch<double>::Random(2, 200).cwiseAbs().array() + 3;
  X(1, 131) = -2;
  CHECK_THROWS_WITH(transformed(Chain(NoTransform{}, log), X),
                    "Log: data is -2 at component 1 of sample 131, expected above 0");
  CHECK_THROWS_WITH(transformed(Chain(Chain(NoTransform{}, log), log), X),
                    "Log: data is -2 at component 1 of sample 131, expected above 0");
  CHECK_THROWS_WITH(Chain(log, Log(Vector<double>::Zero(3))).check(2), "Log: field has 2 rows, expected 3");
}
