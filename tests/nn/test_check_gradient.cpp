#include <pathline/nn/check_gradient.hpp>

#include <pathline/nn/mlp.hpp>

#include <support/catch.hpp>

#include <sstream>

using namespace pathline;

namespace {

/// A layer with one of its derivatives spoilt.
struct Spoilt {
  using Scalar = double;
  enum class What { nothing, tangent, curvature, parameter, side, not_a_number, overwrites };
  using Layers = Mlp<double, Tanh>;
  const Layers& field;
  What what;

  const auto& inner() const { return field.layer(); }
  Index in_rows() const { return inner().in_rows(); }
  Index out_rows() const { return inner().out_rows(); }
  Index side_rows() const { return inner().side_rows(); }
  Index widest() const { return inner().widest(); }
  Index parameter_count() const { return inner().parameter_count(); }
  Index tape_size(Index n, Index k) const { return inner().tape_size(n, k); }
  const auto& layers() const { return inner().layers(); }
  void linearize(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                 BatchRef<double> Y, std::span<double> tape, Workspace<double>& workspace) const {
    inner().linearize(theta, S, X, n, Y, tape, workspace);
    if (what == What::tangent && Y.cols() > n) Y(0, n) += 1e-3;
  }
  void pullback(ConstVectorRef<double> theta, ConstBatchRef<double> S, ConstBatchRef<double> X, Index n,
                std::span<double> tape, BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> S_bar,
                VectorRef<double> theta_bar, Workspace<double>& workspace) const {
    if (what == What::curvature) {  // as if the tangents had no second derivative
      const Batch<double> bar = Y_bar;
      inner().pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
      Batch<double> values = bar, first(X_bar.rows(), X_bar.cols());
      values.rightCols(values.cols() - n).setZero();
      Batch<double> s = S_bar;
      Vector<double> t = theta_bar;
      inner().pullback(theta, S, X, n, tape, values, first, s, t, workspace);
      X_bar.leftCols(n) = first.leftCols(n);
      return;
    }
    if (what == What::overwrites) theta_bar.setZero();
    inner().pullback(theta, S, X, n, tape, Y_bar, X_bar, S_bar, theta_bar, workspace);
    if (what == What::parameter) theta_bar(theta_bar.size() - 2) *= 1.001;
    if (what == What::side) S_bar(0, 1) = 0;
    if (what == What::not_a_number) X_bar(1, 0) = std::numeric_limits<double>::quiet_NaN();
  }
};

std::vector<std::string> wrong_lines(const GradientCheck& check) {
  std::vector<std::string> result;
  for (const auto& line : check.lines)
    if (!line.agrees(check.tolerance)) result.push_back(line.what);
  return result;
}

}  // namespace

TEST_CASE("check_gradient finds what is wrong, and where", "[nn][check-gradient]") {
  Rng rng(4);
  const Mlp<double, Tanh> field(2, {4, 3}, rng);
  CHECK(check_gradient(field).agrees());
  CHECK(check_gradient(field, 1, 0).agrees());
  using What = Spoilt::What;
  const auto wrong = [&](What what) { return wrong_lines(check_gradient(Spoilt{field, what})); };
  using Lines = std::vector<std::string>;
  CHECK(wrong(What::nothing).empty());
  const Lines tangents = wrong(What::tangent);
  REQUIRE(!tangents.empty());
  CHECK(tangents.front() == "tangents");
  CHECK(wrong(What::curvature) == Lines{"cotangents of x"});
  CHECK(wrong(What::side) == Lines{"cotangents of side inputs", "cotangents of side inputs, no tangents"});
  CHECK(wrong(What::not_a_number) == Lines{"cotangents of x", "cotangents of x, no tangents"});
  CHECK(wrong(What::overwrites).size() >= 2);
  const Lines parameter = wrong(What::parameter);
  REQUIRE(parameter.size() == 2);
  CHECK(parameter.front().find("parameters of layer.") == 0);
}

TEST_CASE("check_gradient prints a table", "[nn][check-gradient]") {
  Rng rng(4);
  const Mlp<double, Tanh> field(2, {4}, rng);
  std::ostringstream text;
  text << check_gradient(Spoilt{field, Spoilt::What::side});
  CHECK(text.str().find("cotangents of side inputs") != std::string::npos);
  CHECK(text.str().find("WRONG, most at entry 1") != std::string::npos);
  CHECK(text.str().find("ok") != std::string::npos);
}

TEST_CASE("check_gradient of a loss names the block that is off", "[nn][check-gradient]") {
  const auto loss = [](const Vector<double>& theta) { return theta.array().cube().sum(); };
  const Vector<double> theta{{1, -2, 0.5, 10}};
  Vector<double> gradient = 3 * theta.array().square();
  const std::vector<ParameterBlock> blocks{{"weights", 3}, {"bias", 1}};
  CHECK(check_gradient(loss, theta, gradient).agrees());
  CHECK(check_gradient(loss, theta, gradient, blocks).agrees());
  gradient(1) *= -1;
  const GradientCheck check = check_gradient(loss, theta, gradient, blocks);
  CHECK(wrong_lines(check) == std::vector<std::string>{"parameters of weights"});
  CHECK(check.lines[0].worst == 1);
  CHECK(check.lines[0].expected == Approx(12));
  CHECK_THROWS_AS(check_gradient(loss, theta, Vector<double>(gradient.head(2))), ShapeError);
}

TEST_CASE("check_gradient refuses batches that say nothing", "[nn][check-gradient][errors]") {
  Rng rng(4);
  const Mlp<double, Tanh> field(2, {4}, rng);
  CHECK_THROWS_AS(check_gradient(field, 0), ArgumentError);
  CHECK_THROWS_AS(check_gradient(field, 1, -1), ArgumentError);
}
