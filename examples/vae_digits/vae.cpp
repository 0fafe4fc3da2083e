#include <examples/vae_digits/vae.hpp>

#include <examples/common/net.hpp>

#include <pathline/core/view.hpp>
#include <pathline/flow/cnf.hpp>
#include <pathline/flow/with_context.hpp>
#include <pathline/nn/compose/shallow_mlp.hpp>
#include <pathline/nn/mlp.hpp>
#include <pathline/nn/network.hpp>
#include <pathline/train/adam.hpp>
#include <pathline/train/optimizer.hpp>
#include <pathline/train/variational/importance_weights.hpp>
#include <pathline/train/variational/variational_inference.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace examples::vae {

using namespace pathline;

namespace {

constexpr Index pixels = 64;

using Layers = Mlp<float, Tanh>::Layers;

/// in-hidden-out.
[[nodiscard]] Layers network(Index in, Index hidden, Index out) {
  return Layers{Repeat<Dense<float, Tanh>>(in, {Dense<float, Tanh>(in, hidden, 0)}), Linear<float>(hidden, out, 0)};
}

/// A mini-batch, what the encoder says of it, and the cotangents of that.
struct Job {
  Batch<float> images, mu, log_s, context, mu_bar, log_s_bar;
};

/// log p(image, z) |∂z/∂x| at z = mu + s ⊙ x: the target of the flow for each image. It also goes back through the
/// decoder, whose parameters' cotangent it adds to. One thread alone calls it.
struct Target {
  Net<Layers>* decoder;
  Job* job;

  void log_density_and_score(ConstBatchRef<float> X, RowRef<float> log_p, BatchRef<float> X_bar,
                             const TargetRows<float>& rows) const {
    const Index n = X.cols(), latent = X.rows();
    Batch<float> Z(latent, n), images(pixels, n);
    for (Index j = 0; j < n; ++j) {
      const Index k = rows.ids[std::size_t(j)];
      Z.col(j) = job->mu.col(k).array() + job->log_s.col(k).array().exp() * X.col(j).array();
      images.col(j) = job->images.col(k);
    }
    std::vector<float> tape;
    const Batch<float> logits = decoder->evaluate(Z, tape);
    // Bernoulli in terms of logits a: pixel · a - log(1 + exp a).
    const Batch<float> small = (-logits.cwiseAbs()).array().exp();
    log_p = (images.array() * logits.array() - logits.array().max(0.F) - small.array().log1p()).colwise().sum();
    const Batch<float> probability =
        (logits.array() > 0).select(1 / (1 + small.array()), small.array() / (1 + small.array()));
    const Batch<float> Z_bar = decoder->pull_back(Z, images - probability, tape) - Z;
    const float constant = float(0.5 * double(latent) * std::log(2 * std::numbers::pi));
    for (Index j = 0; j < n; ++j) {
      const Index k = rows.ids[std::size_t(j)];
      log_p(j) += job->log_s.col(k).sum() - Z.col(j).squaredNorm() / 2 - constant;
      X_bar.col(j) = job->log_s.col(k).array().exp() * Z_bar.col(j).array();
      job->mu_bar.col(k) = Z_bar.col(j);
      job->log_s_bar.col(k) = X_bar.col(j).array() * X.col(j).array() + 1;
    }
  }
};

using Flow = Cnf<Network<ShallowMlp<float, Tanh>>, Rk4, FixedSteps, EvaluationSolver<Dopri5, PiController>, Threads>;
using Inference = VariationalInference<Flow, Target>;

}  // namespace

struct Vae::Parts {
  Settings settings;
  Rng rng;
  Net<Layers> encoder, decoder;
  Flow flow;
  OptimizerState<float> state;

  explicit Parts(const Settings& s)
      : settings(s),
        rng(s.seed),
        encoder(network(pixels, s.hidden, 2 * s.latent + s.context), rng),
        decoder(network(s.latent, s.hidden, pixels), rng),
        flow(Network(ShallowMlp<float, Tanh>(s.latent, {s.width, s.width}, 1 + s.context), rng), Rk4{}, FixedSteps(3),
             EvaluationSolver{Dopri5{}, PiController{.rtol = 1e-5, .atol = 1e-5}}, Threads{1}) {
    if (!s.flow) flow.parameters().setZero();  // the field is 0, and x is ε
  }

  [[nodiscard]] Job encoded(Batch<float> images) {
    std::vector<float> tape;
    return encoded(std::move(images), tape);
  }
  /// Leaves on the tape what encoder.pull_back() needs.
  [[nodiscard]] Job encoded(Batch<float> images, std::vector<float>& tape) {
    const Batch<float> said = encoder.evaluate(images, tape);
    Job job{std::move(images),
            said.topRows(settings.latent),
            said.middleRows(settings.latent, settings.latent),
            said.bottomRows(settings.context),
            {},
            {}};
    job.mu_bar = job.log_s_bar = Batch<float>::Zero(settings.latent, said.cols());
    return job;
  }
  /// Base points with the context below.
  [[nodiscard]] Batch<float> points(const Job& job) {
    Batch<float> E(settings.latent, job.mu.cols());
    fill<Gaussian>(rng.draw(), 0, E);
    return with_context(E, job.context);
  }

  void step(const Batch<float>& images, double rate, Inference::Memory& memory, TrainingLoss<float>& loss) {
    std::vector<float> tape;
    Job job = encoded(images, tape);
    const Inference inference(flow, Target{&decoder, &job});
    std::vector<Index> ids(std::size_t(images.cols()));
    std::iota(ids.begin(), ids.end(), Index(0));
    inference.value_and_gradient(points(job), ids, rng.draw(), memory, loss);
    const float share = -1 / float(images.cols());  // of log p in the loss
    Batch<float> bar(2 * settings.latent + settings.context, images.cols());
    bar << share * job.mu_bar, share * job.log_s_bar, loss.context_gradient;
    (void)encoder.pull_back(job.images, std::move(bar), tape);
    decoder.theta_bar *= share;
    encoder.step(rate);
    decoder.step(rate);
    if (settings.flow) state.step(Adam{}, rate, loss.gradient, flow.parameters());
  }

  /// log p(image, z) - log q(z | image) of a sample z for each image.
  [[nodiscard]] Row<double> log_weights(Job& job, Rng& draws) {
    Batch<float> E(settings.latent, job.mu.cols());
    fill<Gaussian>(draws.draw(), 0, E);
    const Inference inference(flow, Target{&decoder, &job});
    return -inference.losses(with_context(E, job.context)).cast<double>();
  }
};

Vae::Vae(const Settings& settings) : parts_(std::make_unique<Parts>(settings)) {}
Vae::~Vae() = default;
Vae::Vae(Vae&&) noexcept = default;

void Vae::train(const Batch<float>& intensities) {
  const Settings& s = parts_->settings;
  Inference::Memory memory;
  TrainingLoss<float> loss;
  const Index n = intensities.cols();
  for (Index epoch = 0; epoch < s.epochs; ++epoch) {
    const std::vector<Index> order = permutation(parts_->rng.draw(), n);
    const Batch<float> images = binary(intensities, parts_->rng.draw());
    const double rate = s.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * double(epoch) / double(s.epochs)));
    for (Index first = 0; first < n; first += s.batch) {
      Batch<float> some(pixels, std::min(s.batch, n - first));
      for (Index j = 0; j < some.cols(); ++j) some.col(j) = images.col(order[std::size_t(first + j)]);
      parts_->step(some, rate, memory, loss);
    }
  }
}

Row<double> Vae::elbo(const Batch<float>& images, Index draws, Rng& rng) const {
  Job job = parts_->encoded(images);
  Row<double> sum = Row<double>::Zero(images.cols());
  for (Index i = 0; i < draws; ++i) sum += parts_->log_weights(job, rng);
  parts_->decoder.theta_bar.setZero();
  return sum / double(draws);
}

Row<double> Vae::log_likelihood(const Batch<float>& images, Index draws, Rng& rng) const {
  Job job = parts_->encoded(images);
  Batch<double> weights(draws, images.cols());
  for (Index i = 0; i < draws; ++i) weights.row(i) = parts_->log_weights(job, rng);
  parts_->decoder.theta_bar.setZero();
  Row<double> result(images.cols());
  for (Index j = 0; j < images.cols(); ++j) result(j) = log_evidence(weights.col(j)).value;
  return result;
}

Batch<float> Vae::decode(const Batch<float>& Z) const {
  return (1 + (-parts_->decoder.evaluate(Z).array()).exp()).inverse();
}

Batch<float> Vae::centre(const Batch<float>& image) const { return parts_->encoded(image).mu; }

Row<double> Vae::log_posterior(const Batch<float>& image, const Batch<float>& Z) const {
  const Job job = parts_->encoded(image);
  Batch<float> X = Z.colwise() - job.mu.col(0);
  X.array().colwise() *= (-job.log_s.col(0)).array().exp();
  const Row<float> log_q = parts_->flow.log_prob(with_context(X, job.context.replicate(1, Z.cols())));
  return log_q.cast<double>().array() - double(job.log_s.sum());
}

Row<double> Vae::log_joint(const Batch<float>& image, const Batch<float>& Z) const {
  const Batch<float> logits = parts_->decoder.evaluate(Z);
  const Batch<float> images = image.replicate(1, Z.cols());
  const Row<float> log_p =
      (images.array() * logits.array() - logits.array().max(0.F) - (-logits.cwiseAbs()).array().exp().log1p())
          .colwise()
          .sum();
  return (log_p - Z.colwise().squaredNorm() / 2).cast<double>().array() -
         0.5 * double(Z.rows()) * std::log(2 * std::numbers::pi);
}

Batch<float> binary(const Batch<float>& intensities, const Draw& draw) {
  Batch<float> U(intensities.rows(), intensities.cols());
  fill<Uniform>(draw, 0, U);
  return (U.array() < intensities.array()).cast<float>();
}

}  // namespace examples::vae
