/// \file
/// The loops that all rooms share, over views: one pass each, vectorised, compiled once a scalar whatever they are
/// given.
///
/// Their scalar is named by the caller, so that matrices, maps and blocks convert: `axpy<Scalar>(factor, X, Y)`. An
/// entry becomes what Eigen's expression makes of it, bit by bit; sums are taken in the order that each says. Nothing
/// allocates.
#pragma once

#include <pathline/core/view.hpp>
#include <pathline/math/for_packs.hpp>
#include <pathline/math/pack.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace pathline::detail {

/// y = formula(y, x…) for each entry y of Y and those at its place in X…, all of one shape; X may be Y. The formula is
/// called with packs and with scalars: `update<Scalar>(Y, [=](auto y, auto x) { return y + a * x; }, X)`.
template <Real Scalar, class Formula, class... Others>
void update(View<Scalar> Y, Formula formula, const Others&... others) {
  const std::array<View<const Scalar>, sizeof...(Others)> X{View<const Scalar>(others)...};
  bool one_run = Y.contiguous();
  for (const View<const Scalar>& x : X) {
    eigen_assert(x.rows() == Y.rows() && x.cols() == Y.cols());
    one_run = one_run && x.contiguous();
  }
  const Index length = one_run ? Y.size() : Y.rows(), runs = one_run ? Index(Y.size() > 0) : Y.cols();
  for (Index j = 0; j < runs; ++j) {
    Scalar* const y = Y.data() + j * Y.stride();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      const std::array<const Scalar*, sizeof...(I)> x{(X[I].data() + j * X[I].stride())...};
      for_packs<Scalar>(length, [&](auto at, Index i) {
        using At = decltype(at);
        At::store(formula(At::load(y + i), At::load(x[I] + i)...), y + i);
      });
    }
    (std::make_index_sequence<sizeof...(Others)>());
  }
}

/// Y = a.
template <Real Scalar>
void fill(const View<Scalar>& Y, std::type_identity_t<Scalar> a) {
  update<Scalar>(Y, [a](auto y) { return decltype(y)(a); });
}

/// Y = X.
template <Real Scalar>
void copy(const View<const Scalar>& X, const View<Scalar>& Y) {
  update<Scalar>(
      Y, [](auto, auto x) { return x; }, X);
}

/// Y = X, in the other scalar or in the same.
template <Real From, Real To>
void convert(View<const From> X, View<To> Y) {
  eigen_assert(X.rows() == Y.rows() && X.cols() == Y.cols());
  for (Index j = 0; j < X.cols(); ++j)
    for (Index i = 0; i < X.rows(); ++i) Y(i, j) = To(X(i, j));
}

/// Y = a Y.
template <Real Scalar>
void scale(std::type_identity_t<Scalar> a, View<Scalar> Y) {
  update<Scalar>(Y, [a](auto y) { return y * a; });
}

/// Y = a X.
template <Real Scalar>
void set_scaled(std::type_identity_t<Scalar> a, View<const Scalar> X, View<Scalar> Y) {
  update<Scalar>(
      Y, [a](auto, auto x) { return a * x; }, X);
}

/// Y += X.
template <Real Scalar>
void add(View<const Scalar> X, View<Scalar> Y) {
  update<Scalar>(
      Y, [](auto y, auto x) { return y + x; }, X);
}

/// Y += a X.
template <Real Scalar>
void axpy(std::type_identity_t<Scalar> a, const View<const Scalar>& X, const View<Scalar>& Y) {
  update<Scalar>(
      Y, [a](auto y, auto x) { return y + a * x; }, X);
}

/// Every column of Y = column. Columns may be short and many, hence loops of their own.
template <Real Scalar>
void set_columns(const View<const Scalar>& column, const View<Scalar>& Y) {
  eigen_assert(column.rows() == Y.rows() && column.cols() == 1);
  for (Index j = 0; j < Y.cols(); ++j)
    for_packs<Scalar>(Y.rows(), [x = column.data(), y = Y.data() + j * Y.stride()](auto at, Index i) {
      using At = decltype(at);
      At::store(At::load(x + i), y + i);
    });
}

/// Every column of Y += column.
template <Real Scalar>
void add_to_columns(const View<const Scalar>& column, const View<Scalar>& Y) {
  eigen_assert(column.rows() == Y.rows() && column.cols() == 1);
  for (Index j = 0; j < Y.cols(); ++j)
    for_packs<Scalar>(Y.rows(), [x = column.data(), y = Y.data() + j * Y.stride()](auto at, Index i) {
      using At = decltype(at);
      At::add(At::load(x + i), y + i);
    });
}

/// column = the sums of X's rows, zero where X has no columns: whole packs of rows by (…(x₀ + ((x₁ + x₂) + (x₃ +
/// x₄)))…), the rows that are left one column after the other, as `rowwise().sum()` has them.
template <Real Scalar>
void row_sums(View<const Scalar> X, View<Scalar> column) {
  eigen_assert(column.rows() == X.rows() && column.cols() == 1);
  if (X.cols() == 0) return fill<Scalar>(column, 0);
  const Index stride = X.stride(), fours = (X.cols() - 1) / 4 * 4;
  for_packs<Scalar>(X.rows(), [&](auto at, Index i) {
    using At = decltype(at);
    const Scalar* const x = X.data() + i;
    auto sum = At::load(x);
    Index j = 1;
    if constexpr (!std::same_as<typename At::Value, Scalar>)
      for (; j < fours; j += 4) {
        const Scalar* const four = x + j * stride;
        sum = sum + ((At::load(four) + At::load(four + stride)) +
                     (At::load(four + 2 * stride) + At::load(four + 3 * stride)));
      }
    for (; j < X.cols(); ++j) sum = sum + At::load(x + j * stride);
    At::store(sum, column.data() + i);
  });
}

/// Σ term(Access<P>{}, i) in the order of Eigen's `sum` over one run of scalars: two packs in turn, their lanes, and
/// the entries that are left one by one.
template <Real Scalar, class Term>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar sum_of_run(Index size, const Term& term) {
  using P = Pack<Scalar>;
  constexpr Index step = P::size;
  constexpr Access<P> packed;
  constexpr Access<Scalar> single;
  if (size <= 0) return Scalar(0);
  Scalar sum(0);
  Index i = 1;
  if (size >= step) {
    P packs = term(packed, 0);
    const Index pairs = size / (2 * step) * (2 * step);
    i = step;
    if (size >= 2 * step) {
      P others = term(packed, step);
      for (i = 2 * step; i < pairs; i += 2 * step) {
        packs += term(packed, i);
        others += term(packed, i + step);
      }
      packs += others;
      if (size / step * step > pairs) {
        packs += term(packed, pairs);
        i += step;
      }
    }
    sum = Eigen::internal::predux(packs.data());
  } else {
    sum = term(single, 0);
  }
  for (; i < size; ++i) sum += term(single, i);
  return sum;
}

/// Σ term(Access<P>{}, i, j) over rows i and columns j in the order of Eigen's `sum` over a block: whole packs of all
/// columns, their lanes, then the rows that are left.
template <Real Scalar, class Term>
[[nodiscard]] EIGEN_ALWAYS_INLINE Scalar sum_of_block(Index rows, Index cols, const Term& term) {
  using P = Pack<Scalar>;
  constexpr Access<P> packed;
  constexpr Access<Scalar> single;
  if (rows <= 0 || cols <= 0) return Scalar(0);
  const Index packed_rows = rows / P::size * P::size;
  Scalar sum(0);
  if (packed_rows > 0) {
    P packs = term(packed, 0, 0);
    for (Index j = 0; j < cols; ++j)
      for (Index i = j == 0 ? P::size : 0; i < packed_rows; i += P::size) packs += term(packed, i, j);
    sum = Eigen::internal::predux(packs.data());
  } else {
    sum = term(single, 0, 0);
  }
  for (Index j = 0; j < cols; ++j)
    for (Index i = packed_rows == 0 && j == 0 ? 1 : packed_rows; i < rows; ++i) sum += term(single, i, j);
  return sum;
}

/// x_i y_i; always inlined, as Eigen's own are.
template <Real Scalar>
struct ProductOfEntries {
  const Scalar *x, *y;
  template <class At>
  EIGEN_ALWAYS_INLINE auto operator()(At /*access*/, Index i) const {
    return At::load(x + i) * At::load(y + i);
  }
};

/// Σ x_i y_i of two runs of scalars in the order of Eigen's `dot` and `squaredNorm`.
template <Real Scalar>
[[nodiscard]] Scalar dot(const Scalar* x, const Scalar* y, Index size) {
  return sum_of_run<Scalar>(size, ProductOfEntries<Scalar>{x, y});
}

/// Σ log x_i of positive numbers, as Eigen's `log().sum()` has it.
template <Real Scalar>
[[nodiscard]] Scalar sum_of_logs(const Scalar* x, Index size) {
  return sum_of_run<Scalar>(size, [x]<class At>(At, Index i) {
    if constexpr (std::same_as<typename At::Value, Scalar>)
      return Scalar(std::log(x[i]));
    else
      return At::Value::from(Eigen::internal::plog(At::load(x + i).data()));
  });
}

/// Whether no entry is a NaN or an infinity. One pass of products and sums, which any of them spoils: four sums, as an
/// addition to a single one would wait for the addition before it.
template <Real Scalar>
[[nodiscard]] bool all_finite(View<const Scalar> X) {
  using P = Pack<Scalar>;
  constexpr Index step = P::size;
  const bool one_run = X.contiguous();
  const Index length = one_run ? X.size() : X.rows(), runs = one_run ? Index(X.size() > 0) : X.cols();
  P a(Scalar(0)), b = a, c = a, d = a;
  Scalar rest(0);
  for (Index j = 0; j < runs; ++j) {
    const Scalar* const x = X.data() + j * X.stride();
    const auto zero = [x](Index i) { return P::load(x + i) * P(Scalar(0)); };
    Index i = 0;
    for (; i + 4 * step <= length; i += 4 * step)
      a += zero(i), b += zero(i + step), c += zero(i + 2 * step), d += zero(i + 3 * step);
    for (; i + step <= length; i += step) a += zero(i);
    for (; i < length; ++i) rest += x[i] * Scalar(0);
  }
  a += b;
  c += d;
  a += c;
  return rest + Eigen::internal::predux(a.data()) == Scalar(0);
}

}  // namespace pathline::detail
