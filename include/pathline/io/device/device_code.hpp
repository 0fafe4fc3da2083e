/// \file
/// The code of exported headers that is the same for all flows, as text in C++17. It reads `scalar`, `dim`, `steps` and
/// other constants that `write_header` puts before it. No heap, no exceptions, no RTTI, nothing beside <cmath>.
#pragma once

namespace pathline::io::detail {

/// Shared by all fields: y += W x, W column by column, so that compilers vectorise along y.
inline constexpr const char* product_code = R"code(
// y += W x; W is rows x columns, column by column.
template <int rows, int columns>
inline void add_product(const scalar* W, const scalar* x, scalar* y) noexcept {
  for (int j = 0; j < columns; ++j)
    for (int i = 0; i < rows; ++i) y[i] += W[j * rows + i] * x[j];
}
)code";

/// Layers on `columns` columns: the values, and then the derivatives along the unit vectors, if any.
inline constexpr const char* layer_code = R"code(
// Y = W X + U s + b with theta = [U | W | b], on columns of values and of derivatives; s and b belong to the values.
template <int in, int out, int columns>
inline void affine(const scalar* theta, const scalar* s, const scalar* X, scalar* Y) noexcept {
  const scalar* const W = theta + side * out;
  for (int i = 0; i < out; ++i) Y[i] = W[in * out + i];
  for (int i = out; i < columns * out; ++i) Y[i] = scalar(0);
  add_product<out, side>(theta, s, Y);
  for (int c = 0; c < columns; ++c) add_product<out, in>(W, X + c * in, Y + c * out);
}

// A = sigma(A), element by element.
template <int rows, int columns>
inline void activate(scalar* A) noexcept {
  for (int i = 0; i < rows; ++i) {
    const Jet jet = sigma(A[i]);
    A[i] = jet.value;
    for (int c = 1; c < columns; ++c) A[c * rows + i] *= jet.slope;
  }
}

// X = [z | unit vectors].
template <int columns>
inline void start(const scalar* z, scalar* X) noexcept {
  for (int i = 0; i < columns * dim; ++i) X[i] = scalar(0);
  for (int i = 0; i < dim; ++i) X[i] = z[i];
  for (int c = 1; c < columns; ++c) X[c * dim + c - 1] = scalar(1);
}

// f = [value; trace of the derivatives, if there are any].
template <int columns>
inline void finish(const scalar* Y, scalar* f) noexcept {
  for (int i = 0; i < dim; ++i) f[i] = Y[i];
  if constexpr (columns > 1) {
    f[dim] = scalar(0);
    for (int c = 1; c < columns; ++c) f[dim] += Y[c * dim + c - 1];
  }
}
)code";

/// For the trace in closed form.
inline constexpr const char* closed_form_code = R"code(
// A = sigma(A), with the slopes.
template <int rows>
inline void activate(scalar* A, scalar* slopes) noexcept {
  for (int i = 0; i < rows; ++i) {
    const Jet jet = sigma(A[i]);
    A[i] = jet.value;
    slopes[i] = jet.slope;
  }
}
)code";

/// FFJORD's concat-squash layer.
inline constexpr const char* squash_code = R"code(
// Y = (W X + b) sigmoid(G s + g) + H s with theta = [W | b | G | g | H].
template <int in, int out, int columns>
inline void concat_squash(const scalar* theta, const scalar* s, const scalar* X, scalar* Y) noexcept {
  const scalar *const b = theta + in * out, *const G = b + out, *const g = G + side * out, *const H = g + out;
  scalar gate[out], shift[out];
  for (int i = 0; i < out; ++i) {
    gate[i] = g[i];
    shift[i] = scalar(0);
    Y[i] = b[i];
  }
  for (int i = out; i < columns * out; ++i) Y[i] = scalar(0);
  add_product<out, side>(G, s, gate);
  add_product<out, side>(H, s, shift);
  for (int c = 0; c < columns; ++c) add_product<out, in>(theta, X + c * in, Y + c * out);
  for (int i = 0; i < out; ++i) {
    const scalar e = std::exp(-std::fabs(gate[i])), open = (gate[i] < scalar(0) ? e : scalar(1)) / (scalar(1) + e);
    for (int c = 0; c < columns; ++c) Y[c * out + i] *= open;
    Y[i] += shift[i];
  }
}
)code";

/// OT-Flow's potential: docs/maths.md, (10.2) to (10.5).
inline constexpr const char* potential_code = R"code(
// f = [-grad Phi; -trace of its Hessian, if columns > 1] of OT-Flow's potential (Onken et al. 2021), q = [z; t].
template <int columns>
inline void field(const scalar* s, const scalar* z, scalar* f) noexcept {
  constexpr int k = columns - 1, places = k > 0 ? k : 1;
  constexpr scalar h = scalar(1) / scalar(depth);
  scalar q[dim + 1], u[width], a[width], v[width];
  scalar T[(depth + 1) * width], S[(depth + 1) * width], J[places * width], P[depth * places * width];
  for (int i = 0; i < dim; ++i) q[i] = z[i];
  q[dim] = s[0];

  // Up through the layers, with the derivatives along the unit vectors.
  for (int i = 0; i < width; ++i) a[i] = b_0[i];
  add_product<width, dim + 1>(K_0, q, a);
  for (int i = 0; i < width; ++i) {
    const Jet jet = sigma(a[i]);
    u[i] = jet.value;
    T[i] = jet.slope;
    S[i] = jet.curvature;
    for (int c = 0; c < k; ++c) J[c * width + i] = jet.slope * K_0[c * width + i];
  }
  for (int l = 1; l <= depth; ++l) {
    const scalar* const K_l = K + (l - 1) * width * width;
    scalar* const P_l = P + (l - 1) * places * width;
    for (int i = 0; i < width; ++i) a[i] = b[(l - 1) * width + i];
    add_product<width, width>(K_l, u, a);
    for (int i = 0; i < k * width; ++i) P_l[i] = scalar(0);
    for (int c = 0; c < k; ++c) add_product<width, width>(K_l, J + c * width, P_l + c * width);
    for (int i = 0; i < width; ++i) {
      const Jet jet = sigma(a[i]);
      u[i] += h * jet.value;
      T[l * width + i] = jet.slope;
      S[l * width + i] = jet.curvature;
      for (int c = 0; c < k; ++c) J[c * width + i] += h * jet.slope * P_l[c * width + i];
    }
  }

  // Down again, with the gradient and the trace.
  scalar trace = trace_of_A;
  for (int i = 0; i < width; ++i) v[i] = w[i];
  for (int l = depth; l >= 1; --l) {
    const scalar* const P_l = P + (l - 1) * places * width;
    for (int i = 0; i < width; ++i) {
      a[i] = h * T[l * width + i] * v[i];
      for (int c = 0; c < k; ++c) {
        const scalar p = P_l[c * width + i];
        trace += h * S[l * width + i] * v[i] * p * p;
      }
    }
    for (int j = 0; j < width; ++j)
      for (int i = 0; i < width; ++i) v[j] += K[((l - 1) * width + j) * width + i] * a[i];
  }
  for (int i = 0; i < width; ++i) {
    a[i] = T[i] * v[i];
    for (int c = 0; c < k; ++c) trace += S[i] * v[i] * K_0[c * width + i] * K_0[c * width + i];
  }
  scalar Aq[rank] = {};
  add_product<rank, dim + 1>(A, q, Aq);
  for (int j = 0; j < dim; ++j) {
    scalar g = b_q[j];
    for (int i = 0; i < rank; ++i) g += A[j * rank + i] * Aq[i];
    for (int i = 0; i < width; ++i) g += K_0[j * width + i] * a[i];
    f[j] = -g;
  }
  if constexpr (columns > 1) f[dim] = -trace;
}
)code";

/// The solve by equal steps and what surrounds it.
inline constexpr const char* solve_code = R"code(
inline bool finite(float x) noexcept {  // by its bits, whatever the compiler assumes of its arithmetic
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7f800000U) != 0x7f800000U;
}
inline bool finite(double x) noexcept {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return (bits & 0x7ff0000000000000ULL) != 0x7ff0000000000000ULL;
}
template <class T>
inline bool finite(const T* x, int n) noexcept {
  for (int i = 0; i < n; ++i)
    if (!finite(x[i])) return false;
  return true;
}

// y to the other end of time, in place: [z; log-determinant] for columns = 1 + dim, z for columns = 1. s holds the
// context from s[1] on.
template <int columns>
inline void solve(bool to_base, scalar* s, scalar* y) noexcept {
  constexpr int rows = columns > 1 ? dim + 1 : dim;
  const scalar sign = to_base ? scalar(1) : scalar(-1), from = to_base ? time_of_data : time_of_base;
  scalar slopes[stages * rows], at[rows];
  for (int n = 0; n < steps; ++n) {
    for (int i = 0; i < stages; ++i) {
      for (int r = 0; r < rows; ++r) {
        scalar sum = scalar(0);
        for (int j = 0; j < i; ++j) sum += step_a[i * stages + j] * slopes[j * rows + r];
        at[r] = y[r] + sign * sum;
      }
      s[0] = from + sign * (scalar(n) + step_c[i]) * step_length;
      field<columns>(s, at, slopes + i * rows);
    }
    for (int r = 0; r < rows; ++r) {
      scalar sum = scalar(0);
      for (int j = 0; j < stages; ++j) sum += step_b[j] * slopes[j * rows + r];
      y[r] += sign * sum;
    }
  }
}
)code";

/// What a program calls.
inline constexpr const char* public_code = R"code(
// Each returns whether the result is finite, and leaves its output as it was if not. What it is given may be infinite:
// the result then is not finite, since the last layer of each field reads context too. Context stands after the sample.

// log p of raw x, in nats.
[[nodiscard]] inline bool log_prob(const data_scalar (&x)[data_rows], scalar& log_p) noexcept {
  scalar y[dim + 1], s[1 + context_rows];
  const scalar log_det = detail::to_coordinates(x, y);
  detail::read_context(x + dim, s + 1);
  y[dim] = scalar(0);
  detail::solve<1 + dim>(true, s, y);
  const scalar result = log_det + y[dim] + detail::log_base(y);
  if (!detail::finite(result)) return false;
  log_p = result;
  return true;
}

// The base point z of raw x.
[[nodiscard]] inline bool transform(const data_scalar (&x)[data_rows], scalar (&z)[dim]) noexcept {
  scalar y[dim], s[1 + context_rows];
  detail::to_coordinates(x, y);
  detail::read_context(x + dim, s + 1);
  detail::solve<1>(true, s, y);
  if (!detail::finite(y, dim)) return false;
  for (int i = 0; i < dim; ++i) z[i] = y[i];
  return true;
}

// Raw x of a base point z.
[[nodiscard]] inline bool inverse(const scalar (&z)[data_rows], data_scalar (&x)[dim]) noexcept {
  scalar y[dim], s[1 + context_rows];
  data_scalar raw[dim];
  for (int i = 0; i < dim; ++i) y[i] = z[i];
  detail::read_context(z + dim, s + 1);
  detail::solve<1>(false, s, y);
  detail::to_data(y, raw);
  if (!detail::finite(raw, dim)) return false;
  for (int i = 0; i < dim; ++i) x[i] = raw[i];
  return true;
}

// Raw x, a sample, of standard normal noise.
[[nodiscard]] inline bool sample(const scalar (&noise)[data_rows], data_scalar (&x)[dim]) noexcept {
  scalar z[data_rows];
  for (int i = 0; i < data_rows; ++i) z[i] = noise[i];
  detail::noise_to_base(noise, z);
  return inverse(z, x);
}
)code";

}  // namespace pathline::io::detail
