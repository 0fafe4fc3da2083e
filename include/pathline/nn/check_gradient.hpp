/// \file
/// Derivatives written by hand beside central differences: a layer, a field, or a loss with its gradient. For the
/// author of one, in a test or at a prompt; not part of an umbrella.
/// ```
/// const GradientCheck check = check_gradient(MyLayer<double>(3, 4));
/// std::cout << check;          // a line for each kind of derivative and each block of parameters
/// assert(check.agrees());
/// ```
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/workspace.hpp>
#include <pathline/nn/layer.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <ostream>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline {

/// Entries of a parameter vector that belong together, for the report.
struct ParameterBlock {
  std::string name;
  Index count = 0;
};

/// What was compared, and how far it is off.
struct GradientCheck {
  struct Line {
    std::string what;              ///< "tangents", "cotangents of x", "parameters of layer 1", …
    Index entries = 0;             ///< That were compared.
    double difference = 0;         ///< The largest; NaN where an entry is not a number.
    double size = 0;               ///< The largest of what differences give: `difference` is judged beside it.
    Index worst = 0;               ///< The entry that is off most, column after column, in its block.
    double got = 0, expected = 0;  ///< Its value, and what differences give.
    double rounding = 0;           ///< By how much rounding alone may put differences off.

    [[nodiscard]] bool agrees(double relative) const { return difference <= relative * size + rounding; }
  };
  std::vector<Line> lines;
  double tolerance = 1e-6;

  /// Whether every difference is within the tolerance, relative to the largest entry of its line, and rounding.
  [[nodiscard]] bool agrees() const {
    return std::all_of(lines.begin(), lines.end(), [this](const Line& line) { return line.agrees(tolerance); });
  }
  /// The table that `<<` prints.
  [[nodiscard]] std::string table() const {
    std::size_t width = 10;
    for (const Line& line : lines) width = std::max(width, line.what.size());
    std::string result;
    char text[160];
    for (const Line& line : lines) {
      result += line.what + std::string(width - line.what.size(), ' ');
      std::snprintf(text, sizeof text, "  %6lld entries  off by %9.2e of %9.2e", static_cast<long long>(line.entries),
                    line.difference, line.size);
      result += text;
      if (line.agrees(tolerance)) {
        result += "  ok\n";
        continue;
      }
      std::snprintf(text, sizeof text, "  WRONG, most at entry %lld: %.6g, differences give %.6g\n",
                    static_cast<long long>(line.worst), line.got, line.expected);
      result += text;
    }
    return result;
  }
  friend std::ostream& operator<<(std::ostream& out, const GradientCheck& check) { return out << check.table(); }
};

namespace detail {

/// Compares what was computed with what differences give.
inline GradientCheck::Line compared(std::string what, const Vector<double>& got, const Vector<double>& expected,
                                    double rounding) {
  GradientCheck::Line line{.what = std::move(what), .entries = got.size(), .rounding = rounding};
  for (Index i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got(i) - expected(i));
    if (std::isfinite(expected(i))) line.size = std::max(line.size, std::abs(expected(i)));
    if (i == 0 || std::isnan(difference) || difference > line.difference) {
      line.difference = difference;
      line.worst = i;
      line.got = got(i);
      line.expected = expected(i);
    }
    if (std::isnan(difference)) break;
  }
  return line;
}

/// dF/dx, each entry moved by 1e-6 of its size or of 1, whichever is larger.
template <class F>
Vector<double> differences(const F& function, Vector<double> x) {
  Vector<double> result(x.size());
  for (Index i = 0; i < x.size(); ++i) {
    const double centre = x(i), h = 1e-6 * std::max(1., std::abs(centre));
    x(i) = centre + h;
    const double above = function(x), high = x(i);
    x(i) = centre - h;
    result(i) = (above - function(x)) / (high - x(i));
    x(i) = centre;
  }
  return result;
}

/// The layers of a layer with their parameters, in order; the layer itself where it has none or one.
template <class L>
void add_blocks(const std::string& name, const L& layer, std::vector<ParameterBlock>& blocks) {
  std::size_t i = 0;
  if constexpr (requires { layer.layers().begin()->parameter_count(); })
    for (const auto& part : layer.layers()) add_blocks(name + "." + std::to_string(i++), part, blocks);
  else if constexpr (requires { std::get<0>(layer.layers()).parameter_count(); })
    std::apply([&](const auto&... part) { (add_blocks(name + "." + std::to_string(i++), part, blocks), ...); },
               layer.layers());
  else
    blocks.push_back({name, layer.parameter_count()});
}
template <class L>
std::vector<ParameterBlock> blocks_of(const L& layer) {
  std::vector<ParameterBlock> blocks;
  if constexpr (requires { layer.layer().parameter_count(); })
    add_blocks("layer", layer.layer(), blocks);
  else if constexpr (requires { layer.parameter_count(); })
    add_blocks("layer", layer, blocks);
  return blocks;
}

inline void compare_blocks(const Vector<double>& got, const Vector<double>& expected, double rounding,
                           const std::vector<ParameterBlock>& blocks, GradientCheck& check) {
  Index named = 0;
  for (const ParameterBlock& block : blocks) named += block.count;
  if (blocks.size() < 2 || named != got.size()) {
    if (got.size() > 0) check.lines.push_back(compared("parameters", got, expected, rounding));
    return;
  }
  Index offset = 0;
  for (const ParameterBlock& block : blocks) {
    if (block.count > 0)
      check.lines.push_back(compared("parameters of " + block.name, got.segment(offset, block.count),
                                     expected.segment(offset, block.count), rounding));
    offset += block.count;
  }
}

/// linearize(θ, S, X, n, Y, tape, workspace) and pullback(θ, …, θ_bar, workspace) of either.
template <class L>
struct Checked {
  const L& subject;

  [[nodiscard]] Index rows_in() const {
    if constexpr (Layer<L>)
      return subject.in_rows();
    else
      return subject.dim();
  }
  [[nodiscard]] Index rows_out() const {
    if constexpr (Layer<L>)
      return subject.out_rows();
    else
      return subject.dim();
  }
  template <class... Arguments>
  void linearize(const Vector<double>& theta, Arguments&&... arguments) const {
    if constexpr (Layer<L>) {
      subject.linearize(theta, arguments...);
    } else {
      L moved = subject;
      moved.parameters() = theta;
      moved.linearize(arguments...);
    }
  }
  template <class... Arguments>
  void pullback(const Vector<double>& theta, Arguments&&... arguments) const {
    if constexpr (Layer<L>) {
      subject.pullback(theta, arguments...);
    } else {
      L moved = subject;
      moved.parameters() = theta;
      moved.pullback(arguments...);
    }
  }
};

}  // namespace detail

/// A layer or field of double at Gaussian inputs: its tangents beside differences of its values, and the cotangents of
/// inputs, side inputs and parameters beside differences of ⟨cotangents, values and tangents⟩; then the same without
/// tangents. Side inputs that samples share, or that carry tangents, are not tried.
///
/// A layer's parameters are Gaussian, a field's are its own.
/// \param samples, tangents  Of the batch; each sample has side inputs of its own.
/// \throws ArgumentError for less than one sample or a negative number of tangents.
template <class L>
requires Layer<L> || Field<L>
[[nodiscard]] GradientCheck check_gradient(const L& subject, Index samples = 3, Index tangents = 2,
                                           std::uint64_t seed = 1) {
  static_assert(std::same_as<typename L::Scalar, double>,
                "check_gradient: differences say little in float; take the layer or field in double");
  if (samples < 1) throw ArgumentError("check_gradient: samples", samples, "at least 1");
  if (tangents < 0) throw ArgumentError("check_gradient: tangents", tangents, "at least 0");
  const detail::Checked<L> checked{subject};
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const Index n = samples, k = tangents, columns = (1 + k) * n;
  const auto gaussian = [&](std::uint64_t draw, Index rows, Index cols) {
    Batch<double> result(rows, cols);
    fill<Gaussian>(Draw{seed, draw}, 0, result);
    return result;
  };
  Vector<double> theta = 0.5 * gaussian(0, detail::parameter_count(subject), 1);
  if constexpr (Field<L>) theta = subject.parameters();
  const Batch<double> S = gaussian(1, std::max<Index>(1, subject.side_rows()), n),
                      X = gaussian(2, checked.rows_in(), columns), Y_bar = gaussian(3, checked.rows_out(), columns);
  Workspace<double> workspace;
  Vector<double> tape(subject.tape_size(n, k));
  const std::span<double> tape_span(tape.data(), std::size_t(tape.size()));
  const auto values = [&](const Vector<double>& at, const Batch<double>& side, const Batch<double>& x) {
    Batch<double> Y = Batch<double>::Constant(checked.rows_out(), columns, not_a_number);
    checked.linearize(at, side, x, n, Y, tape_span, workspace);
    return Y;
  };
  GradientCheck check;
  constexpr double h = 1e-6, eps = 2.3e-16;
  const Batch<double> Y = values(theta, S, X);
  if (k > 0) {
    Batch<double> expected(Y.rows(), k * n);
    for (Index c = 1; c <= k; ++c) {
      Batch<double> above = X, below = X;
      above.leftCols(n) += h * X.middleCols(c * n, n);
      below.leftCols(n) -= h * X.middleCols(c * n, n);
      expected.middleCols((c - 1) * n, n) =
          (values(theta, S, above).leftCols(n) - values(theta, S, below).leftCols(n)) / (2 * h);
    }
    check.lines.push_back(detail::compared("tangents", Y.rightCols(k * n).reshaped(), expected.reshaped(),
                                           20 * eps / h * Y.leftCols(n).cwiseAbs().maxCoeff()));
  }
  // X_bar is overwritten, the others are added to: what they start from must not matter.
  const Batch<double> S_start = gaussian(4, S.rows(), n);
  const Vector<double> theta_start = gaussian(5, theta.size(), 1);
  Batch<double> scratch = Y_bar, X_bar = Batch<double>::Constant(X.rows(), columns, not_a_number), S_bar = S_start;
  Vector<double> theta_bar = theta_start;
  (void)values(theta, S, X);
  checked.pullback(theta, S, X, n, tape_span, scratch, X_bar, S_bar, theta_bar, workspace);
  S_bar -= S_start;
  theta_bar -= theta_start;
  const double rounding = 20 * eps / h * Y.cwiseProduct(Y_bar).lpNorm<1>();
  const auto product = [&](const Vector<double>& at, const Batch<double>& side, const Batch<double>& x) {
    return values(at, side, x).cwiseProduct(Y_bar).sum();
  };
  const auto by_x = detail::differences(
      [&](const Vector<double>& x) { return product(theta, S, x.reshaped(X.rows(), columns)); }, X.reshaped());
  const Index of_values = X.rows() * n;
  check.lines.push_back(
      detail::compared("cotangents of x", X_bar.leftCols(n).reshaped(), by_x.head(of_values), rounding));
  if (k > 0)
    check.lines.push_back(detail::compared("cotangents of tangents", X_bar.rightCols(k * n).reshaped(),
                                           by_x.tail(by_x.size() - of_values), rounding));
  if (subject.side_rows() > 0) {
    const auto by_side = detail::differences(
        [&](const Vector<double>& s) { return product(theta, s.reshaped(S.rows(), n), X); }, S.reshaped());
    check.lines.push_back(detail::compared("cotangents of side inputs", S_bar.reshaped(), by_side, rounding));
  }
  const auto by_theta = detail::differences([&](const Vector<double>& at) { return product(at, S, X); }, theta);
  detail::compare_blocks(theta_bar, by_theta, rounding, detail::blocks_of(subject), check);
  if (k > 0)  // values alone often go another way
    for (GradientCheck::Line& line : check_gradient(subject, samples, 0, seed).lines) {
      line.what += ", no tangents";
      check.lines.push_back(line);
    }
  return check;
}

/// loss(theta), a number.
template <class Loss>
concept LossOfParameters = requires(const Loss& loss, const Vector<double>& theta) {
  { loss(theta) } -> std::convertible_to<double>;
};

/// A loss with a gradient that somebody has computed, of the parameters theta.
///
///     check_gradient([&](const Vector<double>& theta) { flow.set_parameters(theta); return loss_of(flow); },
///                    flow.parameters(), gradient)
///
/// \param loss    loss(theta), a number of type double. It is called twice for each parameter; its solves should take
///                fixed steps, since those of a controller move with theta.
/// \param blocks  Names of consecutive parts of theta, in order; may be left out.
/// \throws ShapeError when gradient has another length than theta.
template <LossOfParameters Loss>
[[nodiscard]] GradientCheck check_gradient(const Loss& loss, const Vector<double>& theta,
                                           const Vector<double>& gradient,
                                           const std::vector<ParameterBlock>& blocks = {}) {
  require_rows("check_gradient: gradient", gradient.size(), theta.size());
  GradientCheck check;
  const double rounding = 20 * 2.3e-16 / 1e-6 * std::abs(loss(theta));
  detail::compare_blocks(gradient, detail::differences(loss, theta), rounding, blocks, check);
  return check;
}

}  // namespace pathline
