/// \file
/// The spirals of Chen et al. 2018, section 5.1, and two models of them: the latent ODE, and a recurrent network that
/// predicts the next value from those before.
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace examples::papers {

using pathline::Index;

/// Numbers of the grid: a model sees observations among the first `seen`, and is asked for the `ahead` after them.
inline constexpr Index seen = 100, ahead = 100;
inline constexpr double noise = 0.3;                             ///< Standard deviation in each component.
inline constexpr double grid_step = 6 * 3.14159265358979 / 499;  ///< The radian of the spirals.

/// Half of them turn one way, half the other, from a random angle on.
struct Spirals {
  std::vector<pathline::Batch<float>> truth;  ///< `seen`, or seen + ahead, of 2 × n.
  std::vector<pathline::Batch<float>> noisy;  ///< The same with noise.
  std::vector<std::vector<Index>> observed;   ///< Of each: increasing numbers below `seen`, as many for all, with 0.

  [[nodiscard]] Index count() const { return Index(observed.size()); }
  [[nodiscard]] Index observations() const { return Index(observed.front().size()); }
};

/// Paths as torchdiffeq's example latent_ode.py makes them: of two spirals, any 100 numbers out of 100 to 499.
/// \param length  `seen`, or seen + ahead: numbers of which the truth is wanted.
[[nodiscard]] Spirals make_spirals(Index count, Index length, Index observations, pathline::Rng& rng);

/// Root mean square of the distance in a component, over the numbers first to last - 1 of the grid.
[[nodiscard]] double root_mean_square(const std::vector<pathline::Batch<float>>& prediction,
                                      const std::vector<pathline::Batch<float>>& reference, Index first, Index last);

struct SpiralTraining {
  Index iterations = 0, batch = 100;
  double rate = 1e-2;
  std::uint64_t seed = 1;
  std::function<void(double loss)> on_iteration{};  ///< Called after each.
};

/// A recurrent network of 25 units reads the observations from the last to the first, with the time to the one after:
/// mean and deviation of z(0) in R⁴. z' = f(z), 4-20-20-4; a network 4-20-2 decodes. Trained by the evidence lower
/// bound, with the noise known.
class LatentOde {
 public:
  /// \param steer  STEER's b over the time of a grid step: in training each interval of the grid is longer or shorter
  ///               by U(-b, b), the same for a mini-batch. Below 1; 0: as it is.
  explicit LatentOde(std::uint64_t seed, double steer = 0);
  ~LatentOde();
  LatentOde(LatentOde&&) noexcept;

  void train(const Spirals& spirals, const SpiralTraining& training);
  /// From the mean of z(0): seen + ahead of 2 × n.
  [[nodiscard]] std::vector<pathline::Batch<float>> predict(const Spirals& spirals) const;
  [[nodiscard]] Index parameters() const;
  /// Of the field, in a solve of the last training.
  [[nodiscard]] double evaluations() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A recurrent network of 30 units reads the observations forwards, each with the time to the next, and a network
/// 30-20-2 gives that one, or by how much it differs. Trained by the likelihood of each observation given those before,
/// with the noise known; predicts by reading what it predicted.
class Autoregressive {
 public:
  enum class Output { value, increment };

  Autoregressive(std::uint64_t seed, Output output);
  ~Autoregressive();
  Autoregressive(Autoregressive&&) noexcept;

  void train(const Spirals& spirals, const SpiralTraining& training);
  /// seen + ahead of 2 × n, of which those before the last observation are NaN.
  [[nodiscard]] std::vector<pathline::Batch<float>> predict(const Spirals& spirals) const;
  [[nodiscard]] Index parameters() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace examples::papers
