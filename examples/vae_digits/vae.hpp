/// \file
/// A variational autoencoder of 8 × 8 binary images, whose posterior is a Gaussian or what a flow makes of one.
///
///     z ~ N(0, I),  p(image | z) = Π Bernoulli(pixel; decoder(z)),  q(z | image): z = mu + s ⊙ x
///
/// (mu, log s, h) is what the encoder says of the image, and x is a sample of a flow whose field reads the context h;
/// N(0, I) where there is none (Kingma & Welling 2014; Rezende & Mohamed 2015; Grathwohl et al. 2019, section 4.2).
#pragma once

#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>

#include <cstdint>
#include <memory>

namespace examples::vae {

using pathline::Batch;
using pathline::Index;
using pathline::Row;

struct Settings {
  bool flow = true;
  Index latent = 2, context = 16, hidden = 128, width = 48, epochs = 200, batch = 100;
  double learning_rate = 5e-3;
  std::uint64_t seed = 1;
};

class Vae {
 public:
  explicit Vae(const Settings& settings);
  ~Vae();
  Vae(Vae&&) noexcept;

  /// \param intensities  64 × n, of 0 to 1: each pixel's probability to be 1, drawn anew in each epoch.
  void train(const Batch<float>& intensities);
  /// Of each binary image (64 × n) the mean of log p(image, z) - log q(z | image) over `draws` samples, nats. By the
  /// adaptive solver.
  [[nodiscard]] Row<double> elbo(const Batch<float>& images, Index draws, pathline::Rng& rng) const;
  /// log p(image), nats, by as many weighted samples.
  [[nodiscard]] Row<double> log_likelihood(const Batch<float>& images, Index draws, pathline::Rng& rng) const;
  /// Probabilities of the pixels, 64 × n, at latent Z.
  [[nodiscard]] Batch<float> decode(const Batch<float>& Z) const;
  /// At points Z (latent × n), for one image: log q(z | image), and log p(image, z).
  [[nodiscard]] Row<double> log_posterior(const Batch<float>& image, const Batch<float>& Z) const;
  [[nodiscard]] Row<double> log_joint(const Batch<float>& image, const Batch<float>& Z) const;
  /// mu of an image.
  [[nodiscard]] Batch<float> centre(const Batch<float>& image) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Binary images, each pixel 1 with the probability that its intensity is.
[[nodiscard]] Batch<float> binary(const Batch<float>& intensities, const pathline::Draw& draw);

}  // namespace examples::vae
