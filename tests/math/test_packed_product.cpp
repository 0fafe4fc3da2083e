#include <pathline/math/packed_product.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <cmath>
#include <limits>

namespace {

using namespace pathline;
using detail::Factor;

template <Real Scalar>
[[nodiscard]] Batch<Scalar> wave(Index rows, Index columns, double phase) {
  Batch<Scalar> X(rows, columns);
  for (Index i = 0; i < X.size(); ++i) X(i) = Scalar(std::sin(1.7 * double(i) + phase));
  return X;
}

}  // namespace

TEMPLATE_TEST_CASE("Products of panels have the bits of small products, whatever the rows, depth and columns", "[math]",
                   float, double) {
  using Scalar = TestType;
  using Small = Eigen::Ref<const Batch<Scalar>>;
  Workspace<Scalar> workspace;
  for (const Index rows : {1, 3, 4, 8, 15, 16, 17, 31, 32, 33, 43, 70, 100})
    for (const Index depth : {1, 5, 64, 1030})  // of the last, 70 rows are more than one block
      for (const Index columns : {1, 2, 6, 13, 50}) {
        if (rows * depth > 33 * 64 && columns == 50) continue;
        INFO(rows << " x " << depth << " x " << columns);
        typename Workspace<Scalar>::Frame frame(workspace);
        const Batch<Scalar> A = wave<Scalar>(rows, depth, 0.1), At = A.transpose();
        // Blocks of larger matrices: their columns are not next to each other.
        const Batch<Scalar> all_of_B = wave<Scalar>(depth + 2, columns, 0.7), start = wave<Scalar>(rows, columns, 0.3);
        const Small B = all_of_B.middleRows(1, depth);
        Batch<Scalar> all_of_C = Batch<Scalar>::Constant(rows + 3, columns, 7), expected = start;
        const View<Scalar> C = View<Scalar>(all_of_C).middleRows(2, rows);
        const auto small = [&](const Scalar* from, Index from_column) {
          detail::small_product<Scalar>(rows, depth, columns,
                                        {A.data(), rows, B.data(), 1, B.outerStride(), from, from_column},
                                        expected.data(), rows);
        };
        const auto plain = detail::panels<Factor::plain, Scalar>(View<const Scalar>(A), frame);
        const auto transposed = detail::panels<Factor::transposed, Scalar>(View<const Scalar>(At), frame);
        for (const detail::Panels<Scalar>& panels : {plain, transposed}) {
          detail::copy<Scalar>(start, C);
          detail::add_panel_product<Scalar>(panels, B, C);
          small(start.data(), rows);
          CHECK(C.map() == expected);
          detail::set_panel_product<Scalar>(panels, B, C);
          small(nullptr, 0);
          CHECK(C.map() == expected);
          for (const Index started : {Index(0), columns / 2, columns}) {
            detail::set_panel_product<Scalar>(panels, B, View<const Scalar>(start).col(0), started, C);
            small(nullptr, 0);
            const Batch<Scalar> others = expected.rightCols(columns - started);
            small(start.data(), 0);
            expected.rightCols(columns - started) = others;
            CHECK(C.map() == expected);
          }
        }
        CHECK((all_of_C.topRows(2).array() == 7).all());
        CHECK((all_of_C.bottomRows(1).array() == 7).all());
      }
}

TEST_CASE("A product of panels is the product", "[math]") {
  Workspace<double> workspace;
  Workspace<double>::Frame frame(workspace);
  const Batch<double> A = wave<double>(70, 1030, 0.1), B = wave<double>(1030, 13, 0.7);
  Batch<double> C(70, 13);
  detail::set_panel_product<double>(detail::panels<Factor::plain, double>(View<const double>(A), frame), B, C);
  // Two orders of a sum of 1030 terms of at most one.
  CHECK((C - A * B).lpNorm<Eigen::Infinity>() < 1030 * 1030 * std::numeric_limits<double>::epsilon());
}

TEST_CASE("Panels of parameters that do not change are written once, others anew", "[math][allocations]") {
  Vector<float> theta = wave<float>(64 * 64, 1, 0.2), other = theta;
  const View<const float> W(theta.data(), 64, 64), V(other.data(), 64, 64);
  Workspace<float> workspace;
  const auto of = [&](View<const float> A) {
    Workspace<float>::Frame frame(workspace);
    return detail::panels<Factor::transposed, float>(A, frame).data[1];
  };
  const auto scope = [&] {
    const Workspace<float>::Unchanged unchanged(workspace, theta);
    const float before = of(W);
    CHECK(before == W(0, 1));
    theta *= 2;  // which nobody may, so that it shows
    CHECK(of(W) == before);
    other *= 2;
    CHECK(of(V) == V(0, 1));
  };
  scope();
  CHECK(of(W) == W(0, 1));
  const AllocationCounter counter;
  scope();
  CHECK(counter.count() == 0);
}
