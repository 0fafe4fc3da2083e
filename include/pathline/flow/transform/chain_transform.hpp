/// \file
/// Data transforms one after another.
#pragma once

#include <pathline/core/types.hpp>
#include <pathline/flow/transform/transform.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace pathline {

namespace detail {

/// A batch of a scalar that all transforms are for.
template <class Derived, class... Transforms>
concept MappedBy = (DataTransform<Transforms, typename Derived::Scalar> && ...);

/// Whether the last of them says which components are circles.
template <class... Transforms>
concept LastHasCircles = requires(const std::tuple<Transforms...>& transforms) {
  { std::get<sizeof...(Transforms) - 1>(transforms).circles() } -> std::same_as<const std::vector<Index>&>;
};

}  // namespace detail

/// The first transform first; log-determinants add up. A transform that is made from data is made from what the one
/// before it gives:
///
///     const Log log(Vector<double>::Zero(d));
///     const Chain transform(log, Standardize(transformed(log, data)));
template <class... Transforms>
class Chain {
  static_assert(sizeof...(Transforms) > 0, "Chain: give it at least one data transform");
  static_assert((... && (DataTransform<Transforms, double> || DataTransform<Transforms, float>)),
                "Chain: a data transform needs check, apply and invert");

 public:
  static constexpr bool by_component = (detail::maps_by_component<Transforms> && ...);

  explicit Chain(Transforms... transforms) : transforms_(std::move(transforms)...) {}

  [[nodiscard]] const std::tuple<Transforms...>& transforms() const noexcept { return transforms_; }

  void check(Index d) const {
    std::apply([&](const auto&... transform) { (transform.check(d), ...); }, transforms_);
  }

  /// Components on circles, as of the last transform, where that says so (`PeriodicTransform`).
  [[nodiscard]] const std::vector<Index>& circles() const requires detail::LastHasCircles<Transforms...> {
    return std::get<sizeof...(Transforms) - 1>(transforms_).circles();
  }

  template <detail::MappedBy<Transforms...> Derived, class Out, class OutRow>
  void apply(const Eigen::MatrixBase<Derived>& X, Out&& Z, OutRow&& log_det) const {
    apply_to<typename Derived::Scalar>(X.derived(), Z, log_det);
  }

  template <detail::MappedBy<Transforms...> Derived, class Out>
  void invert(const Eigen::MatrixBase<Derived>& Z, Out&& X) const {
    invert_to<typename Derived::Scalar>(Z.derived(), X);
  }

  template <detail::MappedBy<Transforms...> Derived, class ZBar, class XBar>
  void pullback(const Eigen::MatrixBase<Derived>& X, const ZBar& Z_bar, XBar&& X_bar) const
      requires((... && TransformWithPullback<Transforms, typename Derived::Scalar>)) {
    pull_back_to<typename Derived::Scalar>(X.derived(), Z_bar, X_bar);
  }

 private:
  /// In blocks of columns, because each transform overwrites log-determinants: those to be added lie on the stack.
  template <class Scalar>
  void apply_to(ConstBatchRef<Scalar> X, BatchRef<Scalar> Z, RowRef<Scalar> log_det) const {
    constexpr Index width = 64;
    Eigen::Matrix<Scalar, 1, width> buffer;
    for (Index first = 0; first < X.cols(); first += width) {
      const Index n = std::min(width, X.cols() - first);
      BatchRef<Scalar> z = Z.middleCols(first, n);
      RowRef<Scalar> sum = log_det.segment(first, n), more = buffer.head(n);
      try {
        std::get<0>(transforms_).apply(X.middleCols(first, n), z, sum);
        for_rest([&](const auto& transform) {
          transform.apply(z, z, more);
          sum += more;
        });
      } catch (const DomainError& error) {
        throw error.counted_from(first);
      }
    }
  }

  template <class Scalar>
  void invert_to(ConstBatchRef<Scalar> Z, BatchRef<Scalar> X) const {
    constexpr std::size_t last = sizeof...(Transforms) - 1;
    std::get<last>(transforms_).invert(Z, X);
    [&]<std::size_t... I>(std::index_sequence<I...>) { (std::get<last - 1 - I>(transforms_).invert(X, X), ...); }
    (std::make_index_sequence<last>{});
  }

  /// What each transform was given comes first; then back from the last one, whose log-determinant each adds.
  template <class Scalar>
  void pull_back_to(ConstBatchRef<Scalar> X, ConstBatchRef<Scalar> Z_bar, BatchRef<Scalar> X_bar) const {
    constexpr std::size_t count = sizeof...(Transforms);
    std::array<Batch<Scalar>, count> inputs;
    inputs[0] = X;
    Row<Scalar> log_det(X.cols());
    Batch<Scalar> bar;
    X_bar = Z_bar;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((inputs[I + 1].resizeLike(X), std::get<I>(transforms_).apply(inputs[I], inputs[I + 1], log_det)), ...);
    }
    (std::make_index_sequence<count - 1>{});
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      ((bar = X_bar, std::get<count - 1 - I>(transforms_).pullback(inputs[count - 1 - I], bar, X_bar)), ...);
    }
    (std::make_index_sequence<count>{});
  }

  template <class Function>
  void for_rest(Function&& function) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (function(std::get<I + 1>(transforms_)), ...); }
    (std::make_index_sequence<sizeof...(Transforms) - 1>{});
  }

  std::tuple<Transforms...> transforms_;
};

}  // namespace pathline
