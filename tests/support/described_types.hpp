/// \file
/// Types of a program's own that a file of a model can keep, each with a description of a few lines. In a header, since
/// a specialization must stand in the library's namespace, where tests compiled together are not.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/flow/path/path_point.hpp>
#include <pathline/io/model/described.hpp>
#include <pathline/io/model/description.hpp>
#include <pathline/io/model/model_reader.hpp>

#include <span>
#include <string_view>

namespace own_types {

using namespace pathline;

// f(t, z) = a z + b, with θ = [a, b] in a plain vector.
struct Line {
  using Scalar = double;
  Vector<double> theta = Eigen::Vector2d(-1, 0.5);
  [[nodiscard]] Index dim() const { return 2; }
  [[nodiscard]] Index side_rows() const { return 0; }
  [[nodiscard]] Index widest() const { return 2; }
  [[nodiscard]] Index tape_size(Index /*n*/, Index /*k*/) const { return 0; }
  [[nodiscard]] const Vector<double>& parameters() const { return theta; }
  [[nodiscard]] Vector<double>& parameters() { return theta; }
  void linearize(ConstBatchRef<double> /*S*/, ConstBatchRef<double> X, Index n, BatchRef<double> Y,
                 std::span<double> /*tape*/, Workspace<double>& /*workspace*/) const {
    Y = theta(0) * X;
    Y.leftCols(n).array() += theta(1);
  }
  void pullback(ConstBatchRef<double> /*S*/, ConstBatchRef<double> X, Index n, std::span<double> /*tape*/,
                BatchRef<double> Y_bar, BatchRef<double> X_bar, BatchRef<double> /*S_bar*/, VectorRef<double> theta_bar,
                Workspace<double>& /*workspace*/) const {
    theta_bar(0) += X.cwiseProduct(Y_bar).sum();
    theta_bar(1) += Y_bar.leftCols(n).sum();
    X_bar = theta(0) * Y_bar;
  }
};

struct Cube {
  template <class P>
  static Jet<P> jet(P x) {
    return {x * x * x, P(3) * x * x, P(6) * x};
  }
};

struct SpeedLimit {
  double weight = 1, speed = 1;
  template <Real Scalar>
  void evaluate(const PathPoint<Scalar>& at, RowRef<Scalar> cost) const {
    cost = (at.F.colwise().norm().array() - Scalar(speed)).max(Scalar(0)).square();
  }
  template <Real Scalar>
  void pullback(const PathPoint<Scalar>& /*at*/, ConstRowRef<Scalar> /*cost_bar*/,
                PathPointBar<Scalar>& /*bar*/) const {}
};

// N(0, width²).
struct WideNormal {
  explicit WideNormal(double width) : width_(width) {}
  [[nodiscard]] double width() const { return width_; }
  void log_density(ConstBatchRef<double> Z, RowRef<double> log_p) const { log_p = -Z.colwise().squaredNorm() / width_; }
  void score(ConstBatchRef<double> Z, BatchRef<double> Z_bar) const { Z_bar = -2 / width_ * Z; }
  void sample(const Draw& draw, Index first, BatchRef<double> Z) const { fill<Gaussian>(draw, first, Z); }

 private:
  double width_;
};

// Says less of its parameters than there are.
struct Forgetful : Line {};

}  // namespace own_types

namespace pathline::io {

template <>
struct Described<own_types::Line> {
  static constexpr std::string_view name = "Line";
  static void describe(const own_types::Line& /*field*/, Description& out) {
    out.parameter("slope", 1);
    out.parameter("intercept", 1);
  }
};
template <>
struct Described<own_types::Cube> {
  static constexpr std::string_view name = "Cube";
};
template <>
struct Described<own_types::SpeedLimit> {
  static constexpr std::string_view name = "SpeedLimit";
  static void visit(auto& limit, auto& io) {
    io.setting("weight", limit.weight);
    io.setting("speed", limit.speed);
  }
};
template <>
struct Described<own_types::WideNormal> {
  static constexpr std::string_view name = "WideNormal";
  static void describe(const own_types::WideNormal& base, Description& out) { out.setting("width", base.width()); }
  static own_types::WideNormal read(ModelReader& in) { return own_types::WideNormal(in.setting<double>("width")); }
};

template <>
struct Described<own_types::Forgetful> {
  static constexpr std::string_view name = "Forgetful";
  static void describe(const own_types::Forgetful& /*field*/, Description& out) { out.parameter("slope", 1); }
};

}  // namespace pathline::io
