// Data of any kind as one argument: what is taken as it lies in memory, what is copied, and what is seen of it.
#include <pathline/core/data_ref.hpp>

#include <support/allocations.hpp>
#include <support/catch.hpp>

#include <type_traits>

using namespace pathline;

namespace {

/// As the functions of a flow take data.
template <class Scalar>
struct Model {
  Batch<Scalar> seen{};
  const Scalar* data = nullptr;
  void look(ConstDataRef<Scalar> X) {
    seen = X;
    data = X.data();
  }
};

Batch<double> numbers() { return Batch<double>{{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}}; }

static_assert(std::is_convertible_v<Batch<double>, DataRef<double>> &&
              std::is_convertible_v<Batch<float>, DataRef<float>>);

}  // namespace

TEST_CASE("A batch, its columns and its rows are read where they lie", "[core]") {
  const Batch<double> X = numbers();
  const Eigen::Matrix<double, 3, 4> fixed = X;
  Batch<double> part(2, 4);
  Model<double> model;
  model.look(X);
  CHECK(model.data == X.data());
  CHECK(model.seen == X);
  model.look(X.middleCols(1, 2));
  CHECK(model.data == X.col(1).data());
  CHECK(model.seen == X.middleCols(1, 2));
  model.look(X.bottomRows(2));
  CHECK(model.data == X.data() + 1);
  CHECK(model.seen == X.bottomRows(2));
  model.look(fixed);
  CHECK(model.data == fixed.data());
  CHECK(model.seen == X);
  model.look(BatchMap<double>(part.data(), 2, 4));
  CHECK(model.data == part.data());
  model.look(X.col(2));  // one sample
  CHECK(model.data == X.col(2).data());
  CHECK(model.seen == X.col(2));
}

TEST_CASE("What is no column-major batch is given as its values", "[core]") {
  const Batch<double> X = numbers();
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> by_rows = X;
  Model<double> model;
  model.look(by_rows);
  CHECK(model.seen == X);
  model.look(X.transpose());
  CHECK(model.seen == X.transpose());
  model.look(2 * X);
  CHECK(model.seen == 2 * X);
  model.look(X.array() + 1);
  CHECK(model.seen == Batch<double>(X.array() + 1));
  model.look(Batch<double>(3, 0));
  CHECK((model.seen.rows() == 3 && model.seen.cols() == 0));
  Model<float> in_float;
  in_float.look(X.cast<float>());
  CHECK(in_float.seen == X.cast<float>());
}

TEST_CASE("A view of data allocates nothing", "[core][allocations]") {
  const Batch<double> X = numbers();
  double sum = 0;
  const auto add = [&sum](const DataRef<double>& view) { sum += view(0, 0); };
  const AllocationCounter counter;
  add(X);
  add(X.rightCols(2));
  add(X.bottomRows(2));
  CHECK(counter.count() == 0);
  CHECK(sum == 1 + 3 + 5);
}
