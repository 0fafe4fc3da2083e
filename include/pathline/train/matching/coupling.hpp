/// \file
/// Couplings of flow matching: which base point each sample of a mini-batch is joined with.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/core/view.hpp>
#include <pathline/math/matrix_product.hpp>
#include <pathline/math/view_loops.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>

namespace pathline {

/// A policy, const; what it keeps for the next call is in its `Memory`.
/// - `pair(Z, E, samples, draw, partner, memory)`: overwrites partner, n numbers below n. Sample j, a column of Z
///   (d × n), is joined with column partner[j] of E (d × n), the base points as they were drawn. Whatever n is, a base
///   point must be as likely a partner as any other, or the flow learns to start from another density. `samples`, the n
///   row ids, and `draw` name the random numbers.
/// - `check()`, where it has that: throws ArgumentError for settings that cannot be.
/// - `warnings(memory)`, where it has that: texts for the report of `fit`, after all mini-batches. `state(visit)` of
///   the memory names what they depend on, so that a checkpoint keeps it.
template <class C, class Scalar = double>
concept Coupling = requires(const C coupling, View<const Scalar> points, std::span<const Index> samples,
                            const Draw& draw, std::span<Index> partner, typename C::Memory& memory) {
  requires std::default_initializable<typename C::Memory>;
  coupling.pair(points, points, samples, draw, partner, memory);
};

/// Each sample with the base point that was drawn for it (Lipman et al. 2023).
struct IndependentCoupling {
  struct Memory {};
  template <Real Scalar>
  void pair(View<const Scalar> /*Z*/, View<const Scalar> /*E*/, std::span<const Index> /*samples*/,
            const Draw& /*draw*/, std::span<Index> partner, Memory& /*memory*/) const {
    std::iota(partner.begin(), partner.end(), Index(0));
  }
};

namespace detail {

/// Costs of transport between two sets of points. Memory is kept from call to call.
class TransportCosts {
 public:
  /// -2 (e_i - ē)ᵀ (z_j - z̄), base point i below sample j (n × n): ‖z_j - e_i‖² without the terms of one point alone,
  /// which are the same in every plan. In double; without the means, so that data far from the base keep their digits.
  /// \throws DataError where points are so far out that sums of costs overflow.
  template <Real Scalar>
  [[nodiscard]] View<const double> set(View<const Scalar> Z, View<const Scalar> E) {
    centre<Scalar>(Z, -2, samples_);
    centre<Scalar>(E, 1, points_);
    costs_.resize(E.cols(), Z.cols());
    set_matrix_product<Factor::transposed, Factor::plain, double>(points_, samples_, costs_);
    if (!(mean_distance() < std::numeric_limits<double>::max() / 1e12))
      throw DataError(
          "FlowMatching: data or base points are too far out for costs of transport; take IndependentCoupling");
    return costs_;
  }
  /// Of the last call: the mean of ‖(z_j - z̄) - (e_i - ē)‖² over all pairs.
  [[nodiscard]] double mean_distance() const {
    const double n = double(samples_.cols());
    return dot(samples_.data(), samples_.data(), samples_.size()) / (4 * n) +
           dot(points_.data(), points_.data(), points_.size()) / n;
  }

 private:
  template <Real Scalar>
  static void centre(View<const Scalar> X, double factor, Batch<double>& result) {
    result.resize(X.rows(), X.cols());
    for (Index i = 0; i < X.rows(); ++i) {
      double sum = 0;
      for (Index j = 0; j < X.cols(); ++j) sum += double(X(i, j));
      const double mean = sum / double(X.cols());
      for (Index j = 0; j < X.cols(); ++j) result(i, j) = factor * (double(X(i, j)) - mean);
    }
  }

  Batch<double> samples_, points_, costs_;
};

}  // namespace detail
}  // namespace pathline
