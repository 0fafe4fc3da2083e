#include <pathline/ode/implicit/newton/jacobian.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>

namespace pathline {
namespace {

/// Entries of 1 and 1e-6, whose products feed back; the third row is a quadrature.
struct Product {
  void operator()(double t, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) const {
    dy.row(0) = t * y.row(0).cwiseProduct(y.row(1));
    dy.row(1) = y.row(1).cwiseAbs2() - 1e-6 * y.row(0);
    dy.row(2) = y.row(0);
  }
  Index path_rows() const { return 2; }
};

Eigen::Matrix2d exact(double t, const Eigen::VectorXd& y) {
  return (Eigen::Matrix2d() << t * y(1), t * y(0), -1e-6, 2 * y(1)).finished();
}

struct ProductWithJacobian : Product {
  using Product::operator();
  void jacobian(double t, const Eigen::MatrixXd& y, Jacobians<double>& J) const {
    for (Index j = 0; j < y.cols(); ++j) J.middleCols(2 * j, 2) = exact(t, y.col(j));
  }
};

const Eigen::MatrixXd Y = (Eigen::MatrixXd(3, 3) << 1, -2, 0.5, 1e-6, 3e-6, 0, 5, 6, 7).finished();

template <class Rhs>
BatchJacobian<Eigen::MatrixXd> jacobian_of(const Rhs& rhs, const NewtonGoal& goal, Index expected_evaluations) {
  Eigen::MatrixXd F(3, 3);
  rhs(2, Y, F);
  BatchJacobian<Eigen::MatrixXd> jacobian;
  CHECK(jacobian.evaluate(rhs, 2, Y, F, 2, 0.1, goal) == expected_evaluations);
  return jacobian;
}

/// f(t, y) = y, and in place of its Jacobian y in every column, in whichever matrix it is given.
struct InAnyMatrix {
  void operator()(double, const Eigen::Matrix2d& y, Eigen::Matrix2d& dy) const { dy = y; }
  template <class Matrix>
  void jacobian(double, const Eigen::Matrix2d& y, Matrix& J) const {
    J << y, y;
  }
};

}  // namespace

TEST_CASE("Jacobians of all columns by as many evaluations as there are rows that feed back", "[ode][implicit]") {
  const auto goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-6, 1e-12});
  const auto jacobian = jacobian_of(Product{}, goal, 2);
  for (Index j = 0; j < 3; ++j)
    // f is quadratic: forward differences are wrong by the movement, and by the rounding of f over it.
    CHECK((jacobian.of_column(j) - exact(2, Y.col(j))).cwiseAbs().maxCoeff() < 2e-7);
}

TEST_CASE("Central differences are exact where f is quadratic, for twice the evaluations", "[ode][implicit]") {
  const auto goal = GENERATE(NewtonGoal{}, NewtonGoal{1e-6, 1e-6});
  const Product rhs;
  Eigen::MatrixXd F(3, 3);
  rhs(2, Y, F);
  BatchJacobian<Eigen::MatrixXd> jacobian;
  CHECK(jacobian.evaluate(rhs, 2, Y, F, 2, 0.1, goal, Differences::central) == 4);
  // Rounding alone is left, of t y_0 y_1 and of y_1², below 1e-4 over movements of 6e-6 and more; forward: 2e-7.
  for (Index j = 0; j < 3; ++j) CHECK((jacobian.of_column(j) - exact(2, Y.col(j))).cwiseAbs().maxCoeff() < 1e-10);
}

TEST_CASE("A central difference across the edge of the domain is one from within", "[ode][implicit]") {
  const double sign = GENERATE(1, -1);
  const auto rhs = [sign](double, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    dy = (y.array() * (sign * y.array()).sqrt()).matrix();
  };
  const Eigen::MatrixXd y = sign * Eigen::MatrixXd{{0, 4}};
  Eigen::MatrixXd F(1, 2);
  rhs(0, y, F);
  BatchJacobian<Eigen::MatrixXd> jacobian;
  (void)jacobian.evaluate(rhs, 0, y, F, 1, 0.1, {}, Differences::central);
  CHECK(jacobian.of_column(0)(0, 0) == Approx(std::sqrt(std::cbrt(2.2e-16))).epsilon(1e-2));  // √δ of a movement δ
  CHECK(jacobian.of_column(1)(0, 0) == Approx(3).epsilon(1e-9));
}

TEST_CASE("A forward difference that leaves the domain is taken from the other side", "[ode][implicit]") {
  const auto rhs = [](double, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    dy = (1 - y.array()).sqrt().cube().matrix();
  };
  const Eigen::MatrixXd y{{1 - 1e-12, 0.5, 2}};  // the last is outside by itself
  Eigen::MatrixXd F(1, 3);
  rhs(0, y, F);
  BatchJacobian<Eigen::MatrixXd> jacobian;
  CHECK(jacobian.evaluate(rhs, 0, y, F, 1, 0.1) == 2);
  // -√δ of a movement δ, which is relative to the column.
  CHECK(jacobian.of_column(0)(0, 0) == Approx(-std::sqrt(1.5e-8)).epsilon(1e-2));
  const Eigen::MatrixXd alone = y.col(1), F_alone = F.col(1);
  BatchJacobian<Eigen::MatrixXd> inner;
  CHECK(inner.evaluate(rhs, 0, alone, F_alone, 1, 0.1) == 1);
  CHECK(jacobian.of_column(1) == inner.of_column(0));
  CHECK(jacobian.of_column(1)(0, 0) == Approx(-1.5 * std::sqrt(0.5)).epsilon(1e-6));
}

TEST_CASE("A right-hand side's own Jacobian is taken as it is", "[ode][implicit]") {
  const auto jacobian = jacobian_of(ProductWithJacobian{}, {}, 0);
  for (Index j = 0; j < 3; ++j) CHECK(jacobian.of_column(j) == exact(2, Y.col(j)));
}

// Its slope of 1e4 does not make the rounding of another row's larger: each is measured by its own size.
TEST_CASE("Differences of a small entry do not depend on a large one beside it", "[ode][implicit]") {
  const auto rhs = [](double, const Eigen::MatrixXd& y, Eigen::MatrixXd& dy) {
    dy(0) = -1e12 * y(0) * y(0);
    dy(1) = -y(1);
  };
  const Eigen::MatrixXd y{{1e-12}, {1e4}};
  Eigen::MatrixXd F(2, 1);
  rhs(0, y, F);
  BatchJacobian<Eigen::MatrixXd> jacobian;
  (void)jacobian.evaluate(rhs, 0, y, F, 2, 0.1, {1e-6, 1e-21});
  CHECK(jacobian.of_column(0)(0, 0) == Approx(-2).epsilon(1e-4));
}

TEST_CASE("A Jacobian that takes another shape is refused", "[ode][implicit][errors]") {
  struct ForOneColumn : Product {
    void jacobian(double, const Eigen::MatrixXd&, Jacobians<double>& J) const { J.setIdentity(2, 2); }
  };
  const ForOneColumn rhs;
  const Eigen::MatrixXd F = Y;
  BatchJacobian<Eigen::MatrixXd> jacobian;
  CHECK_THROWS_WITH(jacobian.evaluate(rhs, 2, Y, F, 2, 0.1),
                    "solve: the right-hand side's Jacobian has 2 columns, expected 6");
}

TEST_CASE("A small static state takes its Jacobian in any of the forms", "[ode][implicit][errors]") {
  using State = Eigen::Matrix2d;
  struct Rhs {
    void operator()(double, const State& y, State& dy) const { dy = y; }
  };
  struct Dynamic : Rhs {
    Index columns = 4;
    void jacobian(double, const State& y, Jacobians<double>& J) const { J = y.replicate(1, columns / 2); }
  };
  struct View : Rhs {
    void jacobian(double, const State& y, BatchRef<double> J) const { J << y, y; }
  };
  const State y{{1, 2}, {3, 4}};
  const auto of_last_column = [&](auto rhs) -> State {
    BatchJacobian<State> jacobian;
    (void)jacobian.evaluate(rhs, 0, y, y, 2, 0.1);
    return jacobian.of_column(1);
  };
  CHECK(of_last_column(Dynamic{}) == y);
  CHECK(of_last_column(View{}) == y);
  CHECK(of_last_column(InAnyMatrix{}) == y);
  CHECK_THROWS_WITH(of_last_column(Dynamic{{}, 6}), "solve: the right-hand side's Jacobian has 6 columns, expected 4");
}

TEST_CASE("Jacobians by differences allocate the first time alone", "[ode][implicit][allocations]") {
  Eigen::MatrixXd F(3, 3);
  const Product rhs;
  rhs(2, Y, F);
  BatchJacobian<Eigen::MatrixXd> jacobian;
  (void)jacobian.evaluate(rhs, 2, Y, F, 2, 0.1);
  const AllocationCounter counter;
  (void)jacobian.evaluate(rhs, 3, Y, F, 2, 0.1);
  CHECK(counter.count() == 0);
}

}  // namespace pathline
