/// \file
/// Fields as text in C++17: the parameters as arrays and the code that evaluates them. A field that can be exported has
/// a `DeviceField`: `Mlp`, `SquashMlp`, and `Network<Potential>`.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/io/device/device_code.hpp>
#include <pathline/io/device/device_text.hpp>
#include <pathline/math/activations.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/nn/potential/potential.hpp>
#include <pathline/nn/potential/potential_parameters.hpp>
#include <pathline/nn/squash_mlp.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace pathline::io::detail {

/// `Sigma` as the body of a function of `x` that returns σ and σ'.
template <class Sigma>
struct DeviceActivation {
  static constexpr bool known = false;
};
template <>
struct DeviceActivation<Identity> {
  static constexpr bool known = true;
  static constexpr const char *name = "Identity", *code = "  return {x, scalar(1)};\n";
};
template <>
struct DeviceActivation<Tanh> {
  static constexpr bool known = true;
  static constexpr const char *name = "Tanh", *code = R"code(  const scalar value = std::tanh(x);
  return {value, (scalar(1) - value) * (scalar(1) + value)};
)code";
};
template <>
struct DeviceActivation<LogTwoCosh> {
  static constexpr bool known = true;
  static constexpr const char *name = "LogTwoCosh",
                              *code = R"code(  const scalar e = std::expm1(scalar(-2) * std::fabs(x));
  return {std::fabs(x) + std::log1p(e + scalar(1)), std::copysign(-e / (e + scalar(2)), x)};
)code";
};
template <>
struct DeviceActivation<Sigmoid> {
  static constexpr bool known = true;
  static constexpr const char *name = "Sigmoid", *code = R"code(  const scalar e = std::exp(-std::fabs(x));
  const scalar inverse = scalar(1) / (scalar(1) + e), tail = e * inverse;
  return {x < scalar(0) ? tail : inverse, tail * inverse};
)code";
};
template <>
struct DeviceActivation<Softplus> {
  static constexpr bool known = true;
  static constexpr const char *name = "Softplus", *code = R"code(  const scalar e = std::exp(-std::fabs(x));
  const scalar inverse = scalar(1) / (scalar(1) + e);
  return {(x < scalar(0) ? scalar(0) : x) + std::log1p(e), x < scalar(0) ? e * inverse : inverse};
)code";
};
template <>
struct DeviceActivation<Swish> {
  static constexpr bool known = true;
  static constexpr const char *name = "Swish", *code = R"code(  const scalar e = std::exp(-std::fabs(x));
  const scalar inverse = scalar(1) / (scalar(1) + e), tail = e * inverse, s = x < scalar(0) ? tail : inverse;
  return {x * s, s + x * tail * inverse};
)code";
};
template <>
struct DeviceActivation<Sine> {
  static constexpr bool known = true;
  static constexpr const char *name = "Sine", *code = "  return {std::sin(x), std::cos(x)};\n";
};

[[nodiscard]] inline std::string activation_text(const char* code) {
  return std::string("\nstruct Jet {\n  scalar value, slope;\n};\ninline Jet sigma(scalar x) noexcept {\n") + code +
         "}\n";
}

/// A field as text, with what one evaluation costs.
struct DeviceFieldText {
  std::string description, code;
  Index flops = 0, flops_with_trace = 0;  ///< Of products; a multiplication and an addition are two.
  Index activations = 0;                  ///< Calls of σ.
  Index scratch = 0;                      ///< Scalars on the stack, with the trace.
};

/// Layers one after another, each of which reads `side` side inputs.
template <Real Scalar>
class DeviceLayers {
 public:
  DeviceLayers(Index dim, Index side, const Vector<Scalar>& theta) : dim_(dim), side_(side), theta_(theta), in_(dim) {
    shape_ = std::to_string(dim);
  }

  /// \param function       Of `layer_code` or `squash_code`.
  /// \param side_products  Products with the side inputs.
  void add(const std::string& function, Index out, Index parameters, Index side_products, bool activated) {
    const std::string name = "layer_" + std::to_string(count_),
                      sizes = std::to_string(in_) + ", " + std::to_string(out);
    arrays_ += array_text<Scalar>("scalar", name, View<const Scalar>(theta_).segment(used_, parameters));
    calls_ += "  " + function + "<" + sizes + ", columns>(" + name + ", s, " + from() + ", " + to() + ");\n";
    if (activated) calls_ += "  activate<" + std::to_string(out) + ", columns>(" + to() + ");\n";
    flops_ += 2 * out * (in_ + side_products * side_);
    flops_with_trace_ += 2 * out * (in_ * (1 + dim_) + side_products * side_);
    activations_ += activated ? out : 0;
    widest_ = std::max({widest_, in_, out});
    used_ += parameters;
    in_ = out;
    shape_ += "-" + std::to_string(out);
    ++count_;
  }

  [[nodiscard]] DeviceFieldText text(const std::string& kind, const std::string& activation, const char* sigma,
                                     const std::string& layers) const {
    DeviceFieldText result;
    result.description = kind + " " + shape_ + ", " + activation;
    result.code = arrays_ + activation_text(sigma) + product_code + layers +
                  "\n// f = [value; trace of the Jacobian, if columns > 1], s = [time; context].\n"
                  "template <int columns>\n"
                  "inline void field([[maybe_unused]] const scalar* s, const scalar* z, scalar* f) noexcept {\n"
                  "  scalar one[columns * " +
                  std::to_string(widest_) + "], other[columns * " + std::to_string(widest_) +
                  "];\n  start<columns>(z, one);\n" + calls_ + "  finish<columns>(" + from() + ", f);\n}\n";
    result.flops = flops_;
    result.flops_with_trace = flops_with_trace_;
    result.activations = activations_;
    result.scratch = 2 * (1 + dim_) * widest_;
    return result;
  }

  /// Of an `Mlp` with one or two hidden layers: `factor` is m x 1, or m_2 x m_1.
  [[nodiscard]] DeviceFieldText text_in_closed_form(const std::string& activation, const char* sigma,
                                                    const Batch<Scalar>& factor) const {
    const bool two = count_ == 3;
    const Index m_last = factor.rows(), m = two ? factor.cols() : m_last;
    const auto sizes = [](Index in, Index out) { return std::to_string(in) + ", " + std::to_string(out); };
    const auto hidden = [&](Index l, Index in, Index out) {
      const std::string number = std::to_string(l), before = l == 0 ? "z" : "value_" + std::to_string(l - 1);
      return "  scalar value_" + number + "[" + std::to_string(out) + "], slope_" + number + "[" + std::to_string(out) +
             "];\n  affine<" + sizes(in, out) + ", 1>(layer_" + number + ", s, " + before + ", value_" + number +
             ");\n  activate<" + std::to_string(out) + ">(value_" + number + ", slope_" + number + ");\n";
    };
    const std::string last = two ? "1" : "0", rows = std::to_string(m_last);
    DeviceFieldText result;
    result.description = "Mlp " + shape_ + ", " + activation;
    result.code = arrays_ + "// Of the trace in closed form.\n" + array_text<Scalar>("scalar", "trace_factor", factor) +
                  activation_text(sigma) + product_code + layer_code + closed_form_code +
                  "\n// f = [value; trace of the Jacobian, if columns > 1], s = [time; context].\n"
                  "template <int columns>\n"
                  "inline void field([[maybe_unused]] const scalar* s, const scalar* z, scalar* f) noexcept {\n" +
                  hidden(0, dim_, m) + (two ? hidden(1, m, m_last) : "") + "  affine<" + sizes(m_last, dim_) +
                  ", 1>(layer_" + std::to_string(count_ - 1) + ", s, value_" + last + ", f);\n" +
                  "  if constexpr (columns > 1) {\n" +
                  (two ? "    scalar factor[" + rows + "] = {};\n    add_product<" + sizes(m_last, m) +
                             ">(trace_factor, slope_0, factor);\n"
                       : "    const scalar* const factor = trace_factor;\n") +
                  "    f[dim] = scalar(0);\n    for (int i = 0; i < " + rows + "; ++i) f[dim] += slope_" + last +
                  "[i] * factor[i];\n  }\n}\n";
    result.flops = flops_;
    result.flops_with_trace = flops_ + 2 * factor.size() + (two ? 2 * m_last : 0);
    result.activations = activations_;
    result.scratch = 2 * m + (two ? 3 * m_last : 0);
    return result;
  }

 private:
  [[nodiscard]] const char* from() const { return count_ % 2 == 0 ? "one" : "other"; }
  [[nodiscard]] const char* to() const { return count_ % 2 == 0 ? "other" : "one"; }

  Index dim_, side_;
  const Vector<Scalar>& theta_;
  Index in_, used_ = 0, count_ = 0, widest_ = 0, flops_ = 0, flops_with_trace_ = 0, activations_ = 0;
  std::string shape_, arrays_, calls_;
};

/// Whether and how a field is exported.
template <class F>
struct DeviceField {
  static constexpr bool known = false;
};

/// One or two hidden layers have a closed form of the trace (docs/maths.md, (8.6)), which costs one product more with
/// two, and none with one; else the derivatives along the unit vectors go through all layers.
template <class Scalar, class Sigma>
struct DeviceField<Mlp<Scalar, Sigma>> {
  static constexpr bool known = DeviceActivation<Sigma>::known;
  [[nodiscard]] static DeviceFieldText text(const Mlp<Scalar, Sigma>& field) {
    DeviceLayers<Scalar> layers(field.dim(), field.side_rows(), field.parameters());
    const auto& [hidden, last] = field.layer().layers();
    for (const auto& layer : hidden.layers()) layers.add("affine", layer.out_rows(), layer.parameter_count(), 1, true);
    layers.add("affine", last.out_rows(), last.parameter_count(), 1, false);
    const char *const name = DeviceActivation<Sigma>::name, *const sigma = DeviceActivation<Sigma>::code;
    const std::size_t depth = hidden.layers().size();
    if (depth != 1 && depth != 2) return layers.text("Mlp", name, sigma, layer_code);

    // (W_1 W_2)_hh, or W_2 * (W_1 W_3)^T entry by entry; weights of layer l stand after its U, column by column.
    const Index d = field.dim(), side = field.side_rows(), m = hidden.layers()[0].out_rows(),
                m_last = hidden.out_rows();
    Index at = 0;
    const auto weights = [&](Index rows, Index columns) {
      const Batch<double> W =
          View<const Scalar>(field.parameters().data() + at + rows * side, rows, columns).map().template cast<double>();
      at += rows * (side + columns + 1);
      return W;
    };
    const Batch<double> W_1 = weights(m, d), W_2 = depth == 2 ? weights(m_last, m) : Batch<double>(),
                        W_3 = weights(d, m_last);
    Batch<Scalar> factor(m_last, depth == 2 ? m : 1);
    for (Index h = 0; h < m_last; ++h)
      for (Index i = 0; i < factor.cols(); ++i) {
        double sum = 0;
        for (Index k = 0; k < d; ++k) sum += W_3(k, h) * W_1(depth == 2 ? i : h, k);
        factor(h, i) = Scalar(depth == 2 ? W_2(h, i) * sum : sum);
      }
    return layers.text_in_closed_form(name, sigma, factor);
  }
};

template <class Scalar, class Sigma>
struct DeviceField<SquashMlp<Scalar, Sigma>> {
  static constexpr bool known = DeviceActivation<Sigma>::known;
  [[nodiscard]] static DeviceFieldText text(const SquashMlp<Scalar, Sigma>& field) {
    DeviceLayers<Scalar> layers(field.dim(), field.side_rows(), field.parameters());
    const auto& [hidden, last] = field.layer().layers();
    Index widest = last.out_rows();
    for (const auto& layer : hidden.layers()) {
      layers.add("concat_squash", layer.out_rows(), layer.parameter_count(), 2, true);
      widest = std::max(widest, layer.out_rows());
    }
    layers.add("concat_squash", last.out_rows(), last.parameter_count(), 2, false);
    DeviceFieldText result = layers.text("SquashMlp", DeviceActivation<Sigma>::name, DeviceActivation<Sigma>::code,
                                         std::string(layer_code) + squash_code);
    result.activations += result.activations + last.out_rows();  // the gates
    result.scratch += 2 * widest;
    return result;
  }
};

template <class Scalar>
struct DeviceField<Network<Potential<Scalar>>> {
  static constexpr bool known = true;
  [[nodiscard]] static DeviceFieldText text(const Network<Potential<Scalar>>& field) {
    const Index d = field.dim(), m = field.layer().width(), M = field.layer().depth(), r = field.layer().rank();
    const pathline::detail::PotentialShape shape(d, m, M);
    const pathline::detail::PotentialParameters<const Scalar> p(shape, field.parameters().data());
    Batch<Scalar> K(m * m, M), b(m, M);
    for (Index l = 1; l <= M; ++l) {
      K.col(l - 1) = View<const Scalar>(p.K(l).data(), m * m, 1).vector();
      b.col(l - 1) = p.bias(l);
    }
    double trace = 0;
    for (Index j = 0; j < d; ++j)
      for (Index i = 0; i < r; ++i) trace += double(p.A()(i, j)) * double(p.A()(i, j));

    DeviceFieldText result;
    result.description = "Potential, " + std::to_string(d) + " rows, width " + std::to_string(m) + ", depth " +
                         std::to_string(M) + ", LogTwoCosh";
    const auto number = [](const char* name, Index value) {
      return std::string("inline constexpr int ") + name + " = " + std::to_string(value) + ";\n";
    };
    result.code = number("width", m) + number("depth", M) + number("rank", r) +
                  array_text<Scalar>("scalar", "K_0", p.K(0)) + array_text<Scalar>("scalar", "b_0", p.bias(0)) +
                  array_text<Scalar>("scalar", "K", K) + array_text<Scalar>("scalar", "b", b) +
                  array_text<Scalar>("scalar", "w", p.w()) + array_text<Scalar>("scalar", "A", p.A()) +
                  array_text<Scalar>("scalar", "b_q", p.b()) +
                  "inline constexpr scalar trace_of_A = " + literal(Scalar(trace)) + ";\n" + R"code(
// log(exp(x) + exp(-x)) with two derivatives.
struct Jet {
  scalar value, slope, curvature;
};
inline Jet sigma(scalar x) noexcept {
  const scalar e = std::expm1(scalar(-2) * std::fabs(x)), inverse = scalar(1) / (e + scalar(2));
  return {std::fabs(x) + std::log1p(e + scalar(1)), std::copysign(-e * inverse, x),
          scalar(4) * (e + scalar(1)) * inverse * inverse};
}
)code" + product_code +
                  potential_code;
    result.flops = 4 * m * (d + 1) + 4 * M * m * m + 4 * r * (d + 1);
    result.flops_with_trace = result.flops + 2 * M * m * m * d;
    result.activations = m * (M + 1);
    result.scratch = d + 1 + 3 * m + 2 * (M + 1) * m + (M + 1) * d * m + r;
    return result;
  }
};

}  // namespace pathline::io::detail
