#include <pathline/nn/potential/potential_parameters.hpp>

#include <support/catch.hpp>

#include <cmath>
#include <cstdint>

using namespace pathline;
using namespace pathline::detail;

TEST_CASE("The potential's parameters follow each other without gap or overlap", "[nn]") {
  for (const Index dim : {1, 2, 12})
    for (const Index depth : {1, 3}) {
      const PotentialShape shape(dim, 5, depth);
      Vector<double> theta = Vector<double>::Zero(shape.count());
      const PotentialParameters<double> p(shape, theta.data());
      const double* next = theta.data();
      const auto follows = [&next](const auto& block, Index rows, Index columns) {
        CHECK(block.data() == next);
        CHECK(block.rows() == rows);
        CHECK(block.cols() == columns);
        next += block.size();
      };
      for (Index i = 0; i <= depth; ++i) {
        follows(p.K(i), 5, i == 0 ? dim + 1 : 5);
        follows(p.bias(i), 5, 1);
      }
      const Index rank = dim == 12 ? 10 : dim + 1;
      follows(p.w(), 5, 1);
      follows(p.A(), rank, dim + 1);
      follows(p.b(), dim + 1, 1);
      CHECK(next == theta.data() + theta.size());
    }
}

TEST_CASE("Potential starts as the paper's code does", "[nn]") {
  const Index d = 4, m = 20, depth = 3, r = 5;
  const PotentialShape shape(d, m, depth);
  const auto start = [&](std::uint64_t seed) {
    Vector<double> theta = Vector<double>::Constant(shape.count(), 7);
    Rng rng(seed);
    initialize_potential<double>(shape, theta, rng);
    CHECK(rng.next() == 3);  // draws
    return theta;
  };
  Vector<double> theta = start(3);
  const PotentialParameters<double> p(shape, theta.data());
  CHECK((p.w().array() == 1).all());
  CHECK((p.b().array() == 0).all());
  for (Index i = 2; i <= depth; ++i) {
    CHECK(p.K(i) == p.K(1));
    CHECK(p.bias(i) == p.bias(1));
  }
  // Of uniform numbers the largest of 20 stays below half of the bound by chance of 1e-6.
  const auto fills = [](const auto& block, double bound) {
    return block.cwiseAbs().maxCoeff() <= bound && block.cwiseAbs().maxCoeff() > bound / 2;
  };
  CHECK(fills(p.K(0), 1 / std::sqrt(5.0)));
  CHECK(fills(p.bias(0), 1 / std::sqrt(5.0)));
  CHECK(fills(p.K(1), 1 / std::sqrt(20.0)));
  CHECK(fills(p.bias(1), 1 / std::sqrt(20.0)));
  CHECK(fills(p.A(), std::sqrt(6.0 / double(r + d + 1))));
  CHECK(start(3) == theta);
  CHECK(start(4) != theta);
}

TEST_CASE("Time goes below the sample, moves with tangents if it has some, and its cotangent comes back", "[nn]") {
  const Index n = 2, k = 1;
  const Batch<double> X = Batch<double>::Constant(3, (1 + k) * n, 5);
  Batch<double> Q(4, (1 + k) * n), S_all = Batch<double>::Constant(2, (1 + k) * n, 9);
  S_all.row(0) << 1, 2, 3, 4;
  const auto last_row = [&](Index columns) {
    Q.setConstant(7);
    append_time<double>(S_all.leftCols(columns), X, n, Q);
    CHECK(Q.topRows(3) == X);
    return Row<double>(Q.row(3));
  };
  CHECK(last_row(1) == Eigen::RowVector4d(1, 1, 0, 0));
  CHECK(last_row(2) == Eigen::RowVector4d(1, 2, 0, 0));
  CHECK(last_row(4) == Eigen::RowVector4d(1, 2, 3, 4));

  Q.row(3) << 1, 2, 3, 4;
  const auto time_bar = [&](Index columns) {
    Batch<double> S_bar = Batch<double>::Constant(2, columns, 10);
    add_time_bar<double>(Q, n, S_bar);
    CHECK((S_bar.row(1).array() == 10).all());
    return Row<double>(S_bar.row(0));
  };
  CHECK(time_bar(1)(0) == 13);
  CHECK(time_bar(2) == Eigen::RowVector2d(11, 12));
  CHECK(time_bar(4) == Eigen::RowVector4d(11, 12, 13, 14));
}
