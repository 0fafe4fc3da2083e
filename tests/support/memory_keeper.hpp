/// \file
/// A checkpoint in memory, in place of a file, that a test can look into and change; and a model that is quick to
/// train.
#pragma once

#include <pathline/core/errors.hpp>
#include <pathline/core/random.hpp>
#include <pathline/core/types.hpp>
#include <pathline/ode/statistics.hpp>
#include <pathline/train/checkpoint/run_keeper.hpp>

#include <any>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

namespace pathline::test {

struct KeptInMemory {
  RunSettings settings;
  std::map<std::string, std::any> values;

  [[nodiscard]] const RunSettings& asked() const { return settings; }
  template <class T>
  void visit(const std::string& name, T& value) const {
    const auto found = values.find(name);
    const T* const kept = found == values.end() ? nullptr : std::any_cast<T>(&found->second);
    if (!kept) throw FileError("no " + name);
    value = *kept;
  }
  template <class T>
  [[nodiscard]] T& at(const std::string& name) {
    return std::any_cast<T&>(values.at(name));
  }
};

/// Copies share what they keep.
struct MemoryKeeper {
  Index every = 1;
  std::shared_ptr<std::optional<KeptInMemory>> kept = std::make_shared<std::optional<KeptInMemory>>();

  [[nodiscard]] std::string name() const { return "the memory"; }
  [[nodiscard]] std::optional<KeptInMemory> read() const { return *kept; }
  template <class Values>
  void write(const RunSettings& asked, const Values& values) const {
    KeptInMemory now{asked, {}};
    const auto add = [&now](const std::string& name, const auto& value) { now.values[name] = value; };
    values(add);
    *kept = now;
  }
};

/// The mean of noisy samples by stochastic gradients, with a running mean of the batches behind it: θ = [mean |
/// running]. It has the kinds of state that a flow has: noise by the draw, and a statistic that the model moves itself.
struct NoisyMean {
  using Scalar = double;
  struct Memory {
    Vector<double> batch_mean;
  };
  struct Loss {
    double loss = 0;
    Vector<double> gradient{};
    Statistics forward{}, backward{};
    Index solves = 0;
  };

  Vector<double> theta = Vector<double>::Zero(4);
  double noise = 0.1, shift = 0;  // of training, and of log_prob: settings without a name

  [[nodiscard]] Vector<double>& parameters() { return theta; }
  [[nodiscard]] Index data_rows() const { return 2; }
  [[nodiscard]] Loss make_training_loss() const { return {}; }
  [[nodiscard]] Row<double> log_prob(const Batch<double>& X) const { return fit_of(X).array() - shift; }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Draw& draw, Memory& memory,
                          Loss& loss) const {
    value_and_gradient(X, samples, Vector<double>::Ones(X.cols()), draw, memory, loss);
  }
  void value_and_gradient(const Batch<double>& X, std::span<const Index> samples, const Vector<double>& weights,
                          const Draw& draw, Memory& memory, Loss& loss) const {
    Batch<double> noisy(2, X.cols());
    fill<Gaussian>(draw, samples, noisy);
    noisy = X + noise * noisy;
    memory.batch_mean = noisy * weights / double(X.cols());
    loss.loss = -(fit_of(noisy) * weights).value() / double(X.cols());
    loss.gradient = Vector<double>::Zero(4);
    loss.gradient.head(2) = theta.head(2) * weights.mean() - memory.batch_mean;
    loss.solves = 1;
    loss.forward = {.accepted = X.cols(), .rejected = 1, .evaluations = 7, .newton_iterations = 2};
  }
  [[nodiscard]] Row<double> fit_of(const Batch<double>& X) const {
    return -0.5 * (X.colwise() - theta.head(2)).colwise().squaredNorm() -
           theta.tail(2).squaredNorm() * Row<double>::Ones(X.cols());
  }
  void after_step(const Memory& memory) { theta.tail(2) = 0.9 * theta.tail(2) + 0.1 * memory.batch_mean; }
};

}  // namespace pathline::test
