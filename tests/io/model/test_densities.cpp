/// \file
/// Base densities and transforms in files: read again they give the same bits, whatever they were made from.
#include <pathline/io/model/densities.hpp>

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/base/gaussian_bases.hpp>
#include <pathline/flow/base/mixture.hpp>
#include <pathline/flow/base/periodic_base.hpp>
#include <pathline/flow/base/student_t.hpp>
#include <pathline/flow/base/uniform_box.hpp>
#include <pathline/flow/transform/chain_transform.hpp>
#include <pathline/flow/transform/context_transform.hpp>
#include <pathline/flow/transform/log_transform.hpp>
#include <pathline/flow/transform/logit.hpp>
#include <pathline/flow/transform/periodic_transform.hpp>
#include <pathline/flow/transform/transform.hpp>
#include <pathline/flow/transform/whiten.hpp>

#include <support/catch.hpp>
#include <support/part_round_trip.hpp>

#include <cmath>
#include <vector>

namespace {

using namespace pathline;

// Positive, and no number of it short in binary.
template <Real Scalar>
Batch<Scalar> data() {
  return Batch<Scalar>::NullaryExpr(
      2, 7, [](Index i, Index j) { return Scalar(0.5 + 0.3 * std::sin(1.3 * double(i) + double(j * j) / 3)); });
}

template <Real Scalar>
void check_same(const char* what, const Batch<Scalar>& got, const Batch<Scalar>& expected) {
  INFO(what);
  CHECK(got == expected);
}

template <Real Scalar, class Base>
void check_base(const Base& base) {
  const Base read = round_trip(base);
  const Batch<Scalar> Z = data<Scalar>();
  Row<Scalar> log_p(Z.cols()), again(Z.cols());
  base.log_density(Z, log_p);
  read.log_density(Z, again);
  check_same<Scalar>("log_density", again, log_p);
  Batch<Scalar> score = Z, score_again = Z, sample = Z, sample_again = Z;
  base.score(Z, score);
  read.score(Z, score_again);
  check_same<Scalar>("score", score_again, score);
  Rng rng(3);
  const Draw draw = rng.draw();
  base.sample(draw, 0, sample);
  read.sample(draw, 0, sample_again);
  check_same<Scalar>("sample", sample_again, sample);
}

template <Real Scalar, class Transform>
void check_transform(const Transform& transform) {
  const Transform read = round_trip(transform);
  const Batch<Scalar> X = data<Scalar>();
  Batch<Scalar> Z = X, again = X;
  Row<Scalar> log_det(X.cols()), log_det_again(X.cols());
  transform.apply(X, Z, log_det);
  read.apply(X, again, log_det_again);
  check_same<Scalar>("apply", again, Z);
  check_same<Scalar>("log_det", log_det_again, log_det);
  Batch<Scalar> back = X, back_again = X;
  transform.invert(Z, back);
  read.invert(Z, back_again);
  check_same<Scalar>("invert", back_again, back);
}

}  // namespace

TEMPLATE_TEST_CASE("io: base densities are read to the same bits", "[io]", float, double) {
  using S = TestType;
  const Vector<S> mean = data<S>().col(1), deviation = data<S>().col(2);
  check_base<S>(StandardNormal{});
  check_base<S>(DiagonalGaussian<S>(mean, deviation));
  check_base<S>(FullGaussian<S>::fit(data<S>()));
  // Weights whose sum rounds: divided by it again they would be others.
  const Vector<S> weights = data<S>().row(0).head(3).transpose();
  check_base<S>(GaussianMixture<S>(weights, data<S>().leftCols(3), data<S>().rightCols(3)));
  check_base<S>(StudentT<S>(deviation, mean, deviation));
  check_base<S>(UniformBox<S>(Vector<S>::Zero(2), deviation));
  check_base<S>(PeriodicBase(2, {{.component = 1}}));
}

TEMPLATE_TEST_CASE("io: data transforms are read to the same bits", "[io]", float, double) {
  using S = TestType;
  const Batch<S> X = data<S>();
  check_transform<S>(NoTransform{});
  check_transform<S>(Standardize<S>(X));
  check_transform<S>(Whiten<S>(X));
  check_transform<S>(Logit<S>(Vector<S>::Zero(2), Vector<S>::Constant(2, S(1.1)), 1. / 3));
  check_transform<S>(Log<S>(2, {1}, Vector<S>::Constant(1, S(0.1))));
  check_transform<S>(PeriodicTransform<S>({{.component = 1, .lower = -0.1, .upper = 0.6}}, X));
  const Log<S> log(Vector<S>::Zero(2));
  check_transform<S>(Chain(log, Standardize<S>(transformed(log, X))));
}

TEST_CASE("io: a context transform is read to the same bits", "[io]") {
  const Batch<double> C = data<double>();
  const StandardizeContext transform(C), read = round_trip(transform);
  CHECK(transformed(read, C) == transformed(transform, C));
  (void)round_trip(NoContextTransform{});
}

TEST_CASE("io: statistics that no transform has are refused", "[io][errors]") {
  io::TensorFile file = part_file(Standardize<double>(data<double>()));
  const auto differences = [&] {
    io::detail::ReadingState state(file, io::Rounding::refuse);
    CHECK_FALSE(io::ModelReader(state).part<Standardize<double>>("part"));
    return state.differences;
  };
  file.tensors[1] = io::tensor_of("part.deviation", Eigen::Vector2d(1, 0));
  CHECK(differences() ==
        std::vector<std::string>{"part: Standardize: deviation(1) is 0, expected a positive finite number"});
  file.tensors[1] = io::tensor_of("part.deviation", Eigen::Vector3d(1, 2, 3));
  CHECK(differences().size() == 1);
  file.tensors[1] = io::tensor_of("part.deviation", Eigen::MatrixXd(2, 1));
  CHECK(differences() ==
        std::vector<std::string>{"part.deviation: the file has shape [2, 1], the program needs 1 dimensions"});
  file.tensors.erase(file.tensors.begin() + 1);
  CHECK(differences() ==
        std::vector<std::string>{"part.deviation: the file has no tensor of this name, the program needs it"});
}
