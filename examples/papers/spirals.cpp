#include <examples/papers/ode.hpp>
#include <examples/papers/spirals.hpp>

#include <examples/common/net.hpp>

#include <pathline/nn/mlp.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <utility>

namespace examples::papers {

using namespace pathline;

namespace {

constexpr Index latent = 4, encoder_units = 25, units = 30;
constexpr float scale = 5;  ///< Networks read and write coordinates over this.

using Cell = Net<Dense<float, Tanh>>;
using Layers = Mlp<float, Tanh>::Layers;

/// in-20-out.
[[nodiscard]] Layers decoder(Index in, Index out) {
  return Layers{Repeat<Dense<float, Tanh>>(in, {Dense<float, Tanh>(in, 20, 0)}), Linear<float>(20, out, 0)};
}

/// The mini-batch of an iteration.
struct MiniBatch {
  const Spirals& spirals;
  std::vector<Index> which;

  [[nodiscard]] Index count() const { return Index(which.size()); }
  [[nodiscard]] Index observations() const { return spirals.observations(); }
  [[nodiscard]] const std::vector<Index>& observed(Index j) const {
    return spirals.observed[std::size_t(which[std::size_t(j)])];
  }
  [[nodiscard]] Index number(Index j, Index k) const { return observed(j)[std::size_t(k)]; }
  /// Observation k of each, 2 × n, over the scale.
  [[nodiscard]] Batch<float> values(Index k) const {
    Batch<float> X(2, count());
    for (Index j = 0; j < count(); ++j)
      X.col(j) = spirals.noisy[std::size_t(number(j, k))].col(which[std::size_t(j)]) / scale;
    return X;
  }
  /// What a cell reads: its state, observation k, and the time from there to the next; 0 after the last.
  [[nodiscard]] Batch<float> input(const Batch<float>& H, Index k) const {
    Batch<float> X(H.rows() + 3, count());
    X.topRows(H.rows()) = H;
    X.middleRows(H.rows(), 2) = values(k);
    for (Index j = 0; j < count(); ++j)
      X(H.rows() + 2, j) = k + 1 < observations() ? float(grid_step * double(number(j, k + 1) - number(j, k))) : 0;
    return X;
  }
};

[[nodiscard]] MiniBatch all_of(const Spirals& spirals) {
  MiniBatch all{spirals, {}};
  for (Index j = 0; j < spirals.count(); ++j) all.which.push_back(j);
  return all;
}

/// Calls step(batch, rate) -> loss for each iteration, with a rate that falls to 0 as a cosine.
template <class Step>
void iterate(const Spirals& spirals, const SpiralTraining& training, Rng& rng, const Step& step) {
  for (Index i = 0; i < training.iterations; ++i) {
    std::vector<Index> which = permutation(rng.draw(), spirals.count());
    which.resize(std::size_t(std::min(training.batch, spirals.count())));
    const double rate =
        training.rate * 0.5 * (1 + std::cos(std::numbers::pi * double(i) / double(training.iterations)));
    const double loss = step(MiniBatch{spirals, std::move(which)}, rate);
    if (training.on_iteration) training.on_iteration(loss);
  }
}

/// -log N(observation; prediction, noise²) without its constant, per spiral; the cotangent of the prediction. Both over
/// the scale.
[[nodiscard]] double negative_log_likelihood(const Batch<float>& prediction, const Batch<float>& observation,
                                             Index spirals, Batch<float>& bar) {
  const float weight = float(scale * scale / (noise * noise)) / float(spirals);
  bar = weight * (prediction - observation);
  return 0.5 * double(weight) * double((prediction - observation).squaredNorm());
}

}  // namespace

Spirals make_spirals(Index count, Index length, Index observations, Rng& rng) {
  constexpr Index total = 500;
  Spirals result;
  result.truth.assign(std::size_t(length), Batch<float>(2, count));
  Batch<double> uniform(2, count);
  fill<Uniform>(rng.draw(), 0, uniform);
  for (Index j = 0; j < count; ++j) {
    const Index start = seen + Index(uniform(0, j) * double(total - seen - length + 1));
    for (Index k = 0; k < length; ++k) {
      const double t = grid_step * double(start + k);
      const bool clockwise = uniform(1, j) < 0.5;
      const double angle = clockwise ? 6 * std::numbers::pi + 1 - t : t;
      const double radius = clockwise ? 0.3 * 50 / angle : 0.3 * angle;
      result.truth[std::size_t(k)].col(j) << float(radius * std::cos(angle) + (clockwise ? -5 : 5)),
          float(radius * std::sin(angle));
    }
    std::vector<Index> numbers = permutation(rng.draw(), seen - 1);
    numbers.resize(std::size_t(observations - 1));
    for (Index& number : numbers) ++number;
    numbers.push_back(0);
    std::sort(numbers.begin(), numbers.end());
    result.observed.push_back(std::move(numbers));
  }
  for (const Batch<float>& truth : result.truth) {
    Batch<float> gaussian(2, count);
    fill<Gaussian>(rng.draw(), 0, gaussian);
    result.noisy.emplace_back(truth + float(noise) * gaussian);
  }
  return result;
}

double root_mean_square(const std::vector<Batch<float>>& prediction, const std::vector<Batch<float>>& reference,
                        Index first, Index last) {
  double sum = 0;
  for (Index k = first; k < last; ++k)
    sum += double((prediction[std::size_t(k)] - reference[std::size_t(k)]).squaredNorm());
  return std::sqrt(sum / double((last - first) * reference.front().size()));
}

struct LatentOde::Parts {
  Rng rng;
  double steer;
  Cell cell;
  Net<Linear<float>> head;
  Net<Layers> decoder;
  Ode ode;
  OptimizerState<float> state{};
  Ode::Memory memory{};
  ValueAndGradient<float> result{};

  Parts(std::uint64_t seed, double b)
      : rng(seed),
        steer(b),
        cell(Dense<float, Tanh>(encoder_units + 3, encoder_units, 0), rng),
        head(Linear<float>(encoder_units, 2 * latent, 0), rng),
        decoder(papers::decoder(latent, 2), rng),
        ode(Mlp<float, Tanh>(latent, {20, 20}, rng, 0), Dopri5{}, PiController{.rtol = 1e-4, .atol = 1e-4},
            Backpropagation<>{.outputs = OutputTimes::interpolate}, Threads{1}, ChunkWidth{}) {}

  /// Last state of the cell, and what it read and left on the way there.
  [[nodiscard]] Batch<float> encode(const MiniBatch& batch, std::vector<Batch<float>>& inputs,
                                    std::vector<Cell::Tape>& tapes) {
    const auto m = std::size_t(batch.observations());
    inputs.resize(m);
    tapes.resize(m);
    Batch<float> H = Batch<float>::Zero(encoder_units, batch.count());
    for (std::size_t k = m; k-- > 0;) {
      inputs[k] = batch.input(H, Index(k));
      H = cell.evaluate(inputs[k], tapes[k]);
    }
    return H;
  }

  [[nodiscard]] std::vector<double> training_times() {
    std::vector<double> times{0};
    Batch<double> uniform(1, seen - 1);
    fill<Uniform>(rng.draw(), 0, uniform);
    for (Index k = 1; k < seen; ++k) times.push_back(times.back() + grid_step * (1 + steer * (2 * uniform(k - 1) - 1)));
    return times;
  }

  [[nodiscard]] double step(const MiniBatch& batch, double rate) {
    const Index n = batch.count(), m = batch.observations();
    std::vector<Batch<float>> inputs;
    std::vector<Cell::Tape> tapes;
    const Batch<float> H = encode(batch, inputs, tapes);
    std::vector<float> tape;
    const Batch<float> said = head.evaluate(H, tape);
    const Batch<float> mu = said.topRows(latent), log_s = said.bottomRows(latent), s = log_s.array().exp();
    Batch<float> epsilon(latent, n);
    fill<Gaussian>(rng.draw(), 0, epsilon);
    const Batch<float> z0 = mu + s.cwiseProduct(epsilon);

    double loss = 0;
    const auto likelihood = [&](const States& states, States& bars) {
      Batch<float> Z(latent, m * n), X(2, m * n), X_bar;
      for (Index k = 0; k < m; ++k) {
        X.middleCols(k * n, n) = batch.values(k);
        for (Index j = 0; j < n; ++j) Z.col(k * n + j) = states[std::size_t(batch.number(j, k))].col(j);
      }
      std::vector<float> decoded;
      const Batch<float> predicted = decoder.evaluate(Z, decoded);
      loss = negative_log_likelihood(predicted, X, n, X_bar);
      const Batch<float> Z_bar = decoder.pull_back(Z, std::move(X_bar), decoded);
      for (Index k = 0; k < m; ++k)
        for (Index j = 0; j < n; ++j) bars[std::size_t(batch.number(j, k))].col(j) += Z_bar.col(k * n + j);
      return float(loss);
    };
    value_and_gradient(ode, z0, training_times(), likelihood, memory, result);

    // KL(q | N(0, 1)) = ½ Σ (μ² + s² - 1) - log s.
    loss += double((0.5F * (mu.array().square() + s.array().square() - 1) - log_s.array()).sum()) / double(n);
    Batch<float> said_bar(2 * latent, n);
    said_bar.topRows(latent) = result.initial + mu / float(n);
    said_bar.bottomRows(latent) =
        result.initial.array() * epsilon.array() * s.array() + (s.array().square() - 1) / float(n);
    Batch<float> H_bar = head.pull_back(H, std::move(said_bar), tape);
    for (std::size_t k = 0; k < inputs.size(); ++k)
      H_bar = cell.pull_back(inputs[k], std::move(H_bar), tapes[k]).topRows(encoder_units).eval();
    cell.step(rate);
    head.step(rate);
    decoder.step(rate);
    state.step(Adam{}, rate, result.parameters, ode.parameters());
    return loss;
  }
};

LatentOde::LatentOde(std::uint64_t seed, double steer) : parts_(std::make_unique<Parts>(seed, steer)) {}
LatentOde::~LatentOde() = default;
LatentOde::LatentOde(LatentOde&&) noexcept = default;

void LatentOde::train(const Spirals& spirals, const SpiralTraining& training) {
  Rng rng(training.seed);
  iterate(spirals, training, rng, [this](const MiniBatch& batch, double rate) { return parts_->step(batch, rate); });
}

std::vector<Batch<float>> LatentOde::predict(const Spirals& spirals) const {
  std::vector<Batch<float>> inputs;
  std::vector<Cell::Tape> tapes;
  const Batch<float> H = parts_->encode(all_of(spirals), inputs, tapes);
  std::vector<double> times;
  for (Index k = 0; k < seen + ahead; ++k) times.push_back(grid_step * double(k));
  std::vector<Batch<float>> prediction;
  for (const Batch<float>& Z : solve(parts_->ode, parts_->head.evaluate(H).topRows(latent), times))
    prediction.emplace_back(scale * parts_->decoder.evaluate(Z));
  return prediction;
}

Index LatentOde::parameters() const {
  return parts_->cell.theta.size() + parts_->head.theta.size() + parts_->decoder.theta.size() +
         parts_->ode.parameters().size();
}

double LatentOde::evaluations() const { return double(parts_->result.forward.evaluations); }

struct Autoregressive::Parts {
  Output output;
  Rng rng;
  Cell cell;
  Net<Layers> decoder;

  Parts(std::uint64_t seed, Output the_output)
      : output(the_output),
        rng(seed),
        cell(Dense<float, Tanh>(units + 3, units, 0), rng),
        decoder(papers::decoder(units, 2), rng) {}

  [[nodiscard]] Batch<float> predicted(Batch<float> said, const Batch<float>& before) const {
    return output == Output::increment ? Batch<float>(said + before) : said;
  }

  [[nodiscard]] double step(const MiniBatch& batch, double rate) {
    const Index n = batch.count();
    const auto m = std::size_t(batch.observations());
    std::vector<Batch<float>> inputs(m), states(m), states_bar(m);
    std::vector<Cell::Tape> tapes(m);
    Batch<float> H = Batch<float>::Zero(units, n), X_bar;
    double loss = 0;
    for (std::size_t k = 0; k + 1 < m; ++k) {
      inputs[k] = batch.input(H, Index(k));
      states[k] = H = cell.evaluate(inputs[k], tapes[k]);
      std::vector<float> tape;
      const Batch<float> next = predicted(decoder.evaluate(H, tape), batch.values(Index(k)));
      loss += negative_log_likelihood(next, batch.values(Index(k + 1)), n, X_bar);
      states_bar[k] = decoder.pull_back(H, X_bar, tape);
    }
    Batch<float> H_bar = Batch<float>::Zero(units, n);
    for (std::size_t k = m - 1; k-- > 0;)
      H_bar = cell.pull_back(inputs[k], H_bar + states_bar[k], tapes[k]).topRows(units).eval();
    cell.step(rate);
    decoder.step(rate);
    return loss;
  }
};

Autoregressive::Autoregressive(std::uint64_t seed, Output output) : parts_(std::make_unique<Parts>(seed, output)) {}
Autoregressive::~Autoregressive() = default;
Autoregressive::Autoregressive(Autoregressive&&) noexcept = default;

void Autoregressive::train(const Spirals& spirals, const SpiralTraining& training) {
  Rng rng(training.seed);
  iterate(spirals, training, rng, [this](const MiniBatch& batch, double rate) { return parts_->step(batch, rate); });
}

std::vector<Batch<float>> Autoregressive::predict(const Spirals& spirals) const {
  const MiniBatch all = all_of(spirals);
  const Index n = all.count(), m = all.observations();
  std::vector<Batch<float>> prediction(std::size_t(seen + ahead),
                                       Batch<float>::Constant(2, n, std::numeric_limits<float>::quiet_NaN()));
  // Spirals have their last observations at different times: the rest is predicted for each alone.
  Batch<float> H = Batch<float>::Zero(units, n);
  for (Index k = 0; k + 1 < m; ++k) H = parts_->cell.evaluate(all.input(H, k));
  const Batch<float> last = all.values(m - 1);
  for (Index j = 0; j < n; ++j) {
    Batch<float> h = H.col(j), x = last.col(j);
    for (Index k = all.number(j, m - 1) + 1; k < seen + ahead; ++k) {
      Batch<float> input(units + 3, 1);
      input << h, x, float(grid_step);
      h = parts_->cell.evaluate(input);
      x = parts_->predicted(parts_->decoder.evaluate(h), x);
      prediction[std::size_t(k)].col(j) = scale * x;
    }
  }
  return prediction;
}

Index Autoregressive::parameters() const { return parts_->cell.theta.size() + parts_->decoder.theta.size(); }

}  // namespace examples::papers
