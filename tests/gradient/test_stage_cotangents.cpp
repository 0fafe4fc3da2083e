#include <pathline/gradient/stage_cotangents.hpp>

#include <support/catch.hpp>

#include <array>

using namespace pathline;

namespace {

/// What a StepPullback reads of its base.
struct Exposed : detail::StageCotangents<double, 3> {
  using StageCotangents::active_;
  using StageCotangents::add_path_rows;
  using StageCotangents::mu_;
  using StageCotangents::stage_bar_;
  using StageCotangents::StageCotangents;
};

Batch<double> numbered(Index rows, Index columns) {
  Batch<double> X(rows, columns);
  for (Index i = 0; i < X.size(); ++i) X.data()[i] = double(i + 1);
  return X;
}

}  // namespace

TEST_CASE("The cotangent of a stage is the sum of what was added since the step began", "[gradient]") {
  Workspace<double> workspace;
  Workspace<double>::Frame frame(workspace);
  Exposed stages(3, 2, 4, frame);
  const Batch<double> X = numbered(3, 4);
  for (auto& bar : stages.stage_bar_) {
    REQUIRE(bar.rows() == 3);
    REQUIRE(bar.cols() == 4);
    bar.setConstant(1e300);  // what an earlier step has left
  }
  for (const auto& mu : stages.mu_) {
    CHECK(mu.rows() == 2);
    CHECK(mu.cols() == 4);
  }
  stages.begin();
  stages.add(1, 2, X.data());
  CHECK(stages.active_ == std::array<bool, 3>{false, true, false});
  CHECK(stages.stage_bar_[1] == 2 * X);
  stages.add(1, 0.5, X.data());
  CHECK(stages.stage_bar_[1] == 2.5 * X);
  // Those without one are zero, those with one stay.
  const auto all = stages.start_stages();
  REQUIRE(all.size() == 3);
  CHECK(all[0] == Batch<double>::Zero(3, 4));
  CHECK(all[1] == 2.5 * X);
  CHECK(all[2] == Batch<double>::Zero(3, 4));
  CHECK(stages.active_ == std::array<bool, 3>{true, true, true});
  stages.add(2, 3, X.data());
  CHECK(all[2] == 3 * X);
  stages.begin();  // the next step
  stages.add(1, 1, X.data());
  CHECK(stages.stage_bar_[1] == X);
}

TEST_CASE("Only the rows of the path are added to a state with more of them", "[gradient]") {
  const Index path = GENERATE(1, 2, 3, 9);  // few rows go by a loop of their own
  INFO(path << " rows of the path");
  Workspace<double> workspace;
  Workspace<double>::Frame frame(workspace);
  const Exposed stages(path + 2, path, 5, frame);
  const Batch<double> X = numbered(path, 5), start = 100 * numbered(path + 2, 5);
  Batch<double> Y = start;
  stages.add_path_rows(-2, X, Y);
  CHECK(Y.topRows(path) == start.topRows(path) - 2 * X);
  CHECK(Y.bottomRows(2) == start.bottomRows(2));
  Batch<double> same_rows = X;
  stages.add_path_rows(3, X, same_rows);
  CHECK(same_rows == 4 * X);
}
