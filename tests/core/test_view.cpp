#include <pathline/core/view.hpp>

#include <support/catch.hpp>

#include <concepts>
#include <utility>

using namespace pathline;

namespace {

double sum_of(ConstBatchRef<double> X) { return X.sum(); }
double sum_of_vector(ConstVectorRef<double> x) { return x.sum(); }
double sum_of_row(ConstRowRef<double> x) { return x.sum(); }
void set_one(BatchRef<double> X) { X.setOnes(); }
void set_one_row(RowRef<double> x) { x.setOnes(); }
bool lies_in(View<const double> view, const Batch<double>& X, Index i, Index j, Index rows, Index cols) {
  return view.data() == &X(i, j) && view.rows() == rows && view.cols() == cols &&
         (view.stride() == X.rows() || cols == 1);
}

}  // namespace

TEST_CASE("A view looks at what matrices, maps, references and blocks hold", "[core]") {
  Batch<double> X = Batch<double>::Random(5, 4);
  Eigen::Ref<Batch<double>> ref = X.middleRows(1, 3);
  CHECK(lies_in(X, X, 0, 0, 5, 4));
  CHECK(lies_in(X.middleCols(1, 2), X, 0, 1, 5, 2));
  CHECK(lies_in(ref, X, 1, 0, 3, 4));
  CHECK(lies_in(ref.rightCols(2), X, 1, 2, 3, 2));
  CHECK(lies_in(BatchMap<double>(X.data(), 5, 4), X, 0, 0, 5, 4));
  CHECK(lies_in(X.col(2), X, 0, 2, 5, 1));
  CHECK(lies_in(X.col(2).segment(1, 3), X, 1, 2, 3, 1));
  CHECK(lies_in(X.row(3), X, 3, 0, 1, 4));
  CHECK(lies_in(RowRef<double>(X.row(3)), X, 3, 0, 1, 4));
  Row<double> row = Row<double>::Random(6);
  CHECK(View<double>(row).stride() == 1);
  CHECK(View<double>(row.middleCols(2, 3)).data() == &row(2));
  Eigen::Matrix<double, 2, Eigen::Dynamic> planar(2, 3);
  CHECK(View<double>(planar).stride() == 2);
  STATIC_REQUIRE(!std::constructible_from<View<double>, const Batch<double>&>);
  STATIC_REQUIRE(!std::constructible_from<View<double>, View<const double>>);
  STATIC_REQUIRE(!std::constructible_from<View<const double>, const Batch<float>&>);
  // What has no contiguous columns.
  using RowMajor = Eigen::Matrix<double, 3, Eigen::Dynamic, Eigen::RowMajor>;
  STATIC_REQUIRE(!std::constructible_from<View<const double>, const RowMajor&>);
  STATIC_REQUIRE(!std::constructible_from<View<const double>, decltype(std::declval<RowMajor&>().col(0))>);
  STATIC_REQUIRE(!std::constructible_from<View<const double>, decltype(X.transpose())>);
  STATIC_REQUIRE(!std::constructible_from<View<const double>, decltype(X.row(3).transpose())>);
  STATIC_REQUIRE(!std::constructible_from<View<const double>, decltype(X.diagonal())>);
  STATIC_REQUIRE(!std::constructible_from<View<const double>, decltype(X + X)>);
}

TEST_CASE("Slices of a view lie where those of the matrix lie", "[core]") {
  const Batch<double> X = Batch<double>::Random(6, 5);
  const View<const double> view = X;
  CHECK(lies_in(view.leftCols(2), X, 0, 0, 6, 2));
  CHECK(lies_in(view.rightCols(2), X, 0, 3, 6, 2));
  CHECK(lies_in(view.middleCols(1, 3), X, 0, 1, 6, 3));
  CHECK(lies_in(view.topRows(4), X, 0, 0, 4, 5));
  CHECK(lies_in(view.bottomRows(4), X, 2, 0, 4, 5));
  CHECK(lies_in(view.middleRows(1, 4).middleCols(2, 2), X, 1, 2, 4, 2));
  CHECK(lies_in(view.col(3), X, 0, 3, 6, 1));
  CHECK(lies_in(view.row(4), X, 4, 0, 1, 5));
  CHECK(lies_in(view.col(3).head(2), X, 0, 3, 2, 1));
  CHECK(lies_in(view.col(3).tail(2), X, 4, 3, 2, 1));
  CHECK(lies_in(view.col(3).segment(1, 2), X, 1, 3, 2, 1));
  CHECK(view(2, 3) == X(2, 3));
  CHECK(view.col(3)(2) == X(2, 3));
  CHECK(view.size() == 30);
  CHECK(view.contiguous());
  CHECK(!view.topRows(4).contiguous());
  CHECK(view.topRows(4).col(1).contiguous());
}

TEST_CASE("A view converts to the references of public functions, without a copy", "[core]") {
  Batch<double> X = Batch<double>::Random(6, 5);
  const View<double> view = X;
  CHECK(sum_of(view.middleRows(1, 3)) == sum_of(X.middleRows(1, 3)));
  CHECK(sum_of(View<const double>(view).leftCols(2)) == sum_of(X.leftCols(2)));
  CHECK(sum_of_vector(view.col(2)) == sum_of_vector(X.col(2)));
  CHECK(sum_of_row(view.row(2)) == sum_of_row(X.row(2)));
  CHECK(view.map() == X);
  CHECK(view.col(1).vector() == X.col(1));
  set_one(view.block(1, 2, 3, 2));
  set_one_row(view.row(5));
  CHECK((X.block(1, 2, 3, 2).array() == 1).all());
  CHECK((X.row(5).array() == 1).all());
  CHECK((X.array() == 1).count() == 11);
}
