/// \file
/// What a toy set of the plane is made of: a rule from a few random numbers to a point and, where it has one, its
/// density. The rules are those of the FFJORD code (Grathwohl et al. 2019), docs/maths.md, section 12.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <concepts>
#include <string_view>

namespace pathline::detail {

/// The random numbers of one sample: four uniform and two Gaussian ones, all independent.
class ToyNumbers {
 public:
  ToyNumbers(const Draw& draw, Index sample) noexcept : draw_(draw), sample_(sample) {}

  /// Uniform on (0, 1), i = 0 … 3.
  [[nodiscard]] double uniform(Index i) const {
    eigen_assert(i >= 0 && i < 4);
    return draw_.number_at<Uniform>(sample_, i);
  }
  /// 0, 1, …, count - 1 with equal probability (to 2⁻⁵⁰); uses up uniform(i).
  [[nodiscard]] Index integer(Index i, Index count) const { return Index(uniform(i) * double(count)); }
  /// N(0, I).
  [[nodiscard]] Eigen::Vector2d gaussian() const {
    // Components 4 and 5: their block is none of the uniform numbers'.
    return {draw_.number_at<Gaussian>(sample_, 4), draw_.number_at<Gaussian>(sample_, 5)};
  }

 private:
  Draw draw_;
  Index sample_;
};

/// - `name`: what the literature calls it.
/// - `sample(numbers)`: one point, a function of these `ToyNumbers` alone, so that samples are independent.
///
/// `sample` and `log_density` are templates (`const auto&`): a program without toy sets does not compile them.
template <class S>
concept ToySet = requires(const ToyNumbers& numbers) {
  { S::name } -> std::convertible_to<std::string_view>;
  { S::sample(numbers) } -> std::same_as<Eigen::Vector2d>;
};

/// A toy set with a density. A default-constructed object keeps what `log_density(x)` needs.
/// - `entropy`: -E log p in nats, to 1e-6: by the trapezoidal rule on a fine grid, as a test repeats it.
/// - `log_density(x)`: log p(x) in nats.
template <class S>
concept ToySetWithDensity = ToySet<S> && std::default_initializable<S> &&
    requires(const S set, const Eigen::Vector2d& x) {
  { S::entropy } -> std::convertible_to<double>;
  { set.log_density(x) } -> std::same_as<double>;
};

}  // namespace pathline::detail
