#include <pathline/nn/taylor/path_derivatives.hpp>

#include <pathline/core/chunks.hpp>
#include <pathline/core/random.hpp>
#include <pathline/nn/mlp.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>
#include <support/differences.hpp>

#include <limits>
#include <vector>

using namespace pathline;
using namespace pathline::test;

namespace {

constexpr Index d = 2, n = 3;

struct Cotangents {
  Batch<double> Z, S;
  Vector<double> theta;
};

using TanhMlp = Mlp<double, Tanh>;

/// Scratch and the two calls. What must be written before it is read is NaN.
struct Paths {
  TanhMlp field;
  Index count;
  Workspace<double> workspace{};
  Vector<double> tape_{};

  [[nodiscard]] std::span<double> tape() { return {tape_.data(), std::size_t(tape_.size())}; }
  [[nodiscard]] Batch<double> operator()(const Batch<double>& S, const Batch<double>& Z) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    tape_.setConstant(path_derivatives_tape_size(field, Z.cols(), count), nan);
    Batch<double> D = Batch<double>::Constant(Z.rows(), count * Z.cols(), nan);
    path_derivatives(field, S, Z, D, tape(), workspace);
    return D;
  }
  /// Of the last call; what is added to starts at `start`.
  [[nodiscard]] Cotangents pullback(Batch<double> D_bar, Index side_rows, Index side_columns, double start = 0) {
    const Index samples = D_bar.cols() / count;
    Cotangents bar{Batch<double>::Constant(D_bar.rows(), samples, start),
                   Batch<double>::Constant(side_rows, side_columns, start),
                   Vector<double>::Constant(field.parameters().size(), start)};
    pullback_path_derivatives(field, tape(), D_bar, bar.Z, bar.S, bar.theta, workspace);
    return bar;
  }
};

/// Without hidden layers it is affine.
TanhMlp mlp(Index side, const std::vector<Index>& hidden = {5, 4}) {
  Rng rng(5);
  TanhMlp field(d, hidden, rng, side);
  field.parameters() *= 2;
  return field;
}

Batch<double> gaussian(std::uint64_t draw, Index rows, Index columns) {
  Batch<double> result(rows, columns);
  fill<Gaussian>(Draw{29, draw}, 0, result);
  return result;
}

Batch<double> value(const TanhMlp& field, const Batch<double>& S, const Batch<double>& Z) {
  Workspace<double> workspace;
  Vector<double> tape(field.tape_size(Z.cols(), 0));
  Batch<double> F(Z.rows(), Z.cols());
  field.linearize(S, Z, Z.cols(), F, std::span<double>(tape.data(), std::size_t(tape.size())), workspace);
  return F;
}

/// One classical Runge–Kutta step of z' = f(t, z); S = [t; c].
Batch<double> flow(const TanhMlp& field, Batch<double> S, const Batch<double>& Z, double h) {
  const Batch<double> start = S;
  const auto at = [&](double c, const Batch<double>& z) {
    if (S.rows() > 0) S.row(0) = start.row(0).array() + c * h;
    return value(field, S, z);
  };
  const Batch<double> k1 = at(0, Z), k2 = at(0.5, Z + h / 2 * k1), k3 = at(0.5, Z + h / 2 * k2), k4 = at(1, Z + h * k3);
  return Z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
}

}  // namespace

TEST_CASE("path_derivatives of a linear field: the derivative of order m is M to the m times z", "[nn]") {
  TanhMlp field = mlp(0, {});
  const Eigen::Matrix2d M = (Eigen::Matrix2d() << 1, -2, 0.5, -1.5).finished();
  field.parameters() << M.reshaped(), 0, 0;
  const Batch<double> Z = gaussian(0, d, n), none(0, 1);
  Paths paths{field, 3};
  const Batch<double> D = paths(none, Z);
  CHECK((D.leftCols(n) - M * Z).lpNorm<Eigen::Infinity>() < 1e-14);
  CHECK((D.middleCols(n, n) - M * M * Z).lpNorm<Eigen::Infinity>() < 1e-14);
  CHECK((D.rightCols(n) - M * M * M * Z).lpNorm<Eigen::Infinity>() < 1e-14);

  const Batch<double> D_bar = gaussian(1, d, 3 * n);
  const Eigen::Matrix2d Mt = M.transpose();
  const Batch<double> Z_bar =
      Mt * D_bar.leftCols(n) + Mt * Mt * D_bar.middleCols(n, n) + Mt * Mt * Mt * D_bar.rightCols(n);
  CHECK((paths.pullback(D_bar, 0, 1).Z - Z_bar).lpNorm<Eigen::Infinity>() < 1e-13);
}

TEST_CASE("path_derivatives of z' = a t + b: the acceleration is a and the jerk 0", "[nn]") {
  TanhMlp field = mlp(1, {});
  field.parameters() << 3, -4, /* U */ 0, 0, 0, 0, /* W */ 1, 2 /* b */;
  const Batch<double> D = Paths{field, 3}(Batch<double>::Constant(1, 1, 0.5), gaussian(0, d, 1));
  Batch<double> expected(2, 3);
  expected << 2.5, 3, 0, 0, -4, 0;
  CHECK(D == expected);
}

TEST_CASE("path_derivatives agree with differences along the solution", "[nn]") {
  const Index side = GENERATE(0, 1, 3), side_columns = GENERATE(Index(1), n);
  INFO("side = " << side << ", columns of S: " << side_columns);
  const auto field = mlp(side);
  const Batch<double> S = gaussian(2, side, side_columns), Z = gaussian(0, d, n);
  Paths paths{field, 3};
  const Batch<double> D = paths(S, Z);
  CHECK((D.leftCols(n) - value(field, S, Z)).lpNorm<Eigen::Infinity>() < 1e-14);
  // Along the flow, which a Runge–Kutta step of h = 1e-4 follows to h⁵, each derivative is the slope of the one before:
  // truncation h² times derivatives of order 100 is 1e-6.
  constexpr double h = 1e-4;
  const auto after = [&](double tau) {
    Batch<double> S_after = S;
    if (side > 0) S_after.row(0).array() += tau;
    return paths(S_after, flow(field, S, Z, tau));
  };
  const Batch<double> slope = (after(h) - after(-h)).leftCols(2 * n) / (2 * h);
  CHECK((slope - D.rightCols(2 * n)).lpNorm<Eigen::Infinity>() < 1e-6 * D.lpNorm<Eigen::Infinity>());
  CHECK(D.rightCols(n).lpNorm<Eigen::Infinity>() > 0.1);
}

TEST_CASE("path_derivatives: pullback agrees with central differences", "[nn][gradient]") {
  const Index count = GENERATE(1, 2, 3), side = GENERATE(0, 3), side_columns = GENERATE(Index(1), n);
  INFO("count = " << count << ", side = " << side << ", columns of S: " << side_columns);
  const auto field = mlp(side);
  const Batch<double> S = gaussian(2, side, side_columns), Z = gaussian(0, d, n), D_bar = gaussian(1, d, count * n);
  Paths paths{field, count};
  (void)paths(S, Z);
  const Cotangents bar = paths.pullback(D_bar, side, side_columns), again = paths.pullback(D_bar, side, side_columns);
  CHECK(bar.Z == again.Z);
  CHECK(bar.theta == again.theta);
  const auto product = [&](const Vector<double>& theta, const Batch<double>& S_at, const Batch<double>& Z_at) {
    Paths moved{field, count};
    moved.field.parameters() = theta;
    return moved(S_at, Z_at).cwiseProduct(D_bar).sum();
  };
  const Vector<double>& theta = field.parameters();
  // h² times derivatives of order 100, and ε · 100 / h: both below 1e-7 beside gradients of order ten.
  CHECK(max_difference(bar.Z.reshaped(),
                       central_differences([&](const Vector<double>& z) { return product(theta, S, z.reshaped(d, n)); },
                                           Z.reshaped())) < 1e-7);
  CHECK(max_difference(bar.theta, central_differences([&](const Vector<double>& moved) { return product(moved, S, Z); },
                                                      theta)) < 1e-7);
  if (side > 0)
    CHECK(max_difference(bar.S.reshaped(),
                         central_differences(
                             [&](const Vector<double>& s) { return product(theta, s.reshaped(side, side_columns), Z); },
                             S.reshaped())) < 1e-7);

  const Cotangents added = paths.pullback(D_bar, side, side_columns, 1);
  // Sums of numbers below 100, in another order.
  CHECK(((added.Z - bar.Z).array() - 1).matrix().lpNorm<Eigen::Infinity>() < 1e-11);
  CHECK(((added.S - bar.S).array() - 1).matrix().lpNorm<Eigen::Infinity>() < 1e-11);
  CHECK(((added.theta - bar.theta).array() - 1).matrix().lpNorm<Eigen::Infinity>() < 1e-11);
}

TEST_CASE("path_derivatives at widths 64 and 256 allocate nothing after the first call", "[nn][allocations]") {
  const Index width = GENERATE(64, 256);
  Rng rng(1);
  const TanhMlp field(2, {width, width}, rng);
  const Index samples = 40, count = 3;
  const Batch<double> S = Batch<double>::Constant(1, 1, 0.5), Z = Batch<double>::Constant(2, samples, 0.25);
  Batch<double> D(2, count * samples), Z_bar = Batch<double>::Zero(2, samples), S_bar = Batch<double>::Zero(1, 1);
  Vector<double> theta_bar = Vector<double>::Zero(field.parameters().size()),
                 tape(path_derivatives_tape_size(field, samples, count));
  Workspace<double> workspace;
  const std::span<double> slab(tape.data(), std::size_t(tape.size()));
  const auto both = [&] {
    path_derivatives(field, S, Z, D, slab, workspace);
    pullback_path_derivatives(field, slab, D, Z_bar, S_bar, theta_bar, workspace);
  };
  const detail::OneThreadProducts one_thread;  // as inside of a chunk: Eigen's threads would allocate
  both();
  const AllocationCounter counter;
  both();
  CHECK(counter.count() == 0);
}
